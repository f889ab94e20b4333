// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/jute.h"

#include <gtest/gtest.h>

#include "zookeeper/protocol.h"
#include "zookeeper/testing/packets.h"
#include "zookeeper/watches.h"

namespace modelyard::zookeeper {
namespace {

using namespace testing;

TEST(Jute, WritesWhatItReads) {
  std::string bytes;
  JuteWriter(bytes)
      .number32(-2)
      .number64(-3'000'000'000)
      .boolean(true)
      .text("gr\xc3\xbc\xc3\x9f")
      .texts({"a", "", "ccc"});
  EXPECT_EQ(bytes.substr(0, 4), "\xff\xff\xff\xfe");
  JuteReader in(bytes);
  EXPECT_EQ(in.number32(), -2);
  EXPECT_EQ(in.number64(), -3'000'000'000);
  EXPECT_TRUE(in.boolean());
  EXPECT_EQ(in.text(), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(in.texts(), (std::vector<std::string>{"a", "", "ccc"}));
  EXPECT_TRUE(in.complete());
}

TEST(Jute, EveryCutIsSeen) {
  std::string bytes;
  JuteWriter(bytes).number32(1).number64(2).boolean(true).text("text").texts({"a", "b"});
  for (size_t size = 0; size < bytes.size(); ++size) {
    JuteReader in(std::string_view(bytes).substr(0, size));
    in.number32();
    in.number64();
    in.boolean();
    in.text();
    in.texts();
    EXPECT_FALSE(in.good()) << size;
    EXPECT_EQ(in.number64(), 0);
    EXPECT_EQ(in.text(), "");
    EXPECT_EQ(in.count(1), 0u);
  }
}

TEST(Jute, LengthsAreBoundedByWhatCame) {
  const auto read = [](std::string_view bytes, auto what) {
    JuteReader in(bytes);
    what(in);
    return in.good();
  };
  const std::string_view null("\xff\xff\xff\xff", 4), huge("\x7f\xff\xff\xff", 4), negative("\x80\0\0\0", 4);
  const auto text = [](JuteReader& in) { EXPECT_EQ(in.text(), ""); };
  const auto list = [](JuteReader& in) { EXPECT_TRUE(in.texts().empty()); };
  EXPECT_TRUE(read(null, text));
  EXPECT_TRUE(read(null, list));
  EXPECT_FALSE(read(huge, text));
  EXPECT_FALSE(read(huge, list));
  EXPECT_FALSE(read(negative, text));
  EXPECT_FALSE(read(negative, list));
  // Two texts can be in eight bytes, not three.
  EXPECT_TRUE(read(std::string_view("\0\0\0\2\0\0\0\0\0\0\0\0", 12), [](JuteReader& in) { in.texts(); }));
  EXPECT_FALSE(read(std::string_view("\0\0\0\3\0\0\0\0\0\0\0\0", 12), list));
}

TEST(Jute, PacketsCarryTheirLength) {
  std::string out = "before";
  const size_t start = begin_packet(out);
  out += "content";
  end_packet(out, start);
  EXPECT_EQ(out, std::string("before\0\0\0\7content", 17));
}

std::string multi_result(OpCode type, int32_t error, std::string_view body) {
  std::string out;
  JuteWriter(out).number32(static_cast<int32_t>(type)).boolean(false).number32(error);
  return out + std::string(body);
}
std::string number_body(int32_t number) {
  std::string out;
  JuteWriter(out).number32(number);
  return out;
}
const std::string kMultiEnd = std::string("\xff\xff\xff\xff\1\xff\xff\xff\xff", 9);

const std::vector<Op> kOps = {Op::create("/a", "x"), Op::set("/b", "y"), Op::remove("/c"), Op::check("/d", 1)};

TEST(Packets, AMultiThatWasDone) {
  const MultiAnswer answer =
      decode_multi(multi_result(OpCode::kCreate, 0, text_body("/a")) + multi_result(OpCode::kSetData, 0, stat_body(7)) +
                       multi_result(OpCode::kDelete, 0, "") + multi_result(OpCode::kCheck, 0, "") + kMultiEnd,
                   kOps)
          .value();
  EXPECT_TRUE(answer.done);
  EXPECT_EQ(answer.paths, (std::vector<std::string>{"/a", "", "", ""}));
  ASSERT_EQ(answer.stats.size(), 4u);
  EXPECT_EQ(answer.stats[1].version, 7);
  EXPECT_EQ(answer.stats[0], Stat());
}

TEST(Packets, AMultiThatWasRefusedNamesTheOperation) {
  // The server gives 0 to those before the refused one and -2 to those after it.
  const auto refused = [](int a, int b, int c, int d) {
    std::string body;
    for (const int code : {a, b, c, d}) body += multi_result(OpCode::kError, code, number_body(code));
    return decode_multi(body + kMultiEnd, kOps);
  };
  const MultiAnswer middle = refused(0, 0, -101, -2).value();
  EXPECT_FALSE(middle.done);
  EXPECT_EQ(middle.failed_at, 2u);
  EXPECT_EQ(middle.refusal, ErrorCode::kNotFound);
  EXPECT_EQ(middle.text, "delete /c: the node does not exist");
  EXPECT_EQ(refused(-110, -2, -2, -2)->failed_at, 0u);
  EXPECT_EQ(refused(0, 0, 0, -103)->refusal, ErrorCode::kConflict);
  EXPECT_EQ(refused(-2, -2, -103, -2)->failed_at, 2u);  // as some versions put it
  EXPECT_EQ(refused(-2, -2, -2, -2)->refusal, ErrorCode::kFailed);
  EXPECT_EQ(refused(0, 0, 0, 0).error().code(), ErrorCode::kProtocol);
}

TEST(Packets, AMultiOfOtherResultsIsRefused) {
  const std::vector<Op> one = {Op::create("/a", "x")};
  const std::string good = multi_result(OpCode::kCreate, 0, text_body("/a")) + kMultiEnd;
  ASSERT_TRUE(decode_multi(good, one).has_value());
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_multi(std::string_view(good).substr(0, size), one).has_value()) << size;
  EXPECT_FALSE(decode_multi(multi_result(OpCode::kDelete, 0, "") + kMultiEnd, one).has_value());
  EXPECT_FALSE(decode_multi(multi_result(OpCode::kSetData, 0, stat_body()) + kMultiEnd, one).has_value());
  EXPECT_FALSE(decode_multi(kMultiEnd, one).has_value());
  EXPECT_FALSE(decode_multi(good.substr(0, good.size() - 9) + good, one).has_value());
  EXPECT_FALSE(decode_multi(multi_result(OpCode{77}, 0, "") + kMultiEnd, one).has_value());
  EXPECT_TRUE(decode_multi(kMultiEnd, {})->done);
  EXPECT_TRUE(decode_multi(multi_result(OpCode::kCreate2, 0, text_body("/a") + stat_body()) + kMultiEnd, one)->done);
}

TEST(Packets, EveryCutOfAnAnswerIsSeen) {
  std::string acl;
  JuteWriter(acl).number32(1).number32(31).text("world").text("anyone");
  acl += stat_body();
  std::string children;
  JuteWriter(children).texts({"a", "bc"});
  children += stat_body();
  const auto cuts = [](const std::string& whole, auto decode) {
    EXPECT_TRUE(decode(whole).has_value());
    EXPECT_TRUE(decode(whole + "a field of the future").has_value());
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(decode(std::string_view(whole).substr(0, size)).has_value()) << size;
  };
  cuts(stat_body(), decode_stat);
  cuts(node_body("data"), decode_node);
  cuts(acl, decode_acl);
  cuts(children, decode_children);
  cuts(text_body("/path"), decode_path);
  EXPECT_FALSE(decode_path(text_body("relative")).has_value());
  EXPECT_FALSE(decode_path(text_body("")).has_value());
  EXPECT_EQ(decode_children(children)->names, (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(decode_acl(acl)->first, open_acl());
  EXPECT_EQ(decode_node(node_body("data"))->data, "data");
  EXPECT_EQ(decode_node(node_body("data"))->stat.pzxid, 7);
}

TEST(Packets, CreatesChooseTheirOperation) {
  const auto opcode = [](CreateMode mode) { return create_request(Op::create("/a", "", mode), "/a").first; };
  EXPECT_EQ(opcode(CreateMode::kPersistent), OpCode::kCreate);
  EXPECT_EQ(opcode(CreateMode::kEphemeralSequential), OpCode::kCreate);
  EXPECT_EQ(opcode(CreateMode::kContainer), OpCode::kCreateContainer);
  const auto [code, body] = create_request(Op::create_with_ttl("/a", "data", std::chrono::seconds(5)), "/root/a");
  EXPECT_EQ(code, OpCode::kCreateTtl);
  JuteReader in(body);
  EXPECT_EQ(in.text(), "/root/a");
  EXPECT_EQ(in.text(), "data");
  EXPECT_EQ(in.number32(), 1);
  EXPECT_EQ(in.number32(), 31);
  EXPECT_EQ(in.text(), "world");
  EXPECT_EQ(in.text(), "anyone");
  EXPECT_EQ(in.number32(), 5);
  EXPECT_EQ(in.number64(), 5'000);
  EXPECT_TRUE(in.complete());
}

WatchTable::Watcher watcher() {
  return std::make_shared<const Client::Watcher>([](const WatchEvent&) {});
}

TEST(Watches, EventsFindThoseTheyAreFor) {
  using Kind = WatchTable::Kind;
  using Type = WatchEvent::Type;
  struct Row {
    Kind kind;
    Type type;
    const char* at;
    bool found, gone;
  };
  const Row rows[] = {
      {Kind::kData, Type::kDataChanged, "/a/b", true, true},
      {Kind::kData, Type::kDeleted, "/a/b", true, true},
      {Kind::kData, Type::kChildrenChanged, "/a/b", false, false},
      {Kind::kData, Type::kDataChanged, "/a", false, false},
      {Kind::kExist, Type::kCreated, "/a/b", true, true},
      {Kind::kExist, Type::kDataChanged, "/a/b", true, true},
      {Kind::kChildren, Type::kChildrenChanged, "/a/b", true, true},
      {Kind::kChildren, Type::kDeleted, "/a/b", true, true},
      {Kind::kChildren, Type::kDataChanged, "/a/b", false, false},
      {Kind::kPersistent, Type::kDataChanged, "/a/b", true, false},
      {Kind::kPersistent, Type::kChildrenChanged, "/a/b", true, false},
      {Kind::kPersistent, Type::kCreated, "/a/b/c", false, false},
      {Kind::kRecursive, Type::kDataChanged, "/a/b", true, false},
      {Kind::kRecursive, Type::kCreated, "/a/b/c/d", true, false},
      {Kind::kRecursive, Type::kDeleted, "/a/b/c", true, false},
      {Kind::kRecursive, Type::kChildrenChanged, "/a/b", false, false},
      {Kind::kRecursive, Type::kCreated, "/a/bc", false, false},
      {Kind::kRecursive, Type::kCreated, "/a", false, false},
  };
  for (const Row& row : rows) {
    WatchTable table;
    table.add(row.kind, "/a/b", watcher());
    EXPECT_EQ(table.take(row.type, row.at).size(), row.found ? 1u : 0u) << &row - rows;
    EXPECT_EQ(table.size(), row.gone ? 0u : 1u) << &row - rows;
  }
  WatchTable table;
  table.add(Kind::kRecursive, "/", watcher());
  EXPECT_EQ(table.take(Type::kCreated, "/a/b").size(), 1u);
  EXPECT_EQ(table.take(Type::kDataChanged, "/").size(), 1u);
}

TEST(Watches, PersistentOnesCoverOthersOfTheSamePath) {
  using Kind = WatchTable::Kind;
  WatchTable table;
  EXPECT_FALSE(table.covers(Kind::kData, "/a"));
  table.add(Kind::kRecursive, "/a", watcher());
  EXPECT_TRUE(table.covers(Kind::kData, "/a"));
  EXPECT_FALSE(table.covers(Kind::kChildren, "/a"));
  EXPECT_FALSE(table.covers(Kind::kData, "/a/b"));  // another path: the server holds both
  table.add(Kind::kPersistent, "/p", watcher());
  EXPECT_TRUE(table.covers(Kind::kData, "/p"));
  EXPECT_TRUE(table.covers(Kind::kChildren, "/p"));
}

TEST(Watches, AreTakenWhole) {
  WatchTable table;
  for (const auto kind : {WatchTable::Kind::kData, WatchTable::Kind::kExist, WatchTable::Kind::kChildren,
                          WatchTable::Kind::kPersistent, WatchTable::Kind::kRecursive})
    table.add(kind, "/a", watcher());
  EXPECT_EQ(table.size(), 5u);
  EXPECT_EQ(table.take_persistent().size(), 2u);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_TRUE(table.watches("/a"));
  EXPECT_EQ(table.take_all().size(), 3u);
  EXPECT_FALSE(table.watches("/a"));
  EXPECT_EQ(table.size(), 0u);
}

struct QuorumRow {
  const char* name;
  const char* text;
  const char* parsed;  // "host:port host:port /chroot", or part of the error
  bool good = true;
};
class Quorums : public ::testing::TestWithParam<QuorumRow> {};

TEST_P(Quorums, AreRead) {
  const Result<Quorum> quorum = parse_quorum(GetParam().text);
  if (!GetParam().good) {
    ASSERT_FALSE(quorum.has_value());
    EXPECT_EQ(quorum.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(quorum.error().message().find(GetParam().parsed), std::string::npos) << quorum.error().message();
    return;
  }
  ASSERT_TRUE(quorum.has_value()) << quorum.error().message();
  std::string text;
  for (const auto& server : quorum->servers) text += server.host + ":" + std::to_string(server.port) + " ";
  EXPECT_EQ(text + quorum->chroot, GetParam().parsed);
}

INSTANTIATE_TEST_SUITE_P(
    All, Quorums,
    ::testing::Values(
        QuorumRow{"one", "node1", "node1:2181 "}, QuorumRow{"port", "node1:99", "node1:99 "},
        QuorumRow{"three", "a:1,b,c:3", "a:1 b:2181 c:3 "}, QuorumRow{"blanks", " a:1 , b ", "a:1 b:2181 "},
        QuorumRow{"chroot", "a:1,b/maas/x", "a:1 b:2181 /maas/x"}, QuorumRow{"root", "a/", "a:2181 "},
        QuorumRow{"ipv6", "[::1]:2181,[fe80::1]", "::1:2181 fe80::1:2181 "}, QuorumRow{"empty", "", "names no", false},
        QuorumRow{"only_chroot", "/a", "names no", false}, QuorumRow{"empty_part", "a,,b", "host is missing", false},
        QuorumRow{"no_host", ":2181", "host is missing", false}, QuorumRow{"port_zero", "a:0", "65535", false},
        QuorumRow{"port_large", "a:65536", "65535", false}, QuorumRow{"port_word", "a:x", "65535", false},
        QuorumRow{"port_empty", "a:", "65535", false}, QuorumRow{"bare_ipv6", "::1", "brackets", false},
        QuorumRow{"open_bracket", "[::1", "']'", false}, QuorumRow{"after_bracket", "[::1]x", "port", false},
        QuorumRow{"bad_chroot", "a/x/", "chroot", false}, QuorumRow{"dot_chroot", "a/x/../y", "chroot", false},
        QuorumRow{"control", "a\nb", "character", false}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace modelyard::zookeeper
