// SPDX-License-Identifier: Apache-2.0
// A Tree over real servers of every version: restarts, lost sessions, a leader that dies, a server that falls silent.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "cluster/zookeeper_server.h"
#include "zookeeper/client.h"
#include "zookeeper/tree.h"

namespace modelyard::zookeeper {
namespace {

using namespace std::chrono_literals;
using modelyard::testing::ZooKeeperServers;
using Contents = std::map<std::string, std::string>;

SteadyTime soon(std::chrono::milliseconds in = 30s) { return system_clock().now() + in; }

Contents contents(const Tree::Nodes& nodes) {
  Contents out;
  for (const auto& [path, node] : nodes) out[path] = fmt::format("{} {}", node->data, node->stat.mzxid);
  return out;
}

// Reads the subtree node by node, as no copy does.
io::Task<Status> walk(Client& client, const std::string& root, const std::string& path, Contents& out) {
  const std::string at = path.empty() ? root : root + "/" + path;
  auto node = co_await client.get(at);
  if (!node && node.error().code() == ErrorCode::kNotFound) co_return Status();
  if (!node) co_return fail(std::move(node).error());
  out[path] = fmt::format("{} {}", node->data, node->stat.mzxid);
  auto children = co_await client.children(at);
  if (!children) co_return fail(std::move(children).error());
  for (const std::string& name : children->names)
    MY_CO_TRY_VOID(co_await walk(client, root, path.empty() ? name : path + "/" + name, out));
  co_return Status();
}

class TreeServers : public ::testing::TestWithParam<std::string> {
 protected:
  void start(int size) {
    auto started = ZooKeeperServers::start({.version = GetParam(), .size = size});
    ASSERT_TRUE(started) << started.error().message();
    servers = std::move(*started);
  }

  std::unique_ptr<Client> connect(std::chrono::milliseconds session_timeout = 10s) {
    ClientOptions options;
    options.quorum = servers->quorum();
    options.session_timeout = session_timeout;
    auto client = connect_client(loop, options, Random::from_system());
    EXPECT_TRUE(client) << client.error().message();
    return std::move(*client);
  }

  // body(reader, tree of /r with what it told replayed, writer)
  template <typename Body>
  void run(Body body, std::chrono::milliseconds reader_timeout = 10s, std::chrono::milliseconds writer_timeout = 10s) {
    io::run_blocking(loop,
                     [](TreeServers& test, Body& b, std::chrono::milliseconds timeout,
                        std::chrono::milliseconds other) -> io::Task<void> {
                       const auto reader = test.connect(timeout);
                       const auto writer = test.connect(other);
                       EXPECT_TRUE(co_await writer->wait_connected(soon())) << writer->trouble();
                       EXPECT_TRUE(co_await make_path(*writer, "/r"));
                       {
                         Tree tree(test.loop.executor(), *reader, "/r");
                         tree.on_changes([&test](const std::vector<Tree::Change>& changes) {
                           for (const Tree::Change& change : changes) {
                             test.replayed.erase(change.path);
                             if (change.after) test.replayed[change.path] = change.after;
                           }
                         });
                         tree.start();
                         EXPECT_TRUE(co_await tree.wait_complete(soon())) << tree.trouble();
                         co_await b(*reader, tree, *writer);
                         co_await tree.stop();
                       }
                       co_await reader->close(soon(2s));
                       co_await writer->close(soon(2s));
                     }(*this, body, reader_timeout, writer_timeout));
  }

  // The copy holds, and has told, what the server holds.
  io::Task<void> expect_equal(Tree& tree, Client& writer) {
    Contents real;
    for (Status walked = fail(ErrorCode::kUnavailable, ""); !walked;) {
      real.clear();
      EXPECT_TRUE(co_await writer.wait_connected(soon())) << writer.trouble();
      walked = co_await walk(writer, "/r", "", real);
    }
    Status refreshed = fail(ErrorCode::kUnavailable, "");
    for (const SteadyTime deadline = soon(); !refreshed && system_clock().now() < deadline;)
      refreshed = co_await tree.refresh(deadline);
    EXPECT_TRUE(refreshed) << tree.trouble();
    EXPECT_EQ(contents(tree.nodes()), real);
    EXPECT_EQ(contents(replayed), real);
    EXPECT_TRUE(tree.current()) << tree.trouble();
  }

  // Some writes; a write that met a lost connection is no matter.
  static io::Task<void> write_some(Client& writer, Random& random, int n) {
    for (int i = 0; i < n; ++i) {
      std::string path = "/r";
      for (uint64_t depth = 1 + random.below(3); depth > 0; --depth) path += fmt::format("/{}", random.below(5));
      switch (random.below(6)) {
        case 0: co_await remove_tree(writer, path); break;
        case 1: co_await writer.multi({Op::create(path, "m"), Op::create(path + "/m", "m"), Op::set("/r", "m")}); break;
        case 2: co_await writer.create(path + "/s-", "", CreateMode::kEphemeralSequential); break;
        case 3: co_await writer.set(path, std::to_string(random.below(1000))); break;
        default: co_await writer.create(path, std::to_string(random.below(1000))); break;
      }
    }
  }

  std::unique_ptr<ZooKeeperServers> servers;
  io::Loop loop;
  Tree::Nodes replayed;
};

INSTANTIATE_TEST_SUITE_P(Versions, TreeServers, ::testing::Values("3.4", "3.8", "3.9"),
                         [](const auto& info) { return "v" + info.param.substr(0, 1) + "_" + info.param.substr(2); });

TEST_P(TreeServers, FollowsOneServerOverRestarts) {
  start(1);
  run([this](Client& reader, Tree& tree, Client& writer) -> io::Task<void> {
    Random random(7);
    for (int round = 0; round < 5; ++round) {
      co_await write_some(writer, random, 60);
      co_await expect_equal(tree, writer);
    }
    const int64_t session = reader.session_id();
    for (int round = 0; round < 2; ++round) {
      servers->kill();
      EXPECT_TRUE(servers->restart());
      EXPECT_TRUE(co_await writer.wait_connected(soon()));
      co_await write_some(writer, random, 40);
      co_await expect_equal(tree, writer);
    }
    EXPECT_EQ(reader.session_id(), session) << "a session outlives its server";
  });
}

TEST_P(TreeServers, AStalledProgramLosesItsSessionNotItsCopy) {
  start(1);
  run(
      [this](Client& reader, Tree& tree, Client& writer) -> io::Task<void> {
        Random random(8);
        EXPECT_TRUE(co_await reader.create("/r/lease", "", CreateMode::kEphemeral));
        co_await write_some(writer, random, 50);
        const int64_t session = reader.session_id();
        // The whole loop stands still until the server has given the session up.
        const SteadyTime deadline = soon(30s);
        while (servers->four(0, "dump").find(fmt::format("0x{:x}", session)) != std::string::npos &&
               system_clock().now() < deadline)
          ::usleep(20'000);  // polls: the server expires sessions in its own time
        EXPECT_LT(system_clock().now(), deadline);
        co_await write_some(writer, random, 50);
        EXPECT_TRUE(co_await writer.set("/r", "after"));
        co_await expect_equal(tree, writer);
        EXPECT_NE(reader.session_id(), session);
        EXPECT_FALSE(tree.find("lease"));
        co_await write_some(writer, random, 50);
        co_await expect_equal(tree, writer);
      },
      1s);
}

TEST_P(TreeServers, FollowsAnEnsembleOverTheDeathOfItsLeader) {
  start(3);
  run([this](Client&, Tree& tree, Client& writer) -> io::Task<void> {
    Random random(9);
    co_await write_some(writer, random, 50);
    co_await expect_equal(tree, writer);
    for (int round = 0; round < 2; ++round) {
      const std::optional<int> leader = servers->leader();
      EXPECT_TRUE(leader);
      if (!leader) co_return;
      servers->kill(*leader);
      co_await write_some(writer, random, 30);
      EXPECT_TRUE(co_await writer.wait_connected(soon()));
      co_await write_some(writer, random, 30);
      co_await expect_equal(tree, writer);
      EXPECT_TRUE(servers->restart(*leader));
      co_await write_some(writer, random, 30);
      co_await expect_equal(tree, writer);
    }
  });
}

TEST_P(TreeServers, LeavesAServerThatFellSilent) {
  start(3);
  run(
      [this](Client&, Tree& tree, Client& writer) -> io::Task<void> {
        Random random(10);
        co_await write_some(writer, random, 30);
        co_await expect_equal(tree, writer);
        for (int i = 0; i < 3; ++i) {
          servers->freeze(i);
          const SteadyTime deadline = soon();
          // Whichever of the three it is connected to falls silent in one of the rounds.
          bool written = false;
          for (int n = 0; !written && system_clock().now() < deadline; ++n)
            written = (co_await writer.set("/r", fmt::format("{} {}", i, n), kAnyVersion, soon(2s))).has_value();
          EXPECT_TRUE(written);
          co_await expect_equal(tree, writer);
          servers->thaw(i);
          EXPECT_TRUE(servers->wait_serving(i));
        }
      },
      2s, 2s);
}

}  // namespace
}  // namespace modelyard::zookeeper
