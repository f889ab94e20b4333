// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>

#include "zookeeper/fake.h"
#include "zookeeper/testing/scripted_server.h"

namespace modelyard::zookeeper {
namespace {

using namespace testing;
using std::chrono::milliseconds;

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

// Each test is a coroutine on one loop; servers play their scripts on threads.
class ClientTest : public ::testing::Test {
 public:
  ClientOptions options(const std::string& quorum) {
    ClientOptions out;
    out.quorum = quorum;
    out.connect_timeout = milliseconds(2'000);
    out.retry_min = milliseconds(2);
    out.retry_max = milliseconds(20);
    out.request_timeout = milliseconds(8'000);
    return out;
  }
  std::unique_ptr<Client> connect(ClientOptions wanted) {
    std::unique_ptr<Client> client = connect_client(loop_, std::move(wanted), Random(7)).value();
    states_ = client->on_state([this](Client::State state, bool new_session) {
      constexpr const char* kNames[] = {"connecting", "connected", "expired", "refused", "closed"};
      log_ += kNames[static_cast<int>(state)] + std::string(new_session ? "(new) " : " ");
    });
    return client;
  }
  void run(io::Task<void> task) { io::run_blocking(loop_, std::move(task)); }
  // Lets what is posted run.
  static io::Task<void> settle() {
    for (int i = 0; i < 3; ++i) co_await io::sleep_for(milliseconds(0));
  }
  // polls: until the condition holds, at most ten seconds.
  template <typename Condition>
  static io::Task<bool> eventually(Condition condition) {
    for (const SteadyTime end = in(seconds(10)); !condition();) {
      if (system_clock().now() > end) co_return false;
      co_await io::sleep_for(milliseconds(1));
    }
    co_return true;
  }
  Client::Watcher watcher() {
    return [this](const WatchEvent& event) {
      log_ += fmt::format("event({},{}) ", static_cast<int>(event.type), event.path);
    };
  }

  io::Loop loop_;
  std::string log_;
  Client::Subscription states_;
};

// Text that a script's thread leaves for the test's.
class Noted {
 public:
  void add(const std::string& text) {
    const std::lock_guard lock(mutex_);
    text_ += text + " ";
  }
  std::string get() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

std::pair<int32_t, std::string> usual_answer(const Asked& asked) {
  switch (asked.opcode) {
    case OpCode::kCreate:
    case OpCode::kCreateContainer:
    case OpCode::kSync: return {0, text_body(std::string(JuteReader(asked.body).text()))};
    case OpCode::kGetData: return {0, node_body("data of " + std::string(JuteReader(asked.body).text()))};
    case OpCode::kGetChildren2: {
      std::string body;
      JuteWriter(body).texts({"a", "b"});
      return {0, body + stat_body()};
    }
    case OpCode::kGetAcl: {
      std::string body;
      JuteWriter(body).number32(1).number32(31).text("world").text("anyone");
      return {0, body + stat_body()};
    }
    default: return {0, stat_body(3)};
  }
}

void serve_usually(Peer& peer, int) {
  if (peer.shake_hands()) peer.serve(usual_answer);
}

TEST_F(ClientTest, OperationsGoThroughBelowTheChroot) {
  Noted paths;
  ScriptedServer server([&](Peer& peer, int) {
    peer.shake_hands();
    peer.serve([&](const Asked& asked) {
      if (asked.opcode != OpCode::kCloseSession && asked.xid > 0) paths.add(std::string(JuteReader(asked.body).text()));
      return usual_answer(asked);
    });
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_EQ((co_await client->create("/a", "x")).value(), "/a");
    EXPECT_EQ((co_await client->create("/c", "x", CreateMode::kContainer)).value(), "/c");
    EXPECT_EQ((co_await client->get("/"))->data, "data of /root/of");
    EXPECT_EQ((co_await client->exists("/e"))->version, 3);
    EXPECT_EQ((co_await client->set("/s", "y"))->version, 3);
    EXPECT_EQ((co_await client->children("/k"))->names, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE((co_await client->remove("/r")).has_value());
    EXPECT_TRUE((co_await client->sync("/y")).has_value());
    EXPECT_EQ((co_await client->get_acl("/l"))->first, open_acl());
    EXPECT_EQ((co_await client->set_acl("/m", open_acl()))->version, 3);
    EXPECT_EQ(client->session_id(), 0x77);
    EXPECT_EQ(client->session_timeout(), seconds(10));
    EXPECT_EQ(client->state(), Client::State::kConnected);
    EXPECT_LT(system_clock().now() - client->last_heard(), seconds(5));
    co_await client->close(in(seconds(5)));
    EXPECT_EQ(client->state(), Client::State::kClosed);
    EXPECT_EQ((co_await client->get("/a")).error().code(), ErrorCode::kCancelled);
    co_await settle();
  }(*this, server.address() + "/root/of"));
  EXPECT_EQ(
      paths.get(),
      "/root/of/a /root/of/c /root/of /root/of/e /root/of/s /root/of/k /root/of/r /root/of/y /root/of/l /root/of/m ");
  EXPECT_EQ(log_, "connected(new) closed ");
}

TEST_F(ClientTest, EveryOperationTellsTheServersCode) {
  std::atomic<int32_t> code = 0;
  ScriptedServer server([&](Peer& peer, int) {
    peer.shake_hands();
    peer.serve([&](const Asked& asked) -> std::pair<int32_t, std::string> {
      return {asked.opcode == OpCode::kCloseSession ? 0 : code.load(), ""};
    });
  });
  run([](ClientTest& test, std::string quorum, std::atomic<int32_t>& answered) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    for (const int32_t each : {-1,   -2,   -3,   -5,   -7,   -8,   -12,  -100, -101, -102, -103, -108,  -110,
                               -111, -112, -114, -115, -118, -119, -120, -121, -122, -125, -127, -9'999}) {
      answered = each;
      std::vector<std::pair<std::string, Error>> errors;
      errors.emplace_back("create /a: ", (co_await client->create("/a", "x")).error());
      errors.emplace_back("delete /a: ", (co_await client->remove("/a")).error());
      errors.emplace_back("set /a: ", (co_await client->set("/a", "x")).error());
      errors.emplace_back("get /a: ", (co_await client->get("/a")).error());
      errors.emplace_back("exists /a: ", (co_await client->exists("/a")).error());
      errors.emplace_back("children /a: ", (co_await client->children("/a")).error());
      errors.emplace_back("multi of 1 from /a: ", (co_await client->multi({Op::check("/a")})).error());
      errors.emplace_back("sync /a: ", (co_await client->sync("/a")).error());
      errors.emplace_back("get ACL of /a: ", (co_await client->get_acl("/a")).error());
      errors.emplace_back("set ACL of /a: ", (co_await client->set_acl("/a", open_acl())).error());
      errors.emplace_back("watch /a: ",
                          (co_await client->add_watch("/a", Client::WatchMode::kPersistent, test.watcher())).error());
      for (const auto& [what, error] : errors) {
        EXPECT_EQ(error.code(), error_code_of(each)) << each << " " << error.message();
        EXPECT_EQ(error.message(), what + std::string(text_of(each)));
      }
    }
    EXPECT_EQ(client->state(), Client::State::kConnected);
    co_await client->close(in(seconds(5)));
  }(*this, server.address(), code));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(ClientTest, AMultiIsOneAnswer) {
  ScriptedServer server([](Peer& peer, int) {
    peer.shake_hands();
    const std::optional<Asked> asked = peer.read();
    std::string body;
    JuteWriter(body).number32(1).boolean(false).number32(0).text("/x/a-0000000001");
    JuteWriter(body).number32(2).boolean(false).number32(0).number32(-1).boolean(true).number32(-1);
    peer.send(reply(asked->xid, 1, 0, body));
    peer.serve(usual_answer);
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum + "/x"));
    const Result<MultiAnswer> answer =
        co_await client->multi({Op::create("/a-", "", CreateMode::kPersistentSequential), Op::remove("/b")});
    EXPECT_TRUE(answer->done);
    EXPECT_EQ(answer->paths, (std::vector<std::string>{"/a-0000000001", ""}));
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
}

TEST_F(ClientTest, WhatCannotBeMeantIsNotSent) {
  ScriptedServer server(serve_usually);
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    ClientOptions options = test.options(quorum);
    options.packet_max = 1'000;
    const auto client = test.connect(std::move(options));
    const auto expect = [](const Error& error, ErrorCode code) { EXPECT_EQ(error.code(), code) << error.message(); };
    expect((co_await client->get("relative")).error(), ErrorCode::kInvalidArgument);
    expect((co_await client->create("/a/", "")).error(), ErrorCode::kInvalidArgument);
    expect((co_await client->multi({Op::check("/a"), Op::check("")})).error(), ErrorCode::kInvalidArgument);
    expect((co_await client->create("/t", "", CreateMode::kPersistentWithTtl)).error(), ErrorCode::kInvalidArgument);
    expect((co_await client->create("/a", std::string(1'000, 'x'))).error(), ErrorCode::kResourceExhausted);
    expect((co_await client->multi(std::vector<Op>(1'001, Op::check("/a")))).error(), ErrorCode::kResourceExhausted);
    EXPECT_TRUE((co_await client->get("/a")).has_value());
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
  EXPECT_EQ(connect_client(loop_, options(""), Random(1)).error().code(), ErrorCode::kInvalidArgument);
  ClientOptions tls = options("a:1");
  tls.tls.enabled = true;
  tls.tls.ca_file = "/nonexistent/ca.pem";
  const auto refused = connect_client(loop_, tls, Random(1));
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message().find("/nonexistent/ca.pem"), std::string::npos);
}

TEST_F(ClientTest, ABrokenConnectionIsFollowedByAnother) {
  Noted seen;
  ScriptedServer server([&](Peer& peer, int number) {
    const std::optional<ConnectRequest> asked = peer.shake_hands();
    if (!asked) return;
    seen.add(fmt::format("{:x}/{}", asked->session_id, asked->last_zxid_seen));
    if (number == 0) {
      const std::optional<Asked> get = peer.read();
      peer.send(reply(get->xid, 41, 0, node_body("1")));
      peer.read();  // the one that is lost
      return;
    }
    const std::optional<Asked> again = peer.read();
    seen.add(fmt::format("opcode {}", static_cast<int>(again->opcode)));
    peer.send(reply(again->xid, 42, 0) + event(3, "/a"));
    peer.serve(usual_answer);
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE((co_await client->get("/a", test.watcher())).has_value());
    const Result<Stat> lost = co_await client->set("/a", "2");
    EXPECT_EQ(lost.error().code(), ErrorCode::kDeadline) << lost.error().message();
    EXPECT_NE(lost.error().message().find("may have been carried out"), std::string::npos);
    const Result<Stat> after = co_await client->set("/a", "3");  // waits for the connection
    EXPECT_TRUE(after.has_value());
    co_await settle();
    EXPECT_EQ(client->session_id(), 0x77);
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
  EXPECT_EQ(seen.get(), "0/0 77/41 opcode 101 ");
  EXPECT_EQ(log_, "connected(new) connecting connected event(3,/a) ");
}

TEST_F(ClientTest, WithoutAServerOperationsWaitUntilTheirDeadline) {
  const std::string nobody = [] {
    const ScriptedServer gone([](Peer&, int) {});
    return gone.address();
  }();
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    const Result<Stat> waited = co_await client->exists("/a", {}, in(milliseconds(60)));
    EXPECT_EQ(waited.error().code(), ErrorCode::kUnavailable);
    EXPECT_NE(waited.error().message().find(quorum), std::string::npos) << waited.error().message();
    EXPECT_FALSE(co_await client->wait_connected(in(milliseconds(10))));
    EXPECT_EQ(client->state(), Client::State::kConnecting);
    EXPECT_NE(client->trouble().find("refused"), std::string::npos) << client->trouble();
    co_await client->close(in(seconds(5)));
  }(*this, nobody));
}

TEST_F(ClientTest, AnUnknownHostIsTrouble) {
  run([](ClientTest& test) -> io::Task<void> {
    const auto client = test.connect(test.options("no-such-host.invalid"));
    EXPECT_TRUE(co_await eventually([&] { return !client->trouble().empty(); }));
    EXPECT_NE(client->trouble().find("no-such-host.invalid"), std::string::npos) << client->trouble();
    co_await client->close(in(seconds(5)));
  }(*this));
}

TEST_F(ClientTest, AnAnswerThatComesTooLateIsNobodys) {
  std::promise<void> late;
  ScriptedServer server([&](Peer& peer, int) {
    peer.shake_hands();
    const std::optional<Asked> slow = peer.read();
    late.get_future().wait();
    peer.send(reply(slow->xid, 1, 0, stat_body(1)));
    peer.serve(usual_answer);
  });
  run([](ClientTest& test, std::string quorum, std::promise<void>& answer) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE(co_await client->wait_connected(in(seconds(5))));
    const Result<Stat> slow = co_await client->set("/a", "x", kAnyVersion, in(milliseconds(50)));
    EXPECT_EQ(slow.error().code(), ErrorCode::kDeadline);
    answer.set_value();
    EXPECT_EQ((co_await client->set("/b", "x"))->version, 3);
    EXPECT_EQ(client->state(), Client::State::kConnected);
    co_await client->close(in(seconds(5)));
  }(*this, server.address(), late));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(ClientTest, RefusedCredentialsEndAllTries) {
  ScriptedServer server([](Peer& peer, int) {
    peer.shake_hands();
    peer.read();
    peer.send(reply(kXidAuth, 0, -115));
    peer.is_closed();
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    ClientOptions options = test.options(quorum);
    options.auth = {{"digest", "user:secret"}};
    const auto client = test.connect(std::move(options));
    const Result<Stat> waited = co_await client->exists("/a");
    EXPECT_EQ(waited.error().code(), ErrorCode::kUnauthenticated);
    EXPECT_EQ(waited.error().message().find("secret"), std::string::npos);
    EXPECT_EQ(client->state(), Client::State::kRefused);
    EXPECT_FALSE(co_await client->wait_connected(in(seconds(5))));
    EXPECT_EQ((co_await client->get("/a")).error().code(), ErrorCode::kUnauthenticated);
    EXPECT_EQ(client->trouble().find("secret"), std::string::npos);
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(log_, "refused ");
}

TEST_F(ClientTest, CredentialsAddedLater) {
  ScriptedServer server([](Peer& peer, int number) {
    peer.shake_hands();
    while (const std::optional<Asked> asked = peer.read()) {
      const bool bad = asked->opcode == OpCode::kAuth && asked->body.find("bad") != std::string::npos;
      peer.send(reply(asked->xid, 1, bad ? -115 : 0, asked->opcode == OpCode::kAuth ? "" : stat_body(number)));
      if (bad) return;
    }
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE((co_await client->add_auth("digest", "a:good")).has_value());
    EXPECT_EQ((co_await client->add_auth("digest", "a:bad")).error().code(), ErrorCode::kUnauthenticated);
    EXPECT_EQ((co_await client->exists("/a"))->version, 1);  // the session lives on another connection
    EXPECT_EQ(client->state(), Client::State::kConnected);
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(ClientTest, AWrongSaslPasswordEndsAllTries) {
  ScriptedServer server([](Peer& peer, int) {
    peer.shake_hands();
    const std::optional<Asked> first = peer.read();
    peer.send(reply(first->xid, 0, 0, text_body("realm=\"zk-sasl-md5\",nonce=\"n\",charset=utf-8,algorithm=md5-sess")));
    const std::optional<Asked> second = peer.read();
    EXPECT_EQ(second->body.find("secret"), std::string::npos);
    peer.send(reply(second->xid, 0, -115, text_body("")));
    peer.is_closed();
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    ClientOptions options = test.options(quorum);
    options.sasl = {SaslOptions::Mechanism::kDigestMd5, "metron", "secret"};
    const auto client = test.connect(std::move(options));
    EXPECT_FALSE(co_await client->wait_connected(in(seconds(5))));
    EXPECT_EQ(client->state(), Client::State::kRefused);
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
}

TEST_F(ClientTest, AnExpiredSessionIsToldAndReplaced) {
  ScriptedServer server([](Peer& peer, int number) {
    if (number == 1) {
      peer.read_packet();
      peer.send(handshake(0, 0));
      return;
    }
    peer.shake_hands(0x77 + number);
    if (number == 2) return peer.serve(usual_answer);
    const std::optional<Asked> get = peer.read();
    peer.send(reply(get->xid, 41, 0, node_body("1")));
    peer.read();  // a multi, in the midst of which the session ends
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum + "/root"));
    EXPECT_TRUE((co_await client->get("/a", test.watcher())).has_value());
    EXPECT_EQ((co_await client->multi({Op::create("/b", "")})).error().code(), ErrorCode::kDeadline);
    EXPECT_TRUE((co_await client->exists("/a")).has_value());
    co_await settle();
    EXPECT_EQ(client->session_id(), 0x79);
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
  EXPECT_EQ(log_, "connected(new) connecting expired event(-2,/a) connected(new) ");
}

TEST_F(ClientTest, ASilentServerIsLeftForTheNext) {
  std::promise<void> end;
  std::atomic<bool> silent_was_first = false;
  ScriptedServer silent([&](Peer& peer, int number) {
    if (number > 0) return;
    silent_was_first = true;
    peer.shake_hands(0, 300);
    end.get_future().wait();
  });
  ScriptedServer good([&](Peer& peer, int) {
    if (!silent_was_first) return;  // until the other had its turn
    serve_usually(peer, 0);
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE(co_await client->wait_connected(in(seconds(5))));
    const Result<Stat> stat = co_await client->exists("/a");
    EXPECT_EQ(stat.error().code(), ErrorCode::kDeadline);
    EXPECT_NE(stat.error().message().find("nothing was heard"), std::string::npos) << stat.error().message();
    EXPECT_TRUE((co_await client->exists("/a")).has_value());
    co_await client->close(in(seconds(5)));
  }(*this, silent.address() + "," + good.address()));
  end.set_value();
}

TEST_F(ClientTest, PingsKeepAQuietSession) {
  ScriptedServer server([](Peer& peer, int) {
    peer.shake_hands(0, 150);
    for (int pings = 0; pings < 4; ++pings) {
      const std::optional<std::string> packet = peer.read_packet();
      if (!packet || read_request(*packet).xid != kXidPing) return;
      peer.send(reply(kXidPing, 1, 0));
    }
    peer.send(event(3, "/a"));
    peer.serve(usual_answer);
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE(co_await client->wait_connected(in(seconds(5))));
    const SteadyTime begin = client->last_heard();
    EXPECT_TRUE(co_await eventually([&] { return client->last_heard() - begin > milliseconds(180); }));
    EXPECT_EQ(client->state(), Client::State::kConnected);
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(ClientTest, RubbishIsTroubleAndAnotherTry) {
  ScriptedServer server([](Peer& peer, int number) {
    if (number == 0) {
      peer.read_packet();
      peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
      peer.is_closed();
      return;
    }
    peer.shake_hands();
    if (number == 1) {
      const std::optional<Asked> asked = peer.read();
      peer.send(reply(asked->xid + 1, 1, 0));
      peer.is_closed();
      return;
    }
    peer.serve([&](const Asked& asked) -> std::pair<int32_t, std::string> {
      if (number == 2 && asked.opcode == OpCode::kGetData) return {0, "\1"};
      return usual_answer(asked);
    });
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    const Result<Stat> wrong = co_await client->exists("/a");
    EXPECT_EQ(wrong.error().code(), ErrorCode::kDeadline);
    EXPECT_NE(wrong.error().message().find("out of order"), std::string::npos) << wrong.error().message();
    EXPECT_EQ((co_await client->get("/a")).error().code(), ErrorCode::kProtocol);
    EXPECT_TRUE((co_await client->get("/a")).has_value());
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
  EXPECT_EQ(server.connections(), 4);
}

io::Task<void> count_get(Client& client, int number, int& good, int& order) {
  const Result<Client::Node> node = co_await client.get(fmt::format("/{}", number));
  if (node && node->data == fmt::format("data of /{}", number) && order++ == number) ++good;
}

TEST_F(ClientTest, TenThousandAreOnTheirWayAtOnce) {
  ScriptedServer server(serve_usually);
  run([](ClientTest& test, io::Loop& loop, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    int good = 0, order = 0;
    io::Scope scope(loop.executor());
    for (int i = 0; i < 10'000; ++i) scope.spawn(count_get(*client, i, good, order));
    co_await settle();
    const Result<Stat> more = co_await client->exists("/more");
    if (order == 0) EXPECT_EQ(more.error().code(), ErrorCode::kResourceExhausted);
    co_await scope.join();
    EXPECT_EQ(good, 10'000);
    co_await client->close(in(seconds(5)));
  }(*this, loop_, server.address()));
}

io::Task<void> count_set(Client& client, int& good) {
  if ((co_await client.set("/a", std::string(100'000, 'x'))).has_value()) ++good;
}

TEST_F(ClientTest, AServerThatDoesNotReadIsWaitedFor) {
  std::promise<void> read;
  ScriptedServer server([&](Peer& peer, int) {
    peer.shake_hands();
    read.get_future().wait();
    peer.serve(usual_answer);
  });
  run([](ClientTest& test, io::Loop& loop, std::string quorum, std::promise<void>& begin) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE(co_await client->wait_connected(in(seconds(5))));
    int good = 0;
    io::Scope scope(loop.executor());
    for (int i = 0; i < 200; ++i) scope.spawn(count_set(*client, good));  // more than the kernel's buffers take
    // What could not be written was certainly not carried out.
    const Result<Stat> stuck = co_await client->exists("/a", {}, in(milliseconds(30)));
    EXPECT_EQ(stuck.error().code(), ErrorCode::kUnavailable);
    begin.set_value();
    co_await scope.join();
    EXPECT_EQ(good, 200);
    co_await client->close(in(seconds(5)));
  }(*this, loop_, server.address(), read));
}

io::Task<void> note_code(Client& client, std::vector<ErrorCode>& codes) {
  codes.push_back((co_await client.exists("/a")).error().code());
}

TEST_F(ClientTest, ClosingCancelsWhatWaitsAndEndsTheSession) {
  Noted seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.shake_hands();
    while (const std::optional<Asked> asked = peer.read()) {
      seen.add(fmt::format("{}", static_cast<int>(asked->opcode)));
      if (asked->opcode == OpCode::kCloseSession) return;  // some close without an answer
    }
  });
  run([](ClientTest& test, io::Loop& loop, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE(co_await client->wait_connected(in(seconds(5))));
    std::vector<ErrorCode> codes;
    io::Scope scope(loop.executor());
    scope.spawn(note_code(*client, codes));
    co_await settle();
    co_await client->close(in(seconds(5)));
    co_await scope.join();
    EXPECT_EQ(codes, std::vector<ErrorCode>{ErrorCode::kCancelled});
    co_await client->close(in(seconds(5)));  // again is nothing
  }(*this, loop_, server.address()));
  EXPECT_EQ(seen.get(), "3 -11 ");
}

TEST_F(ClientTest, ClosingDoesNotWaitLongerThanItsDeadline) {
  std::promise<void> end;
  ScriptedServer server([&](Peer& peer, int) {
    peer.shake_hands();
    end.get_future().wait();
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE(co_await client->wait_connected(in(seconds(5))));
    const SteadyTime begin = system_clock().now();
    co_await client->close(in(milliseconds(50)));
    EXPECT_GE(system_clock().now() - begin, milliseconds(50));
    EXPECT_LT(system_clock().now() - begin, seconds(5));
  }(*this, server.address()));
  end.set_value();
}

TEST_F(ClientTest, ACancelledTaskLeavesNothingBehind) {
  std::promise<void> go_on;
  ScriptedServer server([&](Peer& peer, int) {
    peer.shake_hands();
    const std::optional<Asked> first = peer.read();
    go_on.get_future().wait();
    peer.send(reply(first->xid, 1, 0, stat_body()));
    peer.serve(usual_answer);
  });
  run([](ClientTest& test, io::Loop& loop, std::string quorum, std::promise<void>& answer) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE(co_await client->wait_connected(in(seconds(5))));
    {
      std::vector<ErrorCode> codes;
      io::Scope scope(loop.executor());
      scope.spawn(note_code(*client, codes));
      co_await settle();
      co_await scope.stop();
      EXPECT_TRUE(codes.empty());
    }
    answer.set_value();
    EXPECT_TRUE((co_await client->exists("/b")).has_value());
    co_await client->close(in(seconds(5)));
  }(*this, loop_, server.address(), go_on));
}

TEST_F(ClientTest, PersistentWatchesEndWithTheirSubscription) {
  Noted seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.shake_hands();
    while (const std::optional<Asked> asked = peer.read()) {
      seen.add(fmt::format("{}", static_cast<int>(asked->opcode)));
      const auto [error, body] = usual_answer(*asked);
      peer.send(reply(asked->xid, 1, error, body));
      if (asked->opcode == OpCode::kAddWatch) peer.send(event(1, "/r/x") + event(2, "/r/x"));
    }
  });
  Client::Subscription kept;
  run([](ClientTest& test, std::string quorum, Client::Subscription& last) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    Result<Client::Subscription> watch =
        co_await client->add_watch("/r", Client::WatchMode::kPersistentRecursive, test.watcher());
    EXPECT_TRUE(co_await eventually([&] { return test.log_.find("event(2,/r/x)") != std::string::npos; }));
    watch->reset();
    EXPECT_TRUE((co_await client->exists("/a")).has_value());
    last = (co_await client->add_watch("/r", Client::WatchMode::kPersistent, test.watcher())).value();
    co_await client->close(in(seconds(5)));
  }(*this, server.address(), kept));
  kept.reset();  // after its client
  EXPECT_EQ(seen.get(), "106 18 3 106 -11 ");
  EXPECT_EQ(log_.rfind("connected(new) event(1,/r/x) event(2,/r/x) ", 0), 0u) << log_;
}

TEST_F(ClientTest, AnswersAndEventsKeepTheServersOrder) {
  ScriptedServer server([](Peer& peer, int) {
    peer.shake_hands();
    const std::optional<Asked> get = peer.read();
    peer.send(reply(get->xid, 1, 0, node_body("1")) + event(3, "/a"));  // in one piece
    peer.serve(usual_answer);
  });
  run([](ClientTest& test, std::string quorum) -> io::Task<void> {
    const auto client = test.connect(test.options(quorum));
    EXPECT_TRUE((co_await client->get("/a", test.watcher())).has_value());
    test.log_ += "answer ";
    EXPECT_TRUE((co_await client->get("/a")).has_value());
    co_await client->close(in(seconds(5)));
  }(*this, server.address()));
  EXPECT_EQ(log_, "connected(new) answer event(3,/a) ");
}

TEST_F(ClientTest, PathsAreMadeAndTreesRemoved) {
  FakeEnsemble ensemble(loop_);
  run([](FakeEnsemble& fake) -> io::Task<void> {
    const auto client = fake.connect();
    EXPECT_TRUE((co_await make_path(*client, "/a/b/c/d")).has_value());
    EXPECT_TRUE((co_await make_path(*client, "/a/b/c/d")).has_value());
    EXPECT_TRUE((co_await make_path(*client, "/")).has_value());
    EXPECT_TRUE(fake.nodes().contains("/a/b/c/d"));
    EXPECT_EQ((co_await make_path(*client, "a")).error().code(), ErrorCode::kInvalidArgument);
    for (int i = 0; i < 450; ++i) EXPECT_TRUE((co_await client->create(fmt::format("/a/b/n{}", i), "")).has_value());
    EXPECT_TRUE((co_await remove_tree(*client, "/a/b")).has_value());
    EXPECT_TRUE(fake.nodes().contains("/a"));
    EXPECT_FALSE(fake.nodes().contains("/a/b"));
    EXPECT_TRUE((co_await remove_tree(*client, "/absent")).has_value());
    EXPECT_EQ((co_await remove_tree(*client, "/")).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE((co_await client->create("/e", "", CreateMode::kEphemeral)).has_value());
    EXPECT_EQ((co_await make_path(*client, "/e/below")).error().code(), ErrorCode::kConflict);
    co_await client->close(in(seconds(5)));
  }(ensemble));
}

TEST_F(ClientTest, RemovingATreeGoesOnWhenSomebodyElseRemovesOrAdds) {
  FakeEnsemble ensemble(loop_);
  run([](FakeEnsemble& fake) -> io::Task<void> {
    const auto client = fake.connect();
    EXPECT_TRUE((co_await make_path(*client, "/a/b")).has_value());
    EXPECT_TRUE((co_await make_path(*client, "/a/c")).has_value());
    int writes = 0;
    fake.on_write([&](int64_t, const std::string&) -> Status {
      if (++writes == 1) {
        fake.erase("/a/b");
        fake.put("/a/c/new", "");
      }
      return {};
    });
    EXPECT_TRUE((co_await remove_tree(*client, "/a")).has_value());
    EXPECT_FALSE(fake.nodes().contains("/a"));
    co_await client->close(in(seconds(5)));
  }(ensemble));
}

}  // namespace
}  // namespace modelyard::zookeeper
