// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/fake.h"

#include <gmock/gmock.h>

#include "base/clock.h"
#include "zookeeper/client.h"

namespace modelyard::zookeeper {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Type = WatchEvent::Type;

SteadyTime soon(std::chrono::milliseconds in = 5s) { return system_clock().now() + in; }

template <typename T>
ErrorCode code_of(const Result<T>& result) {
  return result ? ErrorCode::kInternal : result.error().code();
}

std::string words(const WatchEvent& event) {
  switch (event.type) {
    case Type::kCreated: return "created " + event.path;
    case Type::kDeleted: return "deleted " + event.path;
    case Type::kDataChanged: return "changed " + event.path;
    case Type::kChildrenChanged: return "children " + event.path;
    case Type::kLost: return "lost " + event.path;
  }
  return "?";
}

class FakeEnsembleTest : public testing::Test {
 protected:
  // Runs a coroutine of the test with two clients; both are closed at its end.
  template <typename Body>
  void run(Body body, FakeEnsemble::Options options = {}) {
    io::run_blocking(loop, [](FakeEnsembleTest& test, Body& b, FakeEnsemble::Options o) -> io::Task<void> {
      FakeEnsemble ensemble(test.loop, o);
      const std::unique_ptr<Client> one = ensemble.connect();
      const std::unique_ptr<Client> two = ensemble.connect({{"digest", "two:secret"}});
      EXPECT_TRUE(co_await one->wait_connected(soon()));
      EXPECT_TRUE(co_await two->wait_connected(soon()));
      co_await b(ensemble, *one, *two);
      co_await one->close(soon());
      co_await two->close(soon());
    }(*this, body, options));
  }

  // Every event that was on its way has been told.
  static io::Task<void> drain(Client& client) {
    EXPECT_TRUE((co_await client.sync("/")).has_value());
    co_await io::sleep_for(0ms);
  }

  Client::Watcher record(std::vector<std::string>& into) {
    return [&into](const WatchEvent& event) { into.push_back(words(event)); };
  }

  io::Loop loop;
};

TEST_F(FakeEnsembleTest, VersionsAndStatAreTheServers) {
  run([](FakeEnsemble& ensemble, Client& one, Client&) -> io::Task<void> {
    EXPECT_EQ(*co_await one.create("/a", "x"), "/a");
    EXPECT_EQ(code_of(co_await one.create("/a", "x")), ErrorCode::kAlreadyExists);
    EXPECT_EQ(code_of(co_await one.create("/b/c", "x")), ErrorCode::kNotFound);
    EXPECT_EQ(code_of(co_await one.create("bad", "x")), ErrorCode::kInvalidArgument);
    EXPECT_EQ(code_of(co_await one.set("/a", "y", 1)), ErrorCode::kConflict);
    const Stat set = *co_await one.set("/a", "yy", 0);
    EXPECT_EQ(set.version, 1);
    EXPECT_EQ(set.data_length, 2);
    EXPECT_GT(set.mzxid, set.czxid);
    co_await one.create("/a/b", "");
    co_await one.create("/a/c", "");
    EXPECT_EQ(code_of(co_await one.remove("/a")), ErrorCode::kConflict);
    EXPECT_EQ(code_of(co_await one.remove("/a/c", 1)), ErrorCode::kConflict);
    EXPECT_TRUE(co_await one.remove("/a/c", 0));
    const Client::Node node = *co_await one.get("/a");
    EXPECT_EQ(node.data, "yy");
    EXPECT_EQ(node.stat.cversion, 3);
    EXPECT_EQ(node.stat.num_children, 1);
    EXPECT_GT(node.stat.pzxid, node.stat.mzxid);
    EXPECT_THAT((*co_await one.children("/a")).names, ElementsAre("b"));
    EXPECT_EQ(ensemble.nodes().at("/a").stat, node.stat);
    EXPECT_EQ(code_of(co_await one.remove("/nothing")), ErrorCode::kNotFound);
    EXPECT_EQ(code_of(co_await one.remove("/")), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(ensemble.put("/a/d", "1"));
    EXPECT_FALSE(ensemble.put("/no/parent", "1"));
    EXPECT_FALSE(ensemble.erase("/a"));
    EXPECT_TRUE(ensemble.erase("/a/d"));
  });
}

TEST_F(FakeEnsembleTest, SequencesCountCreationsBelowTheParent) {
  run([](FakeEnsemble&, Client& one, Client&) -> io::Task<void> {
    co_await one.create("/q", "");
    EXPECT_EQ(*co_await one.create("/q/n-", "", CreateMode::kPersistentSequential), "/q/n-0000000000");
    co_await one.create("/q/plain", "");
    co_await one.remove("/q/plain");
    EXPECT_EQ(*co_await one.create("/q/e", "", CreateMode::kEphemeralSequential), "/q/e0000000002");
  });
}

TEST_F(FakeEnsembleTest, EphemeralNodesEndWithTheirSession) {
  run([](FakeEnsemble& ensemble, Client& one, Client& two) -> io::Task<void> {
    co_await one.create("/e", "", CreateMode::kEphemeral);
    EXPECT_EQ((*co_await two.exists("/e")).ephemeral_owner, one.session_id());
    EXPECT_EQ(code_of(co_await one.create("/e/child", "")), ErrorCode::kConflict);
    const std::unique_ptr<Client> third = ensemble.connect();
    co_await third->create("/t", "", CreateMode::kEphemeral);
    co_await third->close(soon());
    EXPECT_FALSE(ensemble.nodes().contains("/t"));
    EXPECT_EQ(code_of(co_await third->get("/e")), ErrorCode::kCancelled);

    std::unique_ptr<Client> crashed = ensemble.connect();
    co_await crashed->create("/c", "", CreateMode::kEphemeral);
    const int64_t session = crashed->session_id();
    crashed.reset();
    EXPECT_TRUE(ensemble.nodes().contains("/c"));
    ensemble.expire(session);
    EXPECT_FALSE(ensemble.nodes().contains("/c"));
  });
}

TEST_F(FakeEnsembleTest, MultiIsAllOrNothing) {
  run([](FakeEnsemble& ensemble, Client& one, Client& two) -> io::Task<void> {
    co_await one.create("/m", "");
    std::vector<std::string> told;
    auto watch = co_await two.add_watch("/", Client::WatchMode::kPersistentRecursive,
                                        [&](const WatchEvent& event) { told.push_back(words(event)); });
    const MultiAnswer refused =
        *co_await one.multi({Op::create("/m/a", ""), Op::set("/m", "1"), Op::check("/m/absent"), Op::remove("/m/a")});
    EXPECT_FALSE(refused.done);
    EXPECT_EQ(refused.failed_at, 2u);
    EXPECT_EQ(refused.refusal, ErrorCode::kNotFound);
    EXPECT_THAT(refused.text, testing::HasSubstr("check /m/absent"));
    EXPECT_EQ(ensemble.nodes().size(), 2u);
    EXPECT_EQ(ensemble.nodes().at("/m").stat.version, 0);
    EXPECT_EQ(ensemble.nodes().at("/m").stat.num_children, 0);
    const MultiAnswer done =
        *co_await one.multi({Op::create("/m/s-", "1", CreateMode::kPersistentSequential),
                             Op::create("/m/s-", "2", CreateMode::kPersistentSequential), Op::set("/m", "n", 0),
                             Op::check("/m", 1), Op::remove("/m/s-0000000000")});
    EXPECT_TRUE(done.done) << done.text;
    EXPECT_THAT(done.paths, ElementsAre("/m/s-0000000000", "/m/s-0000000001", "", "", ""));
    EXPECT_EQ(done.stats[2].version, 1);
    EXPECT_EQ(ensemble.nodes().at("/m/s-0000000001").stat.czxid, done.stats[2].mzxid);
    co_await drain(two);
    EXPECT_THAT(told, ElementsAre("created /m/s-0000000000", "created /m/s-0000000001", "changed /m",
                                  "deleted /m/s-0000000000"));
    EXPECT_TRUE((*co_await one.multi({})).done);
    EXPECT_EQ(code_of(co_await one.multi(std::vector<Op>(1'001))), ErrorCode::kResourceExhausted);
  });
}

TEST_F(FakeEnsembleTest, AccessListsAreAsked) {
  run([](FakeEnsemble&, Client& one, Client& two) -> io::Task<void> {
    const AclList mine{{perms::kAll, "auth", ""}};
    EXPECT_EQ(code_of(co_await one.create("/p", "", CreateMode::kPersistent, mine)), ErrorCode::kInvalidArgument);
    EXPECT_EQ(code_of(co_await one.create("/p", "", CreateMode::kPersistent, {})), ErrorCode::kInvalidArgument);
    EXPECT_EQ(code_of(co_await one.create("/p", "", CreateMode::kPersistent, {{31, "nonsense", "x"}})),
              ErrorCode::kInvalidArgument);
    EXPECT_TRUE(co_await two.create("/p", "s", CreateMode::kPersistent, mine));
    EXPECT_EQ((*co_await two.get_acl("/p")).first, (AclList{{perms::kAll, "digest", digest_id("two", "secret")}}));
    EXPECT_EQ(code_of(co_await one.get("/p")), ErrorCode::kPermissionDenied);
    EXPECT_EQ(code_of(co_await one.children("/p")), ErrorCode::kPermissionDenied);
    EXPECT_EQ(code_of(co_await one.set("/p", "")), ErrorCode::kPermissionDenied);
    EXPECT_EQ(code_of(co_await one.create("/p/x", "")), ErrorCode::kPermissionDenied);
    EXPECT_EQ(code_of(co_await one.get_acl("/p")), ErrorCode::kPermissionDenied);
    EXPECT_EQ(code_of(co_await one.exists("/p")), ErrorCode::kPermissionDenied);
    EXPECT_EQ(code_of(co_await one.add_auth("nonsense", "x")), ErrorCode::kUnauthenticated);
    EXPECT_TRUE(co_await one.add_auth("digest", "two:secret"));
    EXPECT_EQ((*co_await one.get("/p")).data, "s");
    EXPECT_EQ(code_of(co_await one.set_acl("/p", open_acl(), 3)), ErrorCode::kConflict);
    EXPECT_EQ((*co_await one.set_acl("/p", {{perms::kRead, "world", "anyone"}}, 0)).aversion, 1);
    EXPECT_EQ(code_of(co_await two.set("/p", "")), ErrorCode::kPermissionDenied);
  });
}

TEST_F(FakeEnsembleTest, OneShotWatchesFireOnce) {
  run([this](FakeEnsemble&, Client& one, Client& two) -> io::Task<void> {
    std::vector<std::string> told;
    co_await one.create("/w", "");
    EXPECT_FALSE(co_await one.exists("/later", record(told)));
    EXPECT_FALSE(co_await one.get("/never", record(told)));
    EXPECT_TRUE(co_await one.get("/w", record(told)));
    EXPECT_TRUE(co_await one.children("/w", record(told)));
    co_await two.set("/w", "1");
    co_await two.set("/w", "2");
    co_await two.create("/w/c", "");
    co_await two.create("/w/d", "");
    co_await two.create("/later", "");
    co_await two.create("/never", "");
    co_await drain(one);
    EXPECT_THAT(told, ElementsAre("changed /w", "children /w", "created /later"));
    told.clear();
    EXPECT_TRUE(co_await one.children("/w/c", record(told)));
    co_await two.remove("/w/c");
    co_await drain(one);
    EXPECT_THAT(told, ElementsAre("deleted /w/c"));
  });
}

TEST_F(FakeEnsembleTest, WatchesThatStay) {
  run([this](FakeEnsemble&, Client& one, Client& two) -> io::Task<void> {
    std::vector<std::string> plain;
    std::vector<std::string> deep;
    auto first = *co_await one.add_watch("/w", Client::WatchMode::kPersistent, record(plain));
    auto second = *co_await one.add_watch("/w", Client::WatchMode::kPersistentRecursive, record(deep));
    co_await two.create("/w", "");
    co_await two.create("/w/c", "");
    co_await two.set("/w/c", "1");
    co_await two.set("/w", "1");
    co_await two.remove("/w/c");
    co_await two.create("/wx", "");
    co_await drain(one);
    EXPECT_THAT(plain, ElementsAre("created /w", "children /w", "changed /w", "children /w"));
    EXPECT_THAT(deep, ElementsAre("created /w", "created /w/c", "changed /w/c", "changed /w", "deleted /w/c"));
    second.reset();
    co_await two.set("/w", "2");
    co_await drain(one);
    EXPECT_EQ(plain.size(), 5u);
    EXPECT_EQ(deep.size(), 5u) << "its subscription was dropped";
  });
}

TEST_F(FakeEnsembleTest, AnOldServerHasNoLastingWatch) {
  run(
      [this](FakeEnsemble&, Client& one, Client&) -> io::Task<void> {
        std::vector<std::string> told;
        EXPECT_EQ(code_of(co_await one.add_watch("/", Client::WatchMode::kPersistentRecursive, record(told))),
                  ErrorCode::kUnsupported);
        EXPECT_EQ(code_of(co_await one.create("/c", "", CreateMode::kContainer)), ErrorCode::kUnsupported);
      },
      {.has_add_watch = false, .has_create2 = false});
}

TEST_F(FakeEnsembleTest, ABrokenConnectionKeepsSessionAndWatches) {
  run([this](FakeEnsemble& ensemble, Client& one, Client& two) -> io::Task<void> {
    std::vector<std::string> told;
    std::vector<std::pair<Client::State, bool>> states;
    const auto subscription =
        one.on_state([&](Client::State state, bool is_new) { states.emplace_back(state, is_new); });
    for (const char* path : {"/a", "/b", "/gone"}) co_await one.create(path, "");
    co_await one.create("/mine", "", CreateMode::kEphemeral);
    for (const char* path : {"/a", "/b", "/gone"}) co_await one.get(path, record(told));
    co_await one.exists("/new", record(told));
    co_await one.children("/", record(told));
    auto lasting = *co_await one.add_watch("/a", Client::WatchMode::kPersistentRecursive, record(told));
    const int64_t session = one.session_id();
    ensemble.disconnect(session);
    EXPECT_EQ(one.state(), Client::State::kConnecting);
    EXPECT_EQ(code_of(co_await one.get("/a", {}, soon(1ms))), ErrorCode::kUnavailable);
    EXPECT_NE(one.trouble(), "");
    co_await two.set("/a", "1");
    co_await two.remove("/gone");
    co_await two.create("/new", "");
    EXPECT_THAT(told, IsEmpty());
    ensemble.reconnect(session);
    EXPECT_TRUE(co_await one.wait_connected(soon()));
    co_await drain(one);
    EXPECT_THAT(told, UnorderedElementsAre("changed /a", "changed /a", "deleted /gone", "created /new", "children /"))
        << "one-shot watches are made up for";
    told.clear();
    co_await two.set("/b", "1");
    co_await two.set("/a", "2");
    co_await drain(one);
    EXPECT_THAT(told, ElementsAre("changed /b", "changed /a"));
    EXPECT_EQ(one.session_id(), session);
    EXPECT_TRUE(ensemble.nodes().contains("/mine"));
    EXPECT_THAT(states,
                ElementsAre(std::pair(Client::State::kConnecting, false), std::pair(Client::State::kConnected, false)));
  });
}

TEST_F(FakeEnsembleTest, AnExpiredSessionLosesItsWatches) {
  run([this](FakeEnsemble& ensemble, Client& one, Client& two) -> io::Task<void> {
    std::vector<std::string> told;
    std::vector<std::pair<Client::State, bool>> states;
    const auto subscription =
        one.on_state([&](Client::State state, bool is_new) { states.emplace_back(state, is_new); });
    co_await one.create("/mine", "", CreateMode::kEphemeral);
    co_await one.exists("/x", record(told));
    auto lasting = *co_await one.add_watch("/", Client::WatchMode::kPersistentRecursive, record(told));
    const int64_t session = one.session_id();
    ensemble.expire(session);
    EXPECT_FALSE(ensemble.nodes().contains("/mine"));
    EXPECT_TRUE(co_await one.wait_connected(soon()));
    EXPECT_NE(one.session_id(), session);
    co_await two.create("/x", "");
    co_await drain(one);
    EXPECT_THAT(told, UnorderedElementsAre("lost /x", "lost /"));
    EXPECT_THAT(states,
                ElementsAre(std::pair(Client::State::kConnecting, false), std::pair(Client::State::kExpired, false),
                            std::pair(Client::State::kConnected, true)));
    // One that is away learns of it when it comes back.
    const int64_t second = one.session_id();
    ensemble.disconnect(second);
    ensemble.expire(second);
    co_await drain(two);
    EXPECT_EQ(one.state(), Client::State::kConnecting);
    ensemble.reconnect(second);
    EXPECT_TRUE(co_await one.wait_connected(soon()));
    EXPECT_NE(one.session_id(), second);
  });
}

TEST_F(FakeEnsembleTest, LostRequestsAndAnswers) {
  run([](FakeEnsemble& ensemble, Client& one, Client&) -> io::Task<void> {
    ensemble.lose_requests(one.session_id(), 1);
    EXPECT_EQ(code_of(co_await one.create("/a", "")), ErrorCode::kDeadline);
    EXPECT_FALSE(ensemble.nodes().contains("/a"));
    ensemble.lose_replies(one.session_id(), 1);
    EXPECT_FALSE(co_await one.exists("/a")) << "reads are not lost";
    EXPECT_EQ(code_of(co_await one.create("/a", "")), ErrorCode::kDeadline);
    EXPECT_TRUE(ensemble.nodes().contains("/a"));
    EXPECT_TRUE(co_await one.create("/b", ""));
    EXPECT_EQ(code_of(co_await one.create("/c", std::string(1 << 20, 'x'))), ErrorCode::kDeadline)
        << "the server hangs up on a request above its jute.maxbuffer";
    EXPECT_TRUE(co_await one.create("/c", std::string((1 << 20) - 1024, 'x')));
  });
}

TEST_F(FakeEnsembleTest, ATestRefusesWrites) {
  run([](FakeEnsemble& ensemble, Client& one, Client&) -> io::Task<void> {
    std::vector<std::string> asked;
    ensemble.on_write([&](int64_t, const std::string& what) -> Status {
      asked.push_back(what);
      if (what == "remove /a") return fail(ErrorCode::kPermissionDenied, "no");
      if (what == "set /a") return fail(ErrorCode::kUnavailable, "away");
      return {};
    });
    EXPECT_TRUE(co_await one.create("/a", "", CreateMode::kEphemeral));
    EXPECT_EQ(code_of(co_await one.remove("/a")), ErrorCode::kPermissionDenied);
    const MultiAnswer answer = *co_await one.multi({Op::check("/a"), Op::remove("/a")});
    EXPECT_EQ(answer.failed_at, 1u);
    EXPECT_EQ(answer.refusal, ErrorCode::kPermissionDenied);
    EXPECT_EQ(code_of(co_await one.multi({Op::set("/a", "")})), ErrorCode::kUnavailable);
    EXPECT_THAT(asked, ElementsAre("create /a ephemeral", "remove /a", "remove /a", "set /a"));
    EXPECT_THAT(ensemble.requests(),
                ElementsAre("create /a ephemeral", "remove /a", "multi check /a, remove /a", "multi set /a"));
  });
}

TEST_F(FakeEnsembleTest, HeldEventsComeBeforeLaterAnswers) {
  run([this](FakeEnsemble& ensemble, Client& one, Client& two) -> io::Task<void> {
    std::vector<std::string> told;
    co_await one.exists("/a", record(told));
    ensemble.hold_events(true);
    EXPECT_TRUE(co_await two.create("/a", ""));
    EXPECT_EQ(code_of(co_await one.get("/a", {}, soon(5ms))), ErrorCode::kDeadline);
    EXPECT_THAT(told, IsEmpty());
    ensemble.hold_events(false);
    EXPECT_TRUE(co_await one.get("/a"));
    EXPECT_THAT(told, ElementsAre("created /a"));
  });
}

TEST_F(FakeEnsembleTest, WatchesTellOnlyThoseWhoMayRead) {
  const auto body = [this](FakeEnsemble& ensemble, Client& one, Client& two,
                           std::vector<std::string>& told) -> io::Task<void> {
    co_await one.exists("/secret", record(told));
    co_await one.exists("/open", record(told));
    co_await two.create("/secret", "", CreateMode::kPersistent, {{perms::kAll, "auth", ""}});
    co_await two.create("/open", "");
    co_await drain(one);
    EXPECT_EQ(ensemble.nodes().size(), 3u);
    EXPECT_EQ((co_await one.exists("/secret")).has_value(), told.size() == 2) << "nor does exists() tell of it";
  };
  run([&](FakeEnsemble& ensemble, Client& one, Client& two) -> io::Task<void> {
    std::vector<std::string> told;
    co_await body(ensemble, one, two, told);
    EXPECT_THAT(told, ElementsAre("created /open"));
  });
  run(
      [&](FakeEnsemble& ensemble, Client& one, Client& two) -> io::Task<void> {
        std::vector<std::string> told;
        co_await body(ensemble, one, two, told);
        EXPECT_THAT(told, ElementsAre("created /secret", "created /open"));
      },
      {.events_ask_read = false, .exists_asks_read = false});
}

TEST_F(FakeEnsembleTest, BadCredentialsAreRefused) {
  run([](FakeEnsemble& ensemble, Client&, Client&) -> io::Task<void> {
    const std::unique_ptr<Client> client = ensemble.connect({{"nonsense", "x"}});
    EXPECT_FALSE(co_await client->wait_connected(soon()));
    EXPECT_EQ(client->state(), Client::State::kRefused);
    EXPECT_EQ(code_of(co_await client->get("/")), ErrorCode::kUnauthenticated);
    co_await client->close(soon());
  });
}

}  // namespace
}  // namespace modelyard::zookeeper
