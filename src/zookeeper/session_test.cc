// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/session.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "zookeeper/testing/packets.h"

namespace modelyard::zookeeper {
namespace {

using namespace testing;
using std::chrono::milliseconds;

constexpr int64_t kSession = 0x1234567890;

// A session with its owner's part played by hand: a fake clock, and a server's packets written out.
class SessionTest : public ::testing::Test, public SessionEvents {
 protected:
  void on_ready(bool new_session) override { log_ += new_session ? "ready(new) " : "ready "; }
  void on_expired() override { log_ += "expired "; }
  void on_watch(WatchEvent::Type type, const std::string& path, std::vector<WatchTable::Watcher> watchers) override {
    log_ += fmt::format("watch({},{},{}) ", static_cast<int>(type), path, watchers.size());
  }

  Session& make(SessionOptions options = {}) {
    session_ = std::make_unique<Session>(std::move(options), *this);
    return *session_;
  }
  void open(size_t server = 0, std::unique_ptr<SaslMechanism> sasl = nullptr) {
    session_->opened(clock_.now(), server, std::move(sasl), clock_.now() + seconds(3));
  }
  // Everything the session wants to write, as packets.
  std::vector<std::string> write() {
    std::string bytes(session_->output());
    session_->written(bytes.size(), clock_.now());
    std::vector<std::string> packets = take_packets(bytes);
    EXPECT_TRUE(bytes.empty());
    return packets;
  }
  std::vector<Asked> ask() {
    std::vector<Asked> out;
    for (const std::string& each : write()) out.push_back(read_request(each));
    return out;
  }
  Asked ask_one() {
    const std::vector<Asked> all = ask();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Asked() : all.front();
  }
  Status receive(std::string_view bytes) { return session_->receive(bytes, clock_.now()); }
  void expect_error(const Status& status, ErrorCode code, std::string_view text = "") {
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code(), code) << status.error().message();
    EXPECT_NE(status.error().message().find(text), std::string::npos) << status.error().message();
  }
  // Connected, with a new session of ten seconds.
  Session& ready(SessionOptions options = {}) {
    make(std::move(options));
    open();
    write();
    EXPECT_TRUE(receive(handshake(kSession, 10'000)).has_value());
    return *session_;
  }
  void reconnect(size_t server = 0) {
    session_->lost("cut");
    open(server);
    write();
    EXPECT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  }

  // An operation whose end goes into the log as "NAME:ok", "NAME:ERROR" or "NAME:server code".
  uint64_t submit(std::string name, OpCode opcode = OpCode::kExists, std::optional<Request::Watch> watch = {},
                  size_t body_size = 0) {
    Request request;
    request.opcode = opcode;
    request.body = std::string(body_size, 'b');
    request.watch = std::move(watch);
    request.done = [this, name](const Result<Answer>& answer) -> Status {
      if (!answer)
        log_ += fmt::format("{}:{} ", name, to_string(answer.error().code()));
      else if (answer->error != 0)
        log_ += fmt::format("{}:{} ", name, answer->error);
      else if (answer->body == "rubbish")
        return fail(ErrorCode::kProtocol, "cannot be read");
      else
        log_ += fmt::format("{}:ok ", name);
      return {};
    };
    return session_->submit(std::move(request)).value_or(0);
  }
  static Request::Watch watch(WatchTable::Kind kind, std::string path) {
    return {kind, std::move(path), std::make_shared<const Client::Watcher>([](const WatchEvent&) {})};
  }
  std::string log() { return std::exchange(log_, ""); }

  FakeClock clock_;
  std::unique_ptr<Session> session_;
  std::string log_;
};

TEST_F(SessionTest, BeginsWithAHandshakeThatIsKeptOverConnections) {
  make({.session_timeout = milliseconds(7'000)});
  open();
  const std::vector<std::string> first = write();
  ASSERT_EQ(first.size(), 1u);
  JuteReader in(first[0]);
  EXPECT_EQ(in.number32(), 0);      // version
  EXPECT_EQ(in.number64(), 0);      // last zxid
  EXPECT_EQ(in.number32(), 7'000);  // time-out
  EXPECT_EQ(in.number64(), 0);      // session
  EXPECT_EQ(in.text(), std::string(16, '\0'));
  EXPECT_FALSE(in.boolean());
  EXPECT_TRUE(in.complete());
  ASSERT_TRUE(receive(handshake(kSession, 5'000, false, "the password yes")).has_value());
  EXPECT_EQ(log(), "ready(new) ");
  EXPECT_EQ(session_->session_id(), kSession);
  EXPECT_EQ(session_->timeout(), milliseconds(5'000));
  submit("a");
  ASSERT_TRUE(receive(reply(ask_one().xid, 77, 0)).has_value());
  session_->lost("cut");
  open(1);
  const std::vector<std::string> second = write();
  ASSERT_EQ(second.size(), 1u);
  JuteReader again(second[0]);
  again.number32();
  EXPECT_EQ(again.number64(), 77);
  EXPECT_EQ(again.number32(), 7'000);
  EXPECT_EQ(again.number64(), kSession);
  EXPECT_EQ(again.text(), "the password yes");
  ASSERT_TRUE(receive(handshake(kSession, 5'000)).has_value());
  EXPECT_EQ(log(), "a:ok ready ");
}

TEST_F(SessionTest, ANewSessionIsAnnouncedOnceEvenIfItsFirstConnectionBreaks) {
  make({.auth = {{"digest", "a:b"}}});
  open();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  session_->lost("cut before the credentials were taken");
  open();
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000) + reply(kXidAuth, 0, 0)).has_value());
  EXPECT_EQ(log(), "ready(new) ");
  session_->lost("cut");
  open();
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000) + reply(kXidAuth, 0, 0)).has_value());
  EXPECT_EQ(log(), "ready ");
}

TEST_F(SessionTest, TakesServersThatDoNotSayWhetherTheyAreReadOnly) {
  make();
  open();
  ASSERT_TRUE(receive(handshake(kSession, 5'000, std::nullopt)).has_value());
  EXPECT_EQ(log(), "ready(new) ");
}

TEST_F(SessionTest, RefusesReadOnlyServers) {
  make();
  open();
  expect_error(receive(handshake(kSession, 5'000, true)), ErrorCode::kUnavailable, "read-only");
  EXPECT_EQ(log(), "");
  EXPECT_EQ(session_->session_id(), 0);
}

TEST_F(SessionTest, RefusesAnotherSessionThanItsOwn) {
  ready();
  session_->lost("cut");
  open();
  expect_error(receive(handshake(kSession + 1, 5'000)), ErrorCode::kProtocol, "another session");
  EXPECT_EQ(session_->session_id(), kSession);
}

TEST_F(SessionTest, AnExpiredSessionIsFollowedByANewOne) {
  ready();
  submit("get", OpCode::kGetData, watch(WatchTable::Kind::kData, "/a"));
  submit("multi", OpCode::kMulti);
  const std::vector<Asked> asked = ask();
  ASSERT_EQ(asked.size(), 2u);
  ASSERT_TRUE(receive(reply(asked[0].xid, 5, 0)).has_value());
  session_->lost("cut in the midst of a multi");
  submit("waiting");
  open();
  write();
  expect_error(receive(handshake(0, 0)), ErrorCode::kUnavailable, "expired");
  EXPECT_EQ(log(), "ready(new) get:ok multi:deadline expired watch(-2,/a,1) ");
  session_->lost("expired");
  EXPECT_EQ(session_->watches().size(), 0u);
  open();
  const std::vector<std::string> packets = write();
  ASSERT_EQ(packets.size(), 1u);
  JuteReader in(packets[0]);
  in.number32();
  EXPECT_EQ(in.number64(), 0);
  in.number32();
  EXPECT_EQ(in.number64(), 0);
  ASSERT_TRUE(receive(handshake(kSession + 1, 10'000)).has_value());
  ASSERT_TRUE(receive(reply(ask_one().xid, 6, 0)).has_value());
  EXPECT_EQ(log(), "ready(new) waiting:ok ");
}

TEST_F(SessionTest, NegativeTimeoutMeansExpiredToo) {
  ready();
  session_->lost("cut");
  open();
  expect_error(receive(handshake(kSession, -1)), ErrorCode::kUnavailable, "expired");
  EXPECT_EQ(log(), "ready(new) expired ");
}

TEST_F(SessionTest, AFirstHandshakeWithoutASessionIsRubbish) {
  make();
  open();
  expect_error(receive(handshake(0, 0)), ErrorCode::kProtocol);
  EXPECT_EQ(log(), "");
}

TEST_F(SessionTest, CredentialsGoFirstAndAgainOnEachConnection) {
  make({.auth = {{"digest", "a:b"}, {"digest", "c:d"}}});
  open();
  submit("op");
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  std::vector<Asked> asked = ask();
  ASSERT_EQ(asked.size(), 2u);
  for (const Asked& each : asked) {
    EXPECT_EQ(each.xid, kXidAuth);
    EXPECT_EQ(each.opcode, OpCode::kAuth);
  }
  JuteReader in(asked[1].body);
  in.number32();
  EXPECT_EQ(in.text(), "digest");
  EXPECT_EQ(in.text(), "c:d");
  ASSERT_TRUE(receive(reply(kXidAuth, 0, 0)).has_value());
  EXPECT_EQ(log(), "");
  ASSERT_TRUE(receive(reply(kXidAuth, 0, 0)).has_value());
  EXPECT_EQ(log(), "ready(new) ");
  EXPECT_EQ(ask_one().opcode, OpCode::kExists);

  Request more;  // an identity that is added later is kept as well
  more.opcode = OpCode::kAuth;
  more.scheme = "digest";
  more.credentials = "e:f";
  ASSERT_TRUE(session_->submit(std::move(more)).has_value());
  EXPECT_EQ(ask_one().xid, kXidAuth);
  ASSERT_TRUE(receive(reply(kXidAuth, 0, 0)).has_value());
  session_->lost("cut");
  open();
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  EXPECT_EQ(ask().size(), 3u);
}

TEST_F(SessionTest, RefusedCredentialsAreTheEnd) {
  make({.auth = {{"digest", "a:b"}}});
  open();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  expect_error(receive(reply(kXidAuth, 0, -115)), ErrorCode::kUnauthenticated);
  EXPECT_TRUE(session_->refused());
}

TEST_F(SessionTest, CredentialsAddedLaterThatAreRefusedCostTheConnectionAlone) {
  ready();
  submit("auth", OpCode::kAuth);
  submit("before");
  EXPECT_EQ(ask().size(), 2u);
  ASSERT_TRUE(receive(reply(kXidAuth, 0, -115)).has_value());
  EXPECT_FALSE(session_->refused());
  submit("after");
  EXPECT_TRUE(write().empty());  // the server closes now
  session_->lost("closed");
  EXPECT_EQ(log(), "ready(new) auth:-115 before:deadline ");
  open();
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  EXPECT_EQ(ask_one().opcode, OpCode::kExists);  // without the refused identity
}

TEST_F(SessionTest, AServerThatWantsSaslRefusesAllOthers) {
  ready();
  submit("op");
  expect_error(receive(reply(ask_one().xid, 0, -124)), ErrorCode::kUnauthenticated);
  EXPECT_TRUE(session_->refused());
  EXPECT_EQ(log(), "ready(new) op:-124 ");
}

TEST_F(SessionTest, PingsAtAThirdAndGivesUpAtTwoThirds) {
  ready();
  clock_.advance(milliseconds(3'332));
  ASSERT_TRUE(session_->tick(clock_.now()).has_value());
  EXPECT_TRUE(write().empty());
  clock_.advance(milliseconds(2));
  EXPECT_LE(session_->wake_at(), clock_.now());
  ASSERT_TRUE(session_->tick(clock_.now()).has_value());
  const Asked ping = ask_one();
  EXPECT_EQ(ping.xid, kXidPing);
  EXPECT_EQ(ping.opcode, OpCode::kPing);
  ASSERT_TRUE(receive(reply(kXidPing, 9, 0)).has_value());
  EXPECT_EQ(session_->last_heard(), clock_.now());
  clock_.advance(milliseconds(6'665));
  ASSERT_TRUE(session_->tick(clock_.now()).has_value());
  clock_.advance(milliseconds(2));
  EXPECT_LE(session_->wake_at(), clock_.now());
  expect_error(session_->tick(clock_.now()), ErrorCode::kDeadline, "nothing was heard");
}

TEST_F(SessionTest, WhatIsSentStandsForAPing) {
  ready();
  clock_.advance(seconds(3));
  submit("op");
  ask_one();
  clock_.advance(seconds(1));
  ASSERT_TRUE(session_->tick(clock_.now()).has_value());
  EXPECT_TRUE(write().empty());
}

TEST_F(SessionTest, AHandshakeHasAnEnd) {
  make();
  open();
  EXPECT_EQ(session_->wake_at(), clock_.now() + seconds(3));
  clock_.advance(seconds(3));
  expect_error(session_->tick(clock_.now()), ErrorCode::kDeadline, "handshake");
}

TEST_F(SessionTest, OperationsWaitForAConnectionAndKeepTheirOrder) {
  make();
  submit("a");
  submit("b");
  open();
  EXPECT_EQ(write().size(), 1u);  // the handshake alone
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  const std::vector<Asked> asked = ask();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_LT(asked[0].xid, asked[1].xid);
  ASSERT_TRUE(receive(reply(asked[0].xid, 1, 0) + reply(asked[1].xid, 2, -101)).has_value());
  EXPECT_EQ(log(), "ready(new) a:ok b:-101 ");
  EXPECT_EQ(session_->in_flight(), 0u);
  EXPECT_EQ(session_->last_zxid(), 2);
}

TEST_F(SessionTest, WhatWasNotWrittenIsCertainlyNotCarriedOut) {
  ready();
  submit("a");
  submit("b");
  const std::string_view out = session_->output();
  session_->written(out.size() / 2 + 1, clock_.now());  // a, and the first byte of b
  submit("c");
  session_->lost("cut");
  EXPECT_EQ(log(), "ready(new) a:deadline b:deadline ");
  open();
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  submit("d");
  submit("e");
  const size_t one = session_->output().size() / 3;
  session_->written(one, clock_.now());  // c alone
  session_->lost("cut");
  EXPECT_EQ(log(), "ready c:deadline d:unavailable e:unavailable ");
}

TEST_F(SessionTest, WithdrawingSaysWhetherItWasSent) {
  ready();
  const uint64_t a = submit("a");
  ask_one();
  const uint64_t b = submit("b");
  const uint64_t c = submit("c", OpCode::kGetData, watch(WatchTable::Kind::kData, "/c"));
  EXPECT_TRUE(session_->withdraw(b));
  EXPECT_FALSE(session_->withdraw(a));
  const Asked asked = ask_one();
  EXPECT_EQ(asked.opcode, OpCode::kGetData);
  EXPECT_FALSE(session_->withdraw(c));
  ASSERT_TRUE(receive(reply(1, 1, 0) + reply(asked.xid, 1, 0)).has_value());
  EXPECT_EQ(log(), "ready(new) ");
  EXPECT_EQ(session_->watches().size(), 0u);
  EXPECT_EQ(session_->in_flight(), 0u);
  EXPECT_FALSE(session_->withdraw(12345));
}

TEST_F(SessionTest, OperationsAreBounded) {
  ready({.in_flight_max = 2});
  EXPECT_NE(submit("a"), 0u);
  ask_one();
  EXPECT_NE(submit("b"), 0u);
  EXPECT_EQ(submit("c"), 0u);
  ASSERT_TRUE(receive(reply(1, 1, 0)).has_value());
  EXPECT_NE(submit("d"), 0u);
}

TEST_F(SessionTest, ASlowSocketGetsALimitedShare) {
  ready();
  for (int i = 0; i < 100; ++i) submit("op", OpCode::kSetData, {}, 10'000);
  const size_t lying = session_->output().size();
  EXPECT_GE(lying, size_t{256} << 10);
  EXPECT_LT(lying, (size_t{256} << 10) + 20'000);
  EXPECT_EQ(session_->output().size(), lying);
  size_t all = 0;
  for (std::string_view out; !(out = session_->output()).empty();) {
    const size_t size = std::min<size_t>(out.size(), 7'001);
    session_->written(size, clock_.now());
    all += size;
  }
  EXPECT_EQ(all, 100u * (10'000 + 12));
}

struct RubbishRow {
  const char* name;
  std::string bytes;
  const char* text;
};
class Rubbish : public SessionTest, public ::testing::WithParamInterface<RubbishRow> {};

TEST_P(Rubbish, EndsTheConnectionNotTheSession) {
  ready({.packet_max = 1'000});
  submit("a");
  submit("b");
  ask();
  expect_error(receive(GetParam().bytes), ErrorCode::kProtocol, GetParam().text);
  session_->lost("rubbish");
  const std::string ended = log();
  EXPECT_NE(ended.find("b:deadline"), std::string::npos) << ended;
  EXPECT_EQ(session_->session_id(), kSession);
  open();
  write();
  EXPECT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  EXPECT_EQ(log(), "ready ");
}

INSTANTIATE_TEST_SUITE_P(All, Rubbish,
                         ::testing::Values(RubbishRow{"wrong_xid", reply(2, 1, 0), "out of order"},
                                           RubbishRow{"unknown_xid", reply(77, 1, 0), "out of order"},
                                           RubbishRow{"unknown_negative_xid", reply(-77, 1, 0), "out of order"},
                                           RubbishRow{"unimplemented_of_none", reply(77, 1, -6), "not sent"},
                                           RubbishRow{"too_many", reply(1, 1, 0) + reply(1, 1, 0), "out of order"},
                                           RubbishRow{"oversized", packet(std::string(1'001, 'x')), "1001 bytes"},
                                           RubbishRow{"negative_length", "\xff\xff\xff\xff", "4294967295"},
                                           RubbishRow{"short_header", packet("0123456789abcde"), "15 bytes"},
                                           RubbishRow{"empty", packet(""), "0 bytes"},
                                           RubbishRow{"unreadable_body", reply(1, 1, 0, "rubbish"), "cannot be read"},
                                           RubbishRow{"http", "HTTP/1.1 400 Bad Request\r\n\r\n", "bytes"},
                                           RubbishRow{"cut_event", reply(-1, 0, 0, "\1\2\3"), "watch event"},
                                           RubbishRow{"event_without_path", event(1, ""), "without a path"},
                                           RubbishRow{"auth_of_none", reply(-4, 0, 0), "not sent"},
                                           RubbishRow{"set_watches_of_none", reply(-8, 0, 0), "not set"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(SessionTest, RubbishInTheHandshakeEndsTheConnection) {
  for (const std::string& bytes :
       {packet(""), packet("0123"), packet(std::string(15, '\1')), std::string("\x7f\xff\xff\xff")}) {
    make();
    open();
    expect_error(receive(bytes), ErrorCode::kProtocol);
  }
}

// A whole conversation, its bytes cut at every place: in two receives nothing changes, and at a cut connection each
// operation ends exactly once.
TEST_F(SessionTest, EveryCutOfTheBytesIsTheSameOrALostConnection) {
  const std::string script = handshake(kSession, 10'000) + reply(1, 5, 0) + event(3, "/a") + reply(2, 6, 0) +
                             reply(-2, 6, 0) + reply(3, 7, -101) + event(1, "/e");
  const auto begin = [&] {
    make();
    submit("a", OpCode::kGetData, watch(WatchTable::Kind::kData, "/a"));
    submit("b", OpCode::kCreate);
    submit("c", OpCode::kExists, watch(WatchTable::Kind::kData, "/e"));
    open();
    write();
  };
  const auto feed = [&](std::string_view bytes) {
    const size_t of_handshake = std::min<size_t>(bytes.size(), 41);
    ASSERT_TRUE(receive(bytes.substr(0, of_handshake)).has_value());
    write();
    ASSERT_TRUE(receive(bytes.substr(of_handshake)).has_value());
  };
  const std::string whole = "ready(new) a:ok watch(3,/a,1) b:ok c:-101 watch(1,/e,1) ";
  for (size_t cut = 0; cut <= script.size(); ++cut) {
    begin();
    feed(std::string_view(script).substr(0, cut));
    if (cut >= 41) {
      ASSERT_TRUE(receive(std::string_view(script).substr(cut)).has_value());
      EXPECT_EQ(log(), whole) << cut;
    }
    log();
    begin();
    feed(std::string_view(script).substr(0, cut));
    session_->lost("cut");
    open();
    write();
    ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
    for (const Asked& asked : ask()) {
      if (asked.xid > 0) ASSERT_TRUE(receive(reply(asked.xid, 9, 0)).has_value());
    }
    const std::string ended = log();
    for (const char* name : {" a:", " b:", " c:"}) {
      const size_t at = ended.find(name);
      EXPECT_NE(at, std::string::npos) << cut << ": " << ended;
      EXPECT_EQ(ended.find(name, at + 1), std::string::npos) << cut << ": " << ended;
    }
  }
}

TEST_F(SessionTest, ByteByByteIsTheSame) {
  make();
  submit("a");
  open();
  write();
  for (const char c : handshake(kSession, 10'000)) ASSERT_TRUE(receive({&c, 1}).has_value());
  write();
  for (const char c : reply(1, 5, 0) + reply(-2, 5, 0)) ASSERT_TRUE(receive({&c, 1}).has_value());
  EXPECT_EQ(log(), "ready(new) a:ok ");
}

TEST_F(SessionTest, WatchesStandFromTheirAnswerUntilTheirEvent) {
  ready();
  submit("get", OpCode::kGetData, watch(WatchTable::Kind::kData, "/a"));
  submit("none", OpCode::kGetData, watch(WatchTable::Kind::kData, "/absent"));
  submit("exists", OpCode::kExists, watch(WatchTable::Kind::kData, "/soon"));
  submit("children", OpCode::kGetChildren2, watch(WatchTable::Kind::kChildren, "/a"));
  ask();
  ASSERT_TRUE(receive(event(3, "/a")).has_value());  // before the answer: for nobody
  ASSERT_TRUE(receive(reply(1, 1, 0) + reply(2, 1, -101) + reply(3, 1, -101) + reply(4, 1, 0)).has_value());
  EXPECT_EQ(session_->watches().size(), 3u);
  ASSERT_TRUE(
      receive(event(1, "/absent") + event(1, "/soon") + event(4, "/a") + event(3, "/a") + event(3, "/a")).has_value());
  EXPECT_EQ(log(), "ready(new) get:ok none:-101 exists:-101 children:ok watch(1,/soon,1) watch(4,/a,1) watch(3,/a,1) ");
  EXPECT_EQ(session_->watches().size(), 0u);
  ASSERT_TRUE(receive(event(-1, "") + event(99, "/x")).has_value());  // of kinds that do not concern us
}

TEST_F(SessionTest, WatchesAreSetAgainWithTheLastZxid) {
  ready();
  submit("get", OpCode::kGetData, watch(WatchTable::Kind::kData, "/d"));
  submit("exists", OpCode::kExists, watch(WatchTable::Kind::kData, "/e"));
  submit("children", OpCode::kGetChildren2, watch(WatchTable::Kind::kChildren, "/c"));
  ask();
  ASSERT_TRUE(receive(reply(1, 41, 0) + reply(2, 42, -101) + reply(3, 40, 0)).has_value());
  session_->lost("cut");
  submit("later");
  open(1);
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  const std::vector<Asked> asked = ask();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].xid, kXidSetWatches);
  EXPECT_EQ(asked[0].opcode, OpCode::kSetWatches);
  JuteReader in(asked[0].body);
  EXPECT_EQ(in.number64(), 42);
  EXPECT_EQ(in.texts(), std::vector<std::string>{"/d"});
  EXPECT_EQ(in.texts(), std::vector<std::string>{"/e"});
  EXPECT_EQ(in.texts(), std::vector<std::string>{"/c"});
  EXPECT_TRUE(in.complete());
  ASSERT_TRUE(receive(event(3, "/d") + reply(-8, 43, 0) + reply(asked[1].xid, 43, 0)).has_value());
  EXPECT_EQ(log(), "ready(new) get:ok exists:-101 children:ok ready watch(3,/d,1) later:ok ");
}

TEST_F(SessionTest, PersistentWatchesAreSetAgainToo) {
  ready();
  submit("get", OpCode::kGetData, watch(WatchTable::Kind::kData, "/d"));
  submit("p", OpCode::kAddWatch, watch(WatchTable::Kind::kPersistent, "/p"));
  ask();
  ASSERT_TRUE(receive(reply(1, 1, 0)).has_value());
  ask();
  ASSERT_TRUE(receive(reply(2, 1, 0)).has_value());
  submit("r", OpCode::kAddWatch, watch(WatchTable::Kind::kRecursive, "/r"));
  ask();
  ASSERT_TRUE(receive(reply(3, 1, 0)).has_value());
  ASSERT_TRUE(
      receive(event(3, "/p") + event(4, "/p") + event(1, "/r/x/y") + event(4, "/r") + event(1, "/rr")).has_value());
  EXPECT_EQ(log(), "ready(new) get:ok p:ok r:ok watch(3,/p,1) watch(4,/p,1) watch(1,/r/x/y,1) ");
  session_->lost("cut");
  open();
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  const std::vector<Asked> asked = ask();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].opcode, OpCode::kSetWatches);
  EXPECT_EQ(asked[1].opcode, OpCode::kSetWatches2);
  JuteReader in(asked[1].body);
  in.number64();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(in.texts().empty());
  EXPECT_EQ(in.texts(), std::vector<std::string>{"/p"});
  EXPECT_EQ(in.texts(), std::vector<std::string>{"/r"});
  EXPECT_TRUE(in.complete());
}

TEST_F(SessionTest, ManyWatchesAreSetInSeveralPackets) {
  ready({.in_flight_max = 5'000});
  for (int i = 0; i < 3'000; ++i)
    submit("g", OpCode::kGetData, watch(WatchTable::Kind::kData, fmt::format("/{:0100}", i)));
  ask();
  for (int i = 1; i <= 3'000; ++i) ASSERT_TRUE(receive(reply(i, 1, 0)).has_value());
  reconnect();
  const std::vector<Asked> asked = ask();
  EXPECT_EQ(asked.size(), 3u);
  size_t all = 0;
  for (const Asked& each : asked) {
    EXPECT_EQ(each.opcode, OpCode::kSetWatches);
    EXPECT_LE(each.body.size(), (size_t{128} << 10) + 64);
    JuteReader in(each.body);
    in.number64();
    all += in.texts().size();
  }
  EXPECT_EQ(all, 3'000u);
}

TEST_F(SessionTest, AnEndedPersistentWatchIsTakenFromTheServer) {
  ready();
  const Request::Watch first = watch(WatchTable::Kind::kRecursive, "/r"),
                       second = watch(WatchTable::Kind::kRecursive, "/r");
  for (const auto& each : {first, second}) {
    submit("w", OpCode::kAddWatch, each);
    ASSERT_TRUE(receive(reply(ask_one().xid, 1, 0)).has_value());
  }
  session_->unwatch(WatchTable::Kind::kRecursive, "/r", first.watcher);
  EXPECT_TRUE(write().empty());  // the other one needs it
  session_->unwatch(WatchTable::Kind::kRecursive, "/r", first.watcher);
  EXPECT_TRUE(write().empty());
  session_->unwatch(WatchTable::Kind::kRecursive, "/r", second.watcher);
  const Asked asked = ask_one();
  EXPECT_EQ(asked.opcode, OpCode::kRemoveWatches);
  ASSERT_TRUE(receive(reply(asked.xid, 1, 0)).has_value());
  EXPECT_EQ(session_->watches().size(), 0u);
}

TEST_F(SessionTest, WhatOldServersDoNotKnowIsAskedAlone) {
  ready();
  submit("a");
  submit("w", OpCode::kAddWatch, watch(WatchTable::Kind::kPersistent, "/p"));
  submit("b");
  EXPECT_EQ(ask_one().xid, 1);
  EXPECT_TRUE(write().empty());
  ASSERT_TRUE(receive(reply(1, 1, 0)).has_value());
  EXPECT_EQ(ask_one().opcode, OpCode::kAddWatch);
  ASSERT_TRUE(receive(reply(2, 1, -6)).has_value());
  EXPECT_TRUE(write().empty());  // the server closes now; b waits for the next connection
  EXPECT_EQ(log(), "ready(new) a:ok w:-6 ");
  reconnect();
  EXPECT_EQ(ask_one().opcode, OpCode::kExists);
  submit("w", OpCode::kAddWatch);
  EXPECT_TRUE(write().empty());  // it is known by now
  EXPECT_EQ(log(), "ready w:-6 ");
  reconnect(1);  // another server may be newer
  submit("w", OpCode::kAddWatch);
  submit("c");
  ASSERT_TRUE(receive(reply(ask_one().xid, 1, 0)).has_value());
  submit("w", OpCode::kAddWatch);
  submit("d");
  EXPECT_EQ(ask().size(), 3u);  // it is newer
  session_->lost("cut");
  clock_.advance(std::chrono::minutes(11));
  open(0);
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  submit("w", OpCode::kAddWatch);
  EXPECT_EQ(ask_one().opcode, OpCode::kAddWatch);  // it may have been upgraded
}

TEST_F(SessionTest, AnOldServerAnswersOutOfOrder) {
  ready();
  submit("p", OpCode::kAddWatch);
  ASSERT_TRUE(receive(reply(ask_one().xid, 1, 0)).has_value());  // a newer one, it seems
  submit("a");
  submit("w", OpCode::kAddWatch);
  EXPECT_EQ(ask().size(), 2u);
  ASSERT_TRUE(receive(reply(3, 1, -6)).has_value());
  session_->lost("closed");
  EXPECT_EQ(log(), "ready(new) p:ok w:-6 a:deadline ");
}

TEST_F(SessionTest, PersistentWatchesAreLostOnAnOldServer) {
  ready();
  submit("w", OpCode::kAddWatch, watch(WatchTable::Kind::kRecursive, "/r"));
  ASSERT_TRUE(receive(reply(ask_one().xid, 1, 0)).has_value());
  reconnect(1);
  EXPECT_EQ(ask_one().opcode, OpCode::kSetWatches2);
  ASSERT_TRUE(receive(reply(-8, 1, -6)).has_value());
  EXPECT_EQ(log(), "ready(new) w:ok ready watch(-2,/r,1) ");
  submit("a");
  EXPECT_TRUE(write().empty());
  reconnect(1);
  EXPECT_EQ(ask_one().opcode, OpCode::kExists);
}

TEST_F(SessionTest, AServerBehindUsIsAskedForTheSessionAloneAfterALongTime) {
  ready();
  submit("a");
  ASSERT_TRUE(receive(reply(ask_one().xid, 99, 0)).has_value());
  session_->lost("cut");
  const auto asked_zxid = [&] {
    open();
    const std::string packet = write().at(0);
    session_->lost("closed");
    JuteReader in(packet);
    in.number32();
    return in.number64();
  };
  EXPECT_EQ(asked_zxid(), 99);
  clock_.advance(seconds(31));
  EXPECT_EQ(asked_zxid(), 0);
}

TEST_F(SessionTest, ClosingEndsTheSessionAtTheServer) {
  ready();
  submit("sent");
  ask_one();
  submit("waiting");
  session_->close();
  EXPECT_EQ(log(), "ready(new) waiting:cancelled ");
  const Asked asked = ask_one();
  EXPECT_EQ(asked.opcode, OpCode::kCloseSession);
  ASSERT_TRUE(receive(reply(1, 1, 0)).has_value());
  EXPECT_EQ(session_->stage(), Session::Stage::kClosing);
  ASSERT_TRUE(receive(reply(asked.xid, 2, 0)).has_value());
  EXPECT_EQ(session_->stage(), Session::Stage::kClosed);
  EXPECT_EQ(log(), "sent:ok ");
}

TEST_F(SessionTest, ClosingWithoutAConnectionIsDoneAtOnce) {
  make();
  submit("waiting");
  session_->close();
  EXPECT_EQ(session_->stage(), Session::Stage::kClosed);
  EXPECT_EQ(log(), "waiting:cancelled ");
}

TEST_F(SessionTest, AServerThatClosesFirstHasClosedTheSession) {
  ready();
  session_->close();
  write();
  session_->lost("closed");
  EXPECT_EQ(session_->stage(), Session::Stage::kClosed);
}

// A mechanism of two steps whose words can be seen.
class Words final : public SaslMechanism {
 public:
  Result<std::string> start() override { return std::string("hello"); }
  Result<std::string> step(std::string_view token) override {
    if (token == "refused") return fail(ErrorCode::kUnauthenticated, "refused");
    if (token == "rubbish") return fail(ErrorCode::kProtocol, "rubbish");
    complete_ = token == "welcome";
    return std::string("answer to ") + std::string(token);
  }
  bool complete() const override { return complete_; }

 private:
  bool complete_ = false;
};

TEST_F(SessionTest, SaslComesBeforeEverythingElse) {
  make({.auth = {{"digest", "a:b"}}});
  submit("op");
  open(0, std::make_unique<Words>());
  write();
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  Asked asked = ask_one();
  EXPECT_EQ(asked.opcode, OpCode::kSasl);
  EXPECT_EQ(asked.body, text_body("hello"));
  ASSERT_TRUE(receive(reply(asked.xid, 0, 0, text_body("who"))).has_value());
  asked = ask_one();
  EXPECT_EQ(asked.body, text_body("answer to who"));
  ASSERT_TRUE(receive(reply(asked.xid, 0, 0, text_body("welcome"))).has_value());
  EXPECT_EQ(ask_one().opcode, OpCode::kAuth);
  ASSERT_TRUE(receive(reply(kXidAuth, 0, 0)).has_value());
  EXPECT_EQ(log(), "ready(new) ");
  EXPECT_EQ(ask_one().opcode, OpCode::kExists);
}

struct SaslRow {
  const char* name;
  std::string bytes;
  ErrorCode code;
  bool refused;
};
class SaslFailures : public SessionTest, public ::testing::WithParamInterface<SaslRow> {};

TEST_P(SaslFailures, AreTheEndOrAnotherTry) {
  make();
  open(0, std::make_unique<Words>());
  ASSERT_TRUE(receive(handshake(kSession, 10'000)).has_value());
  expect_error(receive(GetParam().bytes), GetParam().code);
  EXPECT_EQ(session_->refused(), GetParam().refused);
  EXPECT_EQ(log(), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, SaslFailures,
    ::testing::Values(SaslRow{"auth_failed", reply(1, 0, -115, text_body("")), ErrorCode::kUnauthenticated, true},
                      SaslRow{"required", reply(1, 0, -124), ErrorCode::kUnauthenticated, true},
                      SaslRow{"token_refused", reply(1, 0, 0, text_body("refused")), ErrorCode::kUnauthenticated, true},
                      SaslRow{"token_rubbish", reply(1, 0, 0, text_body("rubbish")), ErrorCode::kProtocol, false},
                      SaslRow{"no_token", reply(1, 0, 0, "\1"), ErrorCode::kProtocol, false},
                      SaslRow{"other_error", reply(1, 0, -1), ErrorCode::kProtocol, false},
                      SaslRow{"wrong_xid", reply(9, 0, 0, text_body("who")), ErrorCode::kProtocol, false},
                      SaslRow{"event_too_early", event(1, "/a"), ErrorCode::kProtocol, false}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace modelyard::zookeeper
