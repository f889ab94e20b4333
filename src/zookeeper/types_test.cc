// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/types.h"

#include <gtest/gtest.h>

namespace modelyard::zookeeper {
namespace {

struct PathRow {
  const char* name;
  std::string path;
  const char* why;  // part of the text; "" = good
};

class Paths : public ::testing::TestWithParam<PathRow> {};

TEST_P(Paths, AreJudgedAsTheServerDoes) {
  const Status status = check_path(GetParam().path);
  if (*GetParam().why == '\0') {
    EXPECT_TRUE(status.has_value()) << status.error().message();
    return;
  }
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(status.error().message().find(GetParam().why), std::string::npos) << status.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    All, Paths,
    ::testing::Values(PathRow{"root", "/", ""}, PathRow{"one", "/a", ""}, PathRow{"deep", "/a/b.c/..d/.e/f..", ""},
                      PathRow{"umlaut", "/gr\xc3\xbc\xc3\x9f", ""}, PathRow{"emoji", "/\xf0\x9f\x98\x80", ""},
                      PathRow{"cjk", "/\xe6\xbc\xa2", ""}, PathRow{"blank", "/a b", ""},
                      PathRow{"last_before_specials", "/\xef\xbf\xaf", ""}, PathRow{"empty", "", "start"},
                      PathRow{"relative", "a/b", "start"}, PathRow{"slash_at_end", "/a/", "ends"},
                      PathRow{"double_slash", "/a//b", "empty"}, PathRow{"only_slashes", "//", "ends"},
                      PathRow{"dot", "/a/./b", "'.'"}, PathRow{"dots", "/a/..", "'..'"},
                      PathRow{"nul", std::string("/a\0b", 4), "control"}, PathRow{"newline", "/a\nb", "control"},
                      PathRow{"delete", "/a\x7f", "control"}, PathRow{"latin_control", "/a\xc2\x80", "control"},
                      PathRow{"private_use", "/\xee\x80\x80", "private"},
                      PathRow{"replacement", "/\xef\xbf\xbd", "special"}, PathRow{"cut_utf8", "/a\xc3", "UTF-8"},
                      PathRow{"surrogate", "/\xed\xa0\x80", "UTF-8"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Paths, HaveParentsAndNames) {
  EXPECT_EQ(parent_of("/a/b"), "/a");
  EXPECT_EQ(parent_of("/a"), "/");
  EXPECT_EQ(parent_of("/"), "/");
  EXPECT_EQ(name_of("/a/b"), "b");
  EXPECT_EQ(name_of("/"), "");
}

TEST(Acls, DigestIsTheServersOwn) {
  // What ZooKeeper's DigestAuthenticationProvider.generateDigest("super:test") gives, as its administrator's guide has.
  EXPECT_EQ(digest_id("super", "test"), "super:D/InIHSb7yEEbrWz8b9l71RjZJU=");
}

TEST(Codes, AreWhatCallersActOn) {
  const std::pair<int32_t, ErrorCode> rows[] = {
      {-101, ErrorCode::kNotFound},          {-110, ErrorCode::kAlreadyExists},
      {-103, ErrorCode::kConflict},          {-111, ErrorCode::kConflict},
      {-108, ErrorCode::kConflict},          {-102, ErrorCode::kPermissionDenied},
      {-115, ErrorCode::kUnauthenticated},   {-124, ErrorCode::kUnauthenticated},
      {-8, ErrorCode::kInvalidArgument},     {-114, ErrorCode::kInvalidArgument},
      {-6, ErrorCode::kUnsupported},         {-119, ErrorCode::kUnsupported},
      {-125, ErrorCode::kResourceExhausted}, {-5, ErrorCode::kProtocol},
      {-9999, ErrorCode::kFailed},           {7, ErrorCode::kFailed}};
  for (const auto& [number, code] : rows) {
    EXPECT_EQ(error_code_of(number), code) << number;
    EXPECT_FALSE(text_of(number).empty()) << number;
  }
}

TEST(Ops, CarryWhatTheirMakersGot) {
  const Op create = Op::create("/a", "x", CreateMode::kEphemeralSequential);
  EXPECT_EQ(create.kind, Op::Kind::kCreate);
  EXPECT_EQ(create.data, "x");
  EXPECT_EQ(create.mode, CreateMode::kEphemeralSequential);
  EXPECT_EQ(create.acl, open_acl());
  const Op remove = Op::remove("/a", 3);
  EXPECT_EQ(remove.kind, Op::Kind::kDelete);
  EXPECT_EQ(remove.version, 3);
  const Op set = Op::set("/a", "y");
  EXPECT_EQ(set.kind, Op::Kind::kSetData);
  EXPECT_EQ(set.data, "y");
  EXPECT_EQ(set.version, kAnyVersion);
  EXPECT_EQ(Op::check("/a", 2).kind, Op::Kind::kCheck);
}

}  // namespace
}  // namespace modelyard::zookeeper
