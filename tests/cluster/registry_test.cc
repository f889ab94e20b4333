// SPDX-License-Identifier: Apache-2.0
// The registry in real ZooKeeper: who leads when servers die and sessions end, and that a request is carried out once.
#include "registry/zookeeper/registry.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/random.h"
#include "cluster/zookeeper_server.h"
#include "registry/zookeeper/endpoints.h"
#include "registry/zookeeper/requests.h"
#include "registry/zookeeper/runner_session.h"
#include "zookeeper/client.h"

namespace modelyard::registry::zookeeper {
namespace {

using namespace std::chrono_literals;
using modelyard::testing::ZooKeeperServers;
using modelyard::zookeeper::Client;
using modelyard::zookeeper::ClientOptions;

SteadyTime soon(milliseconds in = 30s) { return std::chrono::steady_clock::now() + in; }

// polls: each five milliseconds, half a minute at most.
io::Task<bool> until(std::function<bool()> condition) {
  const SteadyTime deadline = soon();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) co_return false;
    co_await io::sleep_for(5ms);
  }
  co_return true;
}

Instance instance(const std::string& id, int64_t incarnation, InstanceState state = InstanceState::kStarting) {
  Instance out;
  out.id = id;
  out.incarnation = incarnation;
  out.name = "dga";
  out.version = "1.0";
  out.state = state;
  return out;
}

class RegistryServers : public ::testing::TestWithParam<std::string> {
 protected:
  void start(int size) {
    auto started = ZooKeeperServers::start({.version = GetParam(), .size = size});
    ASSERT_TRUE(started) << started.error().message();
    servers = std::move(*started);
  }
  std::unique_ptr<Client> connect(milliseconds session_timeout = 4s) {
    ClientOptions options;
    options.quorum = servers->quorum();
    options.session_timeout = session_timeout;
    auto client = connect_client(loop, options, Random::from_system());
    EXPECT_TRUE(client) << client.error().message();
    return std::move(*client);
  }
  struct Controller {
    std::unique_ptr<Client> client;
    std::unique_ptr<ZookeeperRegistry> registry;
    int64_t epoch = 0;
    int lost = 0;
  };
  std::unique_ptr<Controller> controller() {
    auto out = std::make_unique<Controller>();
    out->client = connect();
    RegistryOptions options;
    options.candidate.launcher = "local";
    options.candidate.place = "here";
    options.take_over = true;
    out->registry =
        std::make_unique<ZookeeperRegistry>(loop, *out->client, options, system_clock(), Random::from_system());
    out->registry->on_lost([out = out.get()] { ++out->lost; });
    return out;
  }
  // As a controller's loop does: leads again whenever the leadership is lost.
  io::Task<void> keep_leading(Controller& controller) {
    for (;;) {
      if (!controller.registry->leads()) {
        const auto contents = co_await controller.registry->lead();
        if (contents) {
          EXPECT_GT(contents->epoch, greatest_epoch);
          greatest_epoch = controller.epoch = contents->epoch;
        }
      }
      co_await io::sleep_for(20ms);
    }
  }
  static int leading(const std::vector<std::unique_ptr<Controller>>& all) {
    int n = 0;
    for (const auto& one : all) n += one->registry->leads() ? 1 : 0;
    return n;
  }
  static Controller* leader_of(const std::vector<std::unique_ptr<Controller>>& all) {
    for (const auto& one : all) {
      if (one->registry->deciding()) return one.get();
    }
    return nullptr;
  }

  std::unique_ptr<ZooKeeperServers> servers;
  io::Loop loop;
  int64_t greatest_epoch = 0;
};

INSTANTIATE_TEST_SUITE_P(Versions, RegistryServers, ::testing::Values("3.4", "3.9"),
                         [](const auto& info) { return "v" + info.param.substr(0, 1) + "_" + info.param.substr(2); });

// Three controllers on three servers; the servers' leader is killed, then each controller's leader in turn goes.
TEST_P(RegistryServers, OneOfThreeLeadsWhateverDies) {
  start(3);
  io::run_blocking(loop, [&]() -> io::Task<void> {
    std::vector<std::unique_ptr<Controller>> all;
    io::Scope scope(loop.executor());
    for (int i = 0; i < 3; ++i) {
      all.push_back(controller());
      const Status opened = co_await all.back()->registry->open(soon());
      EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
      scope.spawn(keep_leading(*all.back()));
    }
    EXPECT_TRUE(co_await until([&] { return leader_of(all) != nullptr; }));
    EXPECT_TRUE(co_await leader_of(all)->registry->write({Write::put(instance("before", 1))}));
    const auto dead = servers->leader();
    EXPECT_TRUE(dead);
    servers->kill(*dead);
    Status written = fail(ErrorCode::kUnavailable, "");
    for (const SteadyTime deadline = soon(); !written && std::chrono::steady_clock::now() < deadline;) {
      if (Controller* one = leader_of(all)) written = co_await one->registry->write({Write::put(instance("after", 2))});
      co_await io::sleep_for(10ms);
    }
    EXPECT_TRUE(written) << written.error().message();
    EXPECT_LE(leading(all), 1);
    EXPECT_TRUE(servers->restart(*dead));

    // The leader is cut off without a word (its program stops): the next leads when its session is over.
    EXPECT_TRUE(co_await until([&] { return leader_of(all) != nullptr; }));
    Controller* first = leader_of(all);
    co_await first->registry->stop();
    EXPECT_TRUE(co_await until([&] { return leader_of(all) != nullptr && leader_of(all) != first; }));
    EXPECT_TRUE(co_await until([&] {
      const auto contents = leader_of(all) ? leader_of(all)->registry->contents() : nullptr;
      return contents && contents->instances.size() == 2;
    })) << "nothing that was answered is lost";
    co_await scope.stop();
    for (const auto& one : all) {
      if (one.get() != first) co_await one->registry->stop();
      co_await one->client->close(soon(2s));
    }
  }());
}

// The leader's loop stands still past its session, as a stopped process does; when it goes on it may store nothing.
TEST_P(RegistryServers, ALeaderThatSleptStoresNothing) {
  start(1);
  io::Loop other;
  std::unique_ptr<Controller> sleeper = controller();
  io::run_blocking(loop, [&]() -> io::Task<void> {
    EXPECT_TRUE(co_await sleeper->registry->open(soon()));
    EXPECT_TRUE(co_await sleeper->registry->lead());
    EXPECT_TRUE(co_await sleeper->registry->write({Write::put(instance("i", 1))}));
  }());
  // Nobody runs the first loop meanwhile: no pings.
  ClientOptions options;
  options.quorum = servers->quorum();
  options.session_timeout = 4s;
  auto client = connect_client(other, options, Random::from_system());
  ASSERT_TRUE(client);
  RegistryOptions with;
  with.candidate.launcher = "local";
  with.candidate.place = "here";
  with.take_over = true;
  ZookeeperRegistry next(other, **client, with, system_clock(), Random::from_system());
  io::run_blocking(other, [&]() -> io::Task<void> {
    EXPECT_TRUE(co_await next.open(soon()));
    const auto contents = co_await next.lead();
    EXPECT_TRUE(contents && contents->epoch == 2) << "after the session of the one that sleeps";
    EXPECT_TRUE(co_await next.write({Write::put(instance("i", 2))}));
  }());
  io::run_blocking(loop, [&]() -> io::Task<void> {
    EXPECT_FALSE(sleeper->registry->deciding()) << "before it has heard anything";
    EXPECT_FALSE(co_await sleeper->registry->write({Write::put(instance("i", 1, InstanceState::kReady))}));
    EXPECT_TRUE(co_await until([&] { return sleeper->lost == 1; }));
    co_await sleeper->registry->stop();
    co_await sleeper->client->close(soon(2s));
  }());
  io::run_blocking(other, [&]() -> io::Task<void> {
    EXPECT_TRUE(co_await next.write({Write::put(instance("i", 2, InstanceState::kReady))}))
        << "its records are as it left them";
    co_await next.stop();
    co_await (*client)->close(soon(2s));
  }());
}

// The check in the multi itself, with the controller's own precautions out of the way.
TEST_P(RegistryServers, TheServerRefusesADeposedLeader) {
  start(1);
  io::run_blocking(loop, [&]() -> io::Task<void> {
    auto one = controller();
    EXPECT_TRUE(co_await one->registry->open(soon()));
    EXPECT_TRUE(co_await one->registry->lead());
    auto somebody = connect();
    const Layout layout = one->registry->layout();
    const auto names = co_await somebody->children(layout.leader());
    EXPECT_TRUE(names && names->names.size() == 1);
    // Both are on their way before the event is.
    io::Scope scope(loop.executor());
    scope.spawn([](Client& client, std::string path) -> io::Task<void> { EXPECT_TRUE(co_await client.remove(path)); }(
                                                         *somebody, layout.leader() + "/" + names->names.front()));
    const Status written = co_await one->registry->write({Write::put(instance("zombie", 1))});
    co_await scope.join();
    const Status again = co_await one->registry->write({Write::put(instance("zombie", 1))});
    EXPECT_TRUE(written || written.error().code() == ErrorCode::kConflict);
    EXPECT_FALSE(again);
    EXPECT_EQ(again.error().code(), ErrorCode::kConflict);
    EXPECT_TRUE(co_await until([&] { return one->lost == 1; }));
    co_await one->registry->stop();
    co_await somebody->close(soon(2s));
    co_await one->client->close(soon(2s));
  }());
}

// A hundred requests; whoever takes them dies at random points. Each adds one instance, so the sum says it all.
TEST_P(RegistryServers, EachRequestIsCarriedOutOnce) {
  start(1);
  constexpr int kRequests = 100;
  io::run_blocking(loop, [&]() -> io::Task<void> {
    Random random(11);
    auto tool = connect();
    const auto layout = co_await read_layout(*tool, std::string(kDefaultRoot), soon());
    EXPECT_TRUE(layout);
    for (int i = 0; i < kRequests; ++i) {
      const auto put = co_await put_request(*tool, *layout, {.name = "dga", .version = "1.0", .path = "/p"}, soon());
      EXPECT_TRUE(put) << (put ? "" : put.error().message());
    }
    int lives = 0;
    for (bool empty = false; !empty && lives < 200; ++lives) {
      auto taker = controller();
      EXPECT_TRUE(co_await taker->registry->open(soon()));
      auto contents = co_await taker->registry->lead();
      EXPECT_TRUE(contents) << (contents ? "" : contents.error().message());
      if (!contents) break;
      io::Scope life(loop.executor());
      const auto take = [&]() -> io::Task<void> {
        Deployment wanted;
        wanted.name = "dga";
        wanted.version = "1.0";
        wanted.instances = 0;
        if (!contents->deployments.empty()) wanted = contents->deployments.front();
        for (;;) {
          const auto items = co_await taker->registry->requests(7);
          if (!items) co_return;
          if (items->empty()) {
            empty = true;
            co_return;
          }
          for (const auto& item : *items) {
            ++wanted.instances;
            ++wanted.generation;
            const Status stored = co_await taker->registry->write({Write::take_request(item.id), Write::put(wanted)});
            if (!stored) co_return;
          }
        }
      };
      life.spawn(take());
      // It dies in the middle of whatever it does: its connection is cut, what it sent may arrive or not.
      const SteadyTime end = soon(milliseconds(5 + random.below(60)));
      while (life.running() > 0 && std::chrono::steady_clock::now() < end) co_await io::sleep_for(1ms);
      co_await life.stop();
      co_await taker->registry->stop();
      co_await taker->client->close(soon(2s));
    }
    EXPECT_GT(lives, 2) << "it did die";
    auto last = controller();
    EXPECT_TRUE(co_await last->registry->open(soon()));
    const auto contents = co_await last->registry->lead();
    EXPECT_TRUE(contents && contents->deployments.size() == 1);
    if (contents && !contents->deployments.empty()) EXPECT_EQ(contents->deployments.front().instances, kRequests);
    const auto left = co_await last->registry->requests(10);
    EXPECT_TRUE(left && left->empty());
    co_await last->registry->stop();
    co_await last->client->close(soon(2s));
    co_await tool->close(soon(2s));
  }());
}

// A runner's session ends while the server is silent: its endpoint goes and comes back, and who follows keeps it.
TEST_P(RegistryServers, ARunnerRegistersAgainAfterItsSession) {
  start(1);
  io::run_blocking(loop, [&]() -> io::Task<void> {
    auto one = controller();
    EXPECT_TRUE(co_await one->registry->open(soon()));
    EXPECT_TRUE(co_await one->registry->lead());
    EXPECT_TRUE(co_await one->registry->write({Write::put(instance("i", 1))}));
    const Layout layout = one->registry->layout();
    auto client = connect(1s);
    RunnerSession runner(loop, *client, layout, one->registry->access(), "i", 1, Random::from_system());
    std::vector<RunnerSession::Order> orders;
    runner.on_order([&](RunnerSession::Order order) { orders.push_back(order); });
    runner.start();
    RunnerReport report;
    report.id = "i";
    report.incarnation = 1;
    report.state = InstanceState::kReady;
    report.endpoint = Endpoint{.id = "i", .name = "dga", .version = "1.0", .url = "http://h:1", .host = "h"};
    runner.report(report);
    EXPECT_TRUE(co_await runner.flush(soon()));
    EndpointFeed feed(loop, *one->client, std::string(kDefaultRoot), system_clock());
    feed.start();
    EXPECT_TRUE(co_await feed.wait_for_snapshot(soon()));
    EXPECT_NE(find_endpoint(*feed.snapshot(), "dga", "i"), nullptr);
    const int64_t session = client->session_id();
    servers->kill();
    EXPECT_TRUE(co_await until([&] { return client->state() != Client::State::kConnected; }));
    EXPECT_NE(find_endpoint(*feed.snapshot(), "dga", "i"), nullptr) << "ZooKeeper is away, nothing else";
    EXPECT_TRUE(servers->restart());
    EXPECT_TRUE(co_await runner.flush(soon()));
    auto somebody = connect();
    EXPECT_TRUE(co_await until([&] { return feed.current(); }));
    const auto stat = co_await somebody->exists(layout.endpoint("dga", "i"));
    EXPECT_TRUE(stat && stat->ephemeral_owner == client->session_id());
    EXPECT_EQ(orders, (std::vector{RunnerSession::Order::kServe}));
    EXPECT_NE(session, 0);
    co_await runner.stop(soon(2s));
    EXPECT_TRUE(co_await until([&] { return find_endpoint(*feed.snapshot(), "dga", "i") == nullptr; }));
    co_await feed.stop();
    co_await one->registry->stop();
    for (Client* each : {client.get(), somebody.get(), one->client.get()}) co_await each->close(soon(2s));
  }());
}

}  // namespace
}  // namespace modelyard::registry::zookeeper
