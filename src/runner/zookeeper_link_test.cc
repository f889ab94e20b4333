// SPDX-License-Identifier: Apache-2.0
#include "runner/zookeeper_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "io/file.h"
#include "registry/zookeeper/stored.h"
#include "registry/zookeeper/testing/fixture.h"
#include "runner/prepare.h"
#include "runner/testing/harness.h"

// A runner with a real model on an ensemble in memory.
namespace modelyard::runner {
namespace {

namespace fs = std::filesystem;
using namespace registry::zookeeper::testing;
using registry::InstanceState;
using registry::RunnerReport;

constexpr auto kId = "dga-1.0-aaaaaa";
constexpr auto kContainer = "container_1700000000000_0001_01_000002";

class RunnerOnZookeeper : public Ensemble {
 protected:
  RunnerOnZookeeper() {
    spec = {.id = kId,
            .incarnation = 7,
            .name = "dga",
            .version = "1.0",
            .revision = 1,
            .payload = (model.spec.payload),
            .folder = model.folder().string(),
            .deployer_env = {{"PATH", "/usr/bin:/bin"}},
            .endpoint_wait_ms = 20'000,
            .zookeeper = "in memory",
            .container = kContainer,
            .registry_is_embedded = false};
    around.machine_name = "localhost";
    model.write_server();
    commit(7);
  }

  void commit(int64_t incarnation, InstanceState state = InstanceState::kStarting) {
    put(instance(kId, incarnation, state));
    if (!there(layout.report(kId))) put(layout.report(kId), "");
    if (!there(layout.leases())) put(layout.leases(), "");
    if (!there(layout.service)) put(layout.service, "");
  }

  // The runner's whole life; `body` runs beside it and ends it.
  int live(const std::function<io::Task<void>()>& body) {
    auto prepared = prepare_model(spec, around, random);
    if (!prepared) {
      ADD_FAILURE() << prepared.error().message();
      return -1;
    }
    EXPECT_TRUE(prepared->log->start());
    auto client = ensemble.connect();
    session = client->session_id();
    link = std::make_unique<ZookeeperLink>(loop, spec, registry::zookeeper::Secrets{}, std::move(client), random);
    Supervisor supervisor(loop, spec, around, *std::move(prepared), std::move(link), random);
    std::optional<int> code;
    run([&]() -> io::Task<void> {
      io::Scope scope(loop.executor());
      scope.spawn([](Supervisor& self, std::optional<int>& out) -> io::Task<void> { out = co_await self.run(); }(
                                                                    supervisor, code));
      co_await body();
      EXPECT_TRUE(co_await until([&] { return code.has_value(); }, 20s));
      if (!code) commit(9);  // disowned: it ends by itself
      co_await scope.join();
      co_await scope.stop();
    });
    return code.value_or(-1);
  }

  std::string endpoint() const { return layout.endpoint("dga", kContainer); }
  RunnerReport reported() const {
    const auto report = registry::zookeeper::report_of(data(layout.report(kId)));
    return report ? *report : RunnerReport{};
  }
  io::Task<bool> ready() {
    return until([this] { return there(endpoint()) && reported().state == InstanceState::kReady; }, 20s);
  }
  uint16_t port() const {
    const auto known = registry::zookeeper::endpoint_from_discovery(data(endpoint()));
    return known ? static_cast<uint16_t>(std::stoi(known->url.substr(known->url.rfind(':') + 1))) : 0;
  }

  testing::Harness model;  // its folders and payload alone
  registry::InstanceSpec spec;
  Surroundings around;
  Random random{7};
  int64_t session = 0;
  std::unique_ptr<ControllerLink> link;
};

TEST_F(RunnerOnZookeeper, RegistersUnderItsContainerAndEndsWhenItsRecordSaysSo) {
  EXPECT_EQ(live([&]() -> io::Task<void> {
              EXPECT_TRUE(co_await ready());
              EXPECT_EQ(owner(endpoint()), session);
              EXPECT_EQ(owner(layout.lease(kId)), session);
              EXPECT_EQ(reported().id, kId);
              EXPECT_EQ(reported().endpoint.value_or(registry::Endpoint{}).id, kContainer);
              EXPECT_EQ(testing::get(port(), "/x"), R"({"path": "/x"})");
              commit(7, InstanceState::kDraining);
            }),
            0);
  EXPECT_FALSE(there(endpoint()));
  EXPECT_FALSE(there(layout.lease(kId)));
  EXPECT_EQ(reported().state, InstanceState::kGone);
}

TEST_F(RunnerOnZookeeper, TermTakesTheEndpointAwayBeforeTheCallInFlightEnds) {
  std::string answer;
  std::thread caller;
  EXPECT_EQ(live([&]() -> io::Task<void> {
              EXPECT_TRUE(co_await ready());
              caller = std::thread([&, to = port()] { answer = testing::get(to, "/slow"); });
              EXPECT_TRUE(co_await until([&] { return fs::exists(model.work("called")); }));
              ::kill(::getpid(), SIGTERM);
              EXPECT_TRUE(co_await until([&] { return !there(endpoint()); }));
              EXPECT_TRUE(there(layout.lease(kId))) << "it lives as long as the call";
              EXPECT_TRUE(io::write_file_atomic(model.work("go"), "x"));
            }),
            0);
  caller.join();
  EXPECT_EQ(answer, R"({"path": "/slow"})");
  EXPECT_FALSE(there(layout.lease(kId)));
}

TEST_F(RunnerOnZookeeper, ServesOnWhileZooKeeperIsAwayAndRegistersAnew) {
  EXPECT_EQ(live([&]() -> io::Task<void> {
              EXPECT_TRUE(co_await ready());
              const uint16_t to = port();
              ensemble.disconnect(session);
              ensemble.expire(session);
              EXPECT_FALSE(there(endpoint()));
              EXPECT_EQ(testing::get(to, "/x"), R"({"path": "/x"})");
              ensemble.reconnect(session);
              EXPECT_TRUE(co_await ready());
              EXPECT_NE(owner(endpoint()), session) << "of a new session";
              EXPECT_EQ(port(), to) << "the same model";
              commit(7, InstanceState::kFailed);
            }),
            0);
  EXPECT_FALSE(there(endpoint()));
}

TEST_F(RunnerOnZookeeper, AnOlderIncarnationThatComesBackIsDisowned) {
  auto other = ensemble.connect();
  EXPECT_EQ(live([&]() -> io::Task<void> {
              EXPECT_TRUE(co_await ready());
              ensemble.disconnect(session);
              ensemble.expire(session);
              commit(8);
              const std::string newer = registry::zookeeper::to_discovery_json(
                  endpoint_at(kContainer, "http://node2:2000"), 1'700'000'000'000);
              EXPECT_TRUE(co_await other->create(endpoint(), newer, zookeeper::CreateMode::kEphemeral));
              ensemble.reconnect(session);
            }),
            0);
  EXPECT_EQ(registry::zookeeper::endpoint_from_discovery(data(endpoint()))->url, "http://node2:2000");
  run([&]() -> io::Task<void> { co_await other->close(soon()); });
}

// Nothing that is wrong in ZooKeeper ends a model; what is mended is seen.
TEST_F(RunnerOnZookeeper, WaitsUntilTheConfigurationCanBeRead) {
  put(layout.config, "{");
  EXPECT_EQ(live([&]() -> io::Task<void> {
              EXPECT_TRUE(co_await until([&] { return fs::exists(model.work("endpoint.dat")); }, 20s));
              EXPECT_FALSE(there(layout.lease(kId)));
              put(layout.config, "{}");
              EXPECT_TRUE(co_await ready());
              commit(7, InstanceState::kDraining);
            }),
            0);
}

TEST_F(RunnerOnZookeeper, LoopbackIsReplacedByTheMachinesNameAndSaidWhereItDoesNotAnswer) {
  model.write_server("host=127.0.0.1 url=http://127.0.0.1:PORT");
  around.machine_name = "node-of-nobody.invalid";
  EXPECT_EQ(live([&]() -> io::Task<void> {
              EXPECT_TRUE(co_await ready());
              const auto known = registry::zookeeper::endpoint_from_discovery(data(endpoint()));
              EXPECT_TRUE(known && known->url.starts_with("http://node-of-nobody.invalid:")) << data(endpoint());
              EXPECT_TRUE(reported().answers_on_loopback_only);
              commit(7, InstanceState::kDraining);
            }),
            0);
}

TEST_F(RunnerOnZookeeper, AModelThatFailsLeavesItsReason) {
  model.write("rest.sh", "#!/bin/sh\necho last words\nexit 3\n");
  EXPECT_EQ(live([]() -> io::Task<void> { co_return; }), 1);
  EXPECT_EQ(reported().state, InstanceState::kFailed);
  EXPECT_EQ(reported().reason.substr(0, 21), "rest.sh exited with 3");
  EXPECT_THAT(reported().log_tail, ::testing::ElementsAre("last words"));
  EXPECT_FALSE(there(layout.lease(kId)));
}

}  // namespace
}  // namespace modelyard::runner
