// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/tree.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/random.h"
#include "zookeeper/fake.h"

namespace modelyard::zookeeper {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

SteadyTime soon(std::chrono::milliseconds in = 20s) { return system_clock().now() + in; }

struct Mode {
  std::string name;
  FakeEnsemble::Options options;
};

std::map<std::string, std::string> contents(const Tree::Nodes& nodes) {
  std::map<std::string, std::string> out;
  for (const auto& [path, node] : nodes) out[path] = fmt::format("{} {}", node->data, node->stat.mzxid);
  return out;
}

// What a tree of that root shall hold; `readable` false: left out with all below.
std::map<std::string, std::string> contents(const FakeEnsemble& ensemble, const std::string& root) {
  std::map<std::string, std::string> out;
  std::string closed;
  for (const auto& [path, node] : ensemble.nodes()) {
    if (path != root && !path.starts_with(root + "/")) continue;
    if (!closed.empty() && path.starts_with(closed)) continue;
    if (node.acl != open_acl()) {
      closed = path + "/";
      continue;
    }
    out[path == root ? "" : path.substr(root.size() + 1)] = fmt::format("{} {}", node.data, node.stat.mzxid);
  }
  return out;
}

std::vector<std::string> words(const std::vector<Tree::Change>& changes) {
  std::vector<std::string> out;
  for (const Tree::Change& change : changes) {
    const char* kind = !change.before ? "+" : !change.after ? "-" : "=";
    out.push_back(fmt::format("{}{} {}", kind, change.path, change.after ? change.after->data : ""));
  }
  return out;
}

// A tree with what it told, replayed.
struct Watched {
  Watched(io::Loop& loop, Client& client, const std::string& root, TreeOptions options = {})
      : tree(loop.executor(), client, root, options), changed(loop.executor()) {
    tree.on_changes([this](const std::vector<Tree::Change>& changes) {
      calls.push_back(words(changes));
      for (const Tree::Change& change : changes) {
        const auto found = replayed.find(change.path);
        EXPECT_EQ(found != replayed.end(), change.before != nullptr) << change.path;
        if (found != replayed.end()) {
          EXPECT_EQ(found->second->stat.mzxid, change.before->stat.mzxid) << change.path;
          replayed.erase(found);
        }
        if (change.after) replayed[change.path] = change.after;
      }
      EXPECT_EQ(contents(replayed), contents(tree.nodes())) << "during the call nodes() is what was told";
      changed.notify_all();
    });
    tree.start();
  }

  io::Task<bool> wait_calls(size_t n) {
    const SteadyTime deadline = soon();
    while (calls.size() < n) {
      if (!co_await changed.wait_until(deadline)) co_return false;
    }
    co_return true;
  }

  Tree tree;
  io::Event changed;
  std::vector<std::vector<std::string>> calls;
  Tree::Nodes replayed;
};

class TreeTest : public testing::TestWithParam<Mode> {
 protected:
  // body(ensemble, the tree's client, a client that writes).
  template <typename Body>
  void run(Body body) {
    io::run_blocking(loop, [](TreeTest& test, Body& b) -> io::Task<void> {
      FakeEnsemble ensemble(test.loop, GetParam().options);
      const std::unique_ptr<Client> reader = ensemble.connect();
      const std::unique_ptr<Client> writer = ensemble.connect({{"digest", "writer:secret"}});
      co_await b(ensemble, *reader, *writer);
      co_await reader->close(soon());
      co_await writer->close(soon());
    }(*this, body));
  }

  io::Loop loop;
};

INSTANTIATE_TEST_SUITE_P(
    Servers, TreeTest,
    testing::Values(Mode{"recursive", {}},
                    Mode{"per_node", {.has_add_watch = false, .events_ask_read = false, .exists_asks_read = false}}),
    [](const auto& info) { return info.param.name; });

TEST_P(TreeTest, TellsTheWholeThenChanges) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client& writer) -> io::Task<void> {
    for (const char* path : {"/r", "/r/a", "/r/a/b", "/r/a/b-x", "/r/a-y", "/rx"}) ensemble.put(path, "0");
    Watched watched(loop, reader, "/r");
    EXPECT_FALSE(watched.tree.complete());
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    EXPECT_TRUE(watched.tree.current()) << watched.tree.trouble();
    EXPECT_EQ(watched.tree.trouble(), "");
    EXPECT_THAT(watched.calls, ElementsAre(ElementsAre("+ 0", "+a 0", "+a-y 0", "+a/b 0", "+a/b-x 0")));
    EXPECT_EQ(watched.tree.find("a/b")->data, "0");
    EXPECT_EQ(watched.tree.find("nothing"), nullptr);

    co_await writer.set("/r/a/b", "1");
    EXPECT_TRUE(co_await watched.wait_calls(2));
    EXPECT_THAT(watched.calls[1], ElementsAre("=a/b 1"));
    co_await writer.multi(
        {Op::create("/r/n", "1"), Op::create("/r/n/m", "2"), Op::remove("/r/a-y"), Op::set("/r", "5")});
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    std::vector<std::string> told;
    for (size_t i = 2; i < watched.calls.size(); ++i)
      told.insert(told.end(), watched.calls[i].begin(), watched.calls[i].end());
    EXPECT_THAT(told, testing::UnorderedElementsAre("= 5", "-a-y ", "+n 1", "+n/m 2"));
    EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, ChangesPushedTogetherAreToldTogether) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client& writer) -> io::Task<void> {
    for (const char* path : {"/r", "/r/a", "/r/b", "/r/c"}) ensemble.put(path, "0");
    Watched watched(loop, reader, "/r");
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    co_await writer.multi({Op::set("/r/a", "1"), Op::set("/r/b", "1"), Op::remove("/r/c")});
    EXPECT_TRUE(co_await watched.wait_calls(2));
    EXPECT_THAT(watched.calls[1], ElementsAre("=a 1", "=b 1", "-c "));
    // What came and went is not told.
    co_await writer.multi({Op::create("/r/d", ""), Op::remove("/r/d"), Op::set("/r/a", "2")});
    EXPECT_TRUE(co_await watched.wait_calls(3));
    EXPECT_THAT(watched.calls[2], ElementsAre("=a 2"));
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, TheRootComesGoesAndComesAgain) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client&) -> io::Task<void> {
    ensemble.put("/top", "");
    Watched watched(loop, reader, "/top/r");
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    EXPECT_THAT(watched.calls, ElementsAre(IsEmpty()));
    for (int round = 0; round < 3; ++round) {
      ensemble.put("/top/r", "0");
      ensemble.put("/top/r/a", std::to_string(round));
      EXPECT_TRUE(co_await watched.tree.refresh(soon()));
      EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/top/r"));
      ensemble.erase("/top/r/a");
      ensemble.erase("/top/r");
      EXPECT_TRUE(co_await watched.tree.refresh(soon()));
      EXPECT_THAT(watched.tree.nodes(), IsEmpty());
      EXPECT_THAT(watched.replayed, IsEmpty());
    }
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, FollowsTheWholeServer) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client&) -> io::Task<void> {
    ensemble.put("/a", "1");
    Watched watched(loop, reader, "/");
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    ensemble.put("/a/b", "2");
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(watched.tree.find("a/b")->data, "2");
    EXPECT_EQ(watched.tree.nodes().size(), 3u);
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, KeepsWhatItHasWhileTheConnectionIsAway) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client&) -> io::Task<void> {
    for (const char* path : {"/r", "/r/a", "/r/b", "/r/b/c"}) ensemble.put(path, "0");
    Watched watched(loop, reader, "/r");
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    ensemble.disconnect(reader.session_id());
    ensemble.put("/r/a", "1");
    ensemble.erase("/r/b/c");
    ensemble.erase("/r/b");
    ensemble.put("/r/d", "1");
    ensemble.put("/r/d/e", "1");
    EXPECT_FALSE(watched.tree.current());
    EXPECT_THAT(watched.tree.trouble(), HasSubstr("no connection"));
    EXPECT_EQ(watched.tree.nodes().size(), 4u);
    EXPECT_EQ((co_await watched.tree.refresh(soon(5ms))).error().code(), ErrorCode::kUnavailable);
    ensemble.reconnect(reader.session_id());
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
    EXPECT_TRUE(watched.tree.current()) << watched.tree.trouble();
    ensemble.put("/r/d/e", "2");
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(watched.tree.find("d/e")->data, "2");
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, KeepsWhatItHasWhenTheSessionExpires) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client&) -> io::Task<void> {
    for (const char* path : {"/r", "/r/a", "/r/b"}) ensemble.put(path, "0");
    Watched watched(loop, reader, "/r");
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    for (int round = 1; round <= 3; ++round) {
      const int64_t session = reader.session_id();
      if (round == 2) ensemble.disconnect(session);
      ensemble.expire(session);
      ensemble.put("/r/a", std::to_string(round));
      ensemble.erase("/r/b");
      EXPECT_EQ(watched.tree.nodes().size(), 3u);
      if (round == 2) ensemble.reconnect(session);
      EXPECT_TRUE(co_await watched.tree.refresh(soon()));
      EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
      ensemble.put("/r/b", "again");
      EXPECT_TRUE(co_await watched.tree.refresh(soon()));
      EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
    }
    EXPECT_TRUE(watched.tree.current()) << watched.tree.trouble();
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, TakesInWhatHappensDuringTheFirstRead) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client& writer) -> io::Task<void> {
    ensemble.put("/r", "");
    for (int i = 0; i < 300; ++i) ensemble.put(fmt::format("/r/n{}", i), "0");
    Watched watched(loop, reader, "/r", {.reads_in_flight = 4});
    // Between two of its reads, all the time, until it is complete.
    for (int i = 0; !watched.tree.complete() && i < 2'000; ++i) {
      co_await writer.set(fmt::format("/r/n{}", i % 300), "1");
      if (i % 7 == 0) co_await writer.create(fmt::format("/r/new{}", i), "");
      if (i % 11 == 0) co_await writer.remove(fmt::format("/r/n{}", (i * 17) % 300));
    }
    EXPECT_TRUE(watched.tree.complete());
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, ALostConnectionDuringTheFirstRead) {
  for (const bool expires : {false, true}) {
    run([this, expires](FakeEnsemble& ensemble, Client& reader, Client& writer) -> io::Task<void> {
      ensemble.put("/r", "");
      for (int i = 0; i < 200; ++i) ensemble.put(fmt::format("/r/n{}", i), "0");
      Watched watched(loop, reader, "/r", {.reads_in_flight = 8});
      EXPECT_TRUE(co_await reader.wait_connected(soon()));
      for (int i = 0; i < 6 && !watched.tree.complete(); ++i) {
        for (int n = 0; n < 3 + 2 * i; ++n) co_await writer.sync("/");
        const int64_t session = reader.session_id();
        ensemble.disconnect(session);
        if (expires) ensemble.expire(session);
        ensemble.put(fmt::format("/r/n{}", i), "1");
        ensemble.put(fmt::format("/r/n{}/deep", i), "1");
        ensemble.reconnect(session);
      }
      EXPECT_TRUE(co_await watched.tree.refresh(soon()));
      EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
      EXPECT_EQ(watched.calls.size(), 1u);
      co_await watched.tree.stop();
    });
  }
}

TEST_P(TreeTest, HeldEventsMakeItLateNotWrong) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client&) -> io::Task<void> {
    for (const char* path : {"/r", "/r/a", "/r/b"}) ensemble.put(path, "0");
    Watched watched(loop, reader, "/r");
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    ensemble.hold_events(true);
    ensemble.put("/r/a", "1");
    ensemble.erase("/r/b");
    ensemble.put("/r/b", "new");
    EXPECT_EQ((co_await watched.tree.refresh(soon(10ms))).error().code(), ErrorCode::kDeadline);
    EXPECT_EQ(watched.tree.find("a")->data, "0");
    ensemble.hold_events(false);
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, LeavesOutWhatItMayNotRead) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client& writer) -> io::Task<void> {
    const AclList closed{{perms::kAll, "auth", ""}};
    for (const char* path : {"/r", "/r/a"}) ensemble.put(path, "0");
    co_await writer.create("/r/secret", "s", CreateMode::kPersistent, closed);
    co_await writer.create("/r/secret/below", "s");
    Watched watched(loop, reader, "/r");
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    EXPECT_THAT(watched.calls, ElementsAre(ElementsAre("+ 0", "+a 0")));
    EXPECT_EQ(watched.tree.left_out(), 1u);
    EXPECT_THAT(watched.tree.trouble(), HasSubstr("/r/secret: not permitted"));
    EXPECT_TRUE(watched.tree.current());
    co_await writer.set_acl("/r/secret", open_acl());
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
    EXPECT_EQ(watched.tree.left_out(), 0u);
    EXPECT_EQ(watched.tree.trouble(), "");
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, ARootThatMayNotBeReadIsNotComplete) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client& writer) -> io::Task<void> {
    co_await writer.create("/r", "", CreateMode::kPersistent, {{perms::kAll, "auth", ""}});
    for (int i = 0; i < 50; ++i) co_await writer.create(fmt::format("/r/n{}", i), "");
    Watched watched(loop, reader, "/r");
    EXPECT_FALSE(co_await watched.tree.wait_complete(soon(20ms)));
    EXPECT_THAT(watched.tree.trouble(), HasSubstr("/r: not permitted"));
    EXPECT_FALSE(watched.tree.current());
    co_await writer.set_acl("/r", open_acl());
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(watched.calls.size(), 1u);
    EXPECT_EQ(watched.tree.nodes().size(), 51u);
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, HoldsAtMostNodesMax) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client&) -> io::Task<void> {
    ensemble.put("/r", "");
    for (int i = 0; i < 20; ++i) ensemble.put(fmt::format("/r/n{:02}", i), "");
    Watched watched(loop, reader, "/r", {.nodes_max = 11});
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    EXPECT_EQ(watched.tree.nodes().size(), 11u);
    EXPECT_EQ(watched.tree.left_out(), 10u);
    EXPECT_THAT(watched.tree.trouble(), HasSubstr("10 nodes above 11 are left out"));
    // Where one goes there is room for another.
    std::string gone;
    for (const auto& [path, node] : watched.tree.nodes()) gone = path;
    ensemble.erase("/r/" + gone);
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(watched.tree.nodes().size(), 11u);
    EXPECT_EQ(watched.tree.left_out(), 9u);
    for (int i = 0; i < 15; ++i) ensemble.erase(fmt::format("/r/n{:02}", i));
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
    EXPECT_EQ(watched.tree.left_out(), 0u);
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, FollowsNoDeeperThanDepth) {
  run([this](FakeEnsemble& ensemble, Client& reader, Client&) -> io::Task<void> {
    for (const char* path : {"/r", "/r/1", "/r/1/2", "/r/1/2/3"}) ensemble.put(path, "");
    Watched watched(loop, reader, "/r", {.depth = 2});
    EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
    EXPECT_THAT(watched.calls, ElementsAre(ElementsAre("+ ", "+1 ", "+1/2 ")));
    ensemble.put("/r/1/2/4", "");
    ensemble.put("/r/1/5", "");
    EXPECT_TRUE(co_await watched.tree.refresh(soon()));
    EXPECT_EQ(watched.tree.nodes().size(), 4u);
    co_await watched.tree.stop();
  });
}

TEST_P(TreeTest, StoppedInTheMiddle) {
  for (int turns = 0; turns < 40; turns += 3) {
    run([this, turns](FakeEnsemble& ensemble, Client& reader, Client& writer) -> io::Task<void> {
      ensemble.put("/r", "");
      for (int i = 0; i < 20; ++i) ensemble.put(fmt::format("/r/n{:02}", i), "");
      size_t calls_at_stop = 0;
      {
        Watched watched(loop, reader, "/r", {.reads_in_flight = 3});
        for (int i = 0; i < turns; ++i) co_await io::sleep_for(0ns);
        co_await watched.tree.stop();
        calls_at_stop = watched.calls.size();
        ensemble.put("/r/after", "");
        co_await writer.sync("/");
        EXPECT_EQ(watched.calls.size(), calls_at_stop);
      }
      ensemble.put("/r/later", "");
      ensemble.expire(reader.session_id());
      co_await writer.sync("/");
    });
  }
}

struct Step {
  FakeEnsemble& ensemble;
  Client& reader;
  Client& writer;
  Random& random;
  bool is_away = false;
};

std::string some_path(Random& random) {
  std::string path = "/r";
  for (uint64_t depth = random.below(4); depth > 0; --depth)
    path += "/" + std::string(1, static_cast<char>('a' + random.below(4)));
  return path;
}

void erase_tree(FakeEnsemble& ensemble, const std::string& path) {
  std::vector<std::string> all;
  for (const auto& [known, node] : ensemble.nodes()) {
    if (known == path || known.starts_with(path + "/")) all.push_back(known);
  }
  for (auto at = all.rbegin(); at != all.rend(); ++at) ensemble.erase(*at);
}

io::Task<void> random_step(Step& step) {
  Random& random = step.random;
  const std::string path = some_path(random);
  switch (random.below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: step.ensemble.put(path, std::to_string(random.below(1000))); break;
    case 5:
    case 6:
    case 7: step.ensemble.erase(path); break;
    case 8:
      co_await step.writer.multi({Op::create(path + "/m", "1"), Op::set("/r", "2"), Op::create(path + "/m/n", "1")});
      break;
    case 9: co_await step.writer.create(path + "/e-", "", CreateMode::kEphemeralSequential); break;
    case 10: erase_tree(step.ensemble, path); break;
    case 11: co_await io::sleep_for(0ns); break;
    case 12: co_await step.writer.sync("/"); break;
    case 13:
      step.ensemble.disconnect(step.reader.session_id());
      step.is_away = true;
      break;
    case 14:
      step.ensemble.reconnect(step.reader.session_id());
      step.is_away = false;
      break;
    case 15:
      if (random.below(4) == 0) step.ensemble.expire(step.reader.session_id());
      break;
    case 16: step.ensemble.hold_events(true); break;
    case 17: step.ensemble.hold_events(false); break;
    case 18:
      for (uint64_t n = random.below(60); n > 0; --n) co_await step.writer.sync("/");
      break;
    case 19:
      if (!step.is_away) co_await step.reader.sync("/", soon(2ms));
      break;
  }
}

TEST_P(TreeTest, RandomLivesEndEqual) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    run([this, seed](FakeEnsemble& ensemble, Client& reader, Client& writer) -> io::Task<void> {
      Random random(seed);
      ensemble.put("/r", "");
      Watched watched(loop, reader, "/r", {.gather = 1ms, .reads_in_flight = 1 + random.below(8)});
      Step step{ensemble, reader, writer, random};
      for (int i = 0; i < 250; ++i) co_await random_step(step);
      ensemble.hold_events(false);
      ensemble.reconnect(reader.session_id());
      const Status refreshed = co_await watched.tree.refresh(soon());
      EXPECT_TRUE(refreshed.has_value()) << refreshed.error().message();
      EXPECT_EQ(contents(watched.tree.nodes()), contents(ensemble, "/r"));
      EXPECT_EQ(contents(watched.replayed), contents(watched.tree.nodes()));
      co_await watched.tree.stop();
    });
  }
}

double cpu_microseconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return 1e6 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

TEST_P(TreeTest, AChangeCostsTheSameAmongManyNodes) {
  double cost[2] = {};
  for (const int size : {100, 10'000}) {
    run([this, size, &cost](FakeEnsemble& ensemble, Client& reader, Client&) -> io::Task<void> {
      ensemble.put("/r", "");
      for (int i = 0; i < 10; ++i) ensemble.put(fmt::format("/r/{}", i), "");
      for (int i = 0; i < size; ++i) ensemble.put(fmt::format("/r/{}/n{:05}", i % 10, i), "0");
      Watched watched(loop, reader, "/r");
      watched.tree.on_changes({});
      EXPECT_TRUE(co_await watched.tree.wait_complete(soon()));
      const double before = cpu_microseconds();
      constexpr int kChanges = 2'000;
      for (int i = 0; i < kChanges; ++i) {
        ensemble.put(fmt::format("/r/{}/n{:05}", i % 10, i % size), "1");
        if (i % 20 == 19) EXPECT_TRUE(co_await watched.tree.refresh(soon()));
      }
      cost[size > 100] = (cpu_microseconds() - before) / kChanges;
      co_await watched.tree.stop();
    });
  }
  RecordProperty("microseconds_100", std::to_string(cost[0]));
  RecordProperty("microseconds_10000", std::to_string(cost[1]));
  // The ensemble's own work included; a walk of the whole would be some hundred times more.
  EXPECT_LT(cost[1], 10 * cost[0] + 50);
}

}  // namespace
}  // namespace modelyard::zookeeper
