// SPDX-License-Identifier: Apache-2.0
#include "hadoop/security/tokens.h"

#include <gtest/gtest.h>

#include "hadoop/security/writable.h"

namespace modelyard::hadoop {
namespace {

using namespace std::string_literals;

Credentials example() {
  Credentials out;
  out.tokens = {{"", {"am-identifier", "am-password", std::string(kAmRmToken), ""}},
                {"127.0.0.1:8020", {std::string(70'000, 'i'), "p\0q"s, std::string(kHdfsToken), "127.0.0.1:8020"}}};
  out.secrets = {{"zk", "secret"}, {"empty", ""}};
  return out;
}

// The numbers on the left as Java's WritableUtils.writeVLong writes them.
TEST(Writable, NumbersAreWrittenAsJavaWritesThem) {
  const std::pair<int64_t, std::string> rows[] = {{0, "\x00"s},
                                                  {127, "\x7f"s},
                                                  {-112, "\x90"s},
                                                  {128, "\x8f\x80"s},
                                                  {255, "\x8f\xff"s},
                                                  {256, "\x8e\x01\x00"s},
                                                  {-113, "\x87\x70"s},
                                                  {-256, "\x87\xff"s},
                                                  {-257, "\x86\x01\x00"s},
                                                  {70'000, "\x8d\x01\x11\x70"s},
                                                  {INT64_MAX, "\x88\x7f\xff\xff\xff\xff\xff\xff\xff"s},
                                                  {INT64_MIN, "\x80\x7f\xff\xff\xff\xff\xff\xff\xff"s}};
  for (const auto& [value, bytes] : rows) {
    std::string out;
    append_vint(out, value);
    EXPECT_EQ(out, bytes) << value;
    EXPECT_EQ(WritableReader(bytes).read_vint().value(), value);
    for (size_t cut = 0; cut < bytes.size(); ++cut)
      EXPECT_EQ(WritableReader(std::string_view(bytes).substr(0, cut)).read_vint().error().code(),
                ErrorCode::kProtocol);
  }
}

TEST(Tokens, BothVersionsOfTheFileAreReadAndWritten) {
  for (const auto version : {CredentialsVersion::kWritable, CredentialsVersion::kProtobuf}) {
    const std::string bytes = write_credentials(example(), version);
    EXPECT_EQ(bytes.substr(0, 5), "HDTS"s + static_cast<char>(version));
    EXPECT_EQ(parse_credentials(bytes).value(), example());
  }
  EXPECT_EQ(write_credentials({}), "HDTS\0\0\0"s);
}

TEST(Tokens, AFileOfTheResourceManagerIsRead) {
  // Version 0, one token with an empty alias and service.
  const std::string bytes = "HDTS\0\x01\0\x03idA\x02pw\x10YARN_AM_RM_TOKEN\0\0"s;
  const Credentials read = parse_credentials(bytes).value();
  ASSERT_NE(read.find(kAmRmToken), nullptr);
  EXPECT_EQ(*read.find(kAmRmToken), (Token{"idA", "pw", "YARN_AM_RM_TOKEN", ""}));
  EXPECT_EQ(read.find(kNmToken), nullptr);
}

TEST(Tokens, AFileCutAnywhereOrLengthenedIsRefused) {
  Credentials small = example();
  small.tokens[1].second.identifier.resize(200);
  for (const auto version : {CredentialsVersion::kWritable, CredentialsVersion::kProtobuf}) {
    const std::string bytes = write_credentials(small, version);
    for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(parse_credentials(bytes.substr(0, cut))) << cut;
    EXPECT_FALSE(parse_credentials(bytes + "x"));
  }
  EXPECT_EQ(parse_credentials("HDTS\x02").error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(parse_credentials("<configuration>").error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(parse_credentials(std::string(kCredentialsMax + 1, 'x')).error().code(), ErrorCode::kResourceExhausted);
}

TEST(Tokens, ACountThatTheFileCannotHoldIsRefused) {
  EXPECT_FALSE(parse_credentials("HDTS\0\x8c\x7f\xff\xff\xff"s));
  EXPECT_FALSE(parse_credentials("HDTS\0\x87\x70"s));
}

TEST(Tokens, AWorkerNeverGetsTheTokenOfTheMaster) {
  const Credentials workers = example().for_workers();
  EXPECT_EQ(workers.find(kAmRmToken), nullptr);
  EXPECT_NE(workers.find(kHdfsToken), nullptr);
  EXPECT_EQ(workers.secrets, example().secrets);
}

TEST(Tokens, TheTextOfATokenIsReadBack) {
  const Token token{"identifier\xff", "password", std::string(kHdfsToken), "127.0.0.1:8020"};
  EXPECT_EQ(to_url_string({"idA", "pw", "K", ""}), "A2lkQQJwdwFLAA");
  EXPECT_EQ(token_from_url_string(to_url_string(token)).value(), token);
  EXPECT_FALSE(token_from_url_string("A2lkQQJwdwFLA"));
  EXPECT_FALSE(token_from_url_string(to_url_string(token) + "AAAA"));
  EXPECT_FALSE(token_from_url_string("?"));
}

}  // namespace
}  // namespace modelyard::hadoop
