// SPDX-License-Identifier: Apache-2.0
#include "controller/yarn_launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "hadoop/testing/yarn_servers.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::controller {
namespace {

namespace yarn = hadoop::yarn;
using hadoop::testing::FakeNodeManager;
using hadoop::testing::FakeResourceManager;
using hadoop::testing::Reply;
using hadoop::testing::RpcServer;
using hadoop::testing::ServerMachine;
using hadoop::testing::ServerOptions;
using ::testing::HasSubstr;

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

// A resource manager and two node managers that speak the real protocols on loopback.
struct Cluster : ::testing::Test {
  struct Node {
    FakeNodeManager manager;
    std::unique_ptr<RpcServer> server;
  };
  struct Exit {
    std::string id;
    int64_t incarnation;
    std::string cause;
  };

  Cluster() : rm_server(loop, {.tokens = {hadoop::testing::am_rm_token()}}, [this](const auto& c) { return rm(c); }) {
    for (Node& node : nodes) {
      node.server =
          std::make_unique<RpcServer>(loop, ServerOptions{}, [&node](const auto& c) { return node.manager(c); });
      node.server->set_options({.tokens = {hadoop::testing::nm_token_of(node.server->address())}, .qop = "auth-int"});
      node.manager.on_stop = [this](const yarn::ContainerId& id) {
        rm.complete(id, yarn::exit_status::kKilledByMaster, "Container killed by the ApplicationMaster.");
      };
    }
    rm.nodes = {{nodes[0].server->address(), 2048, ""}};
  }

  YarnLauncherOptions options() {
    YarnLauncherOptions out;
    out.master.resource_managers = {rm_server.address()};
    out.master.master.token = hadoop::testing::am_rm_token();
    out.master.master.tracking_url = "http://console";
    out.master.heartbeat = out.master.busy_heartbeat = out.master.retry_min = milliseconds(2);
    out.master.retry_max = milliseconds(10);
    out.application = hadoop::testing::application_id();
    out.credentials.tokens = {{"", hadoop::testing::am_rm_token()}};
    out.credentials.secrets = {{"modelyard.installation", "secret"}};
    out.environment = {{"GREETING", "hello \"$HOME\""}, {"NAME", "everybody's"}};
    out.user = "alice";
    out.waiting_said_after = milliseconds(0);
    return out;
  }
  void make(YarnLauncherOptions with) {
    launcher = std::make_unique<YarnLauncher>(
        loop.executor(), std::move(with),
        [this](registry::InstanceSpec) -> io::Task<Result<std::map<std::string, yarn::LocalResource>>> {
          if (files_error) co_return fail(*files_error);
          auto payload = yarn::parse_local_resource("hdfs://nn:8020/p.tar.gz").value();
          payload.is_archive = true;
          co_return std::map<std::string, yarn::LocalResource>{{"payload", payload}};
        },
        Random(7));
    launcher->on_exit([this](const std::string& id, int64_t incarnation, const std::string& cause) {
      exits.push_back({id, incarnation, cause});
    });
    launcher->on_waiting([this](const std::string& id, int64_t, const std::string& why) { waits[id] = why; });
    launcher->on_placed([this](std::string id, int64_t, Placement placement) -> io::Task<Status> {
      placements[id] = placement;
      while (placing_waits) co_await io::sleep_for(milliseconds(1));
      if (placed_error) co_return fail(*placed_error);
      co_return Status();
    });
  }
  static registry::InstanceSpec spec(const std::string& id, int64_t memory = 512, const std::string& name = "dga") {
    registry::InstanceSpec out;
    out.id = id;
    out.incarnation = 1;
    out.name = name;
    out.version = "1.0";
    out.revision = 1;
    out.memory_mb = memory;
    out.folder = "/data/instances/x";
    out.env = {{"NAME", "the deployment's"}};
    out.zookeeper = "zk:2181";
    return out;
  }
  registry::Instance instance(const std::string& id) {
    registry::Instance out;
    out.id = id;
    out.incarnation = 1;
    if (placements.contains(id)) out.container = placements[id].container;
    return out;
  }
  yarn::ContainerId container(const std::string& id) {
    return yarn::parse_container_id(placements.at(id).container).value();
  }
  // Begins a launch whose outcome lands in results.
  void begin(io::Scope& scope, registry::InstanceSpec wanted) {
    scope.spawn([](Cluster& test, registry::InstanceSpec s) -> io::Task<void> {
      const std::string id = s.id;
      test.results.insert_or_assign(id, co_await test.launcher->launch(std::move(s)));
    }(*this, std::move(wanted)));
  }
  io::Task<bool> until(std::function<bool()> condition) {
    const SteadyTime end = in(seconds(20));
    while (!condition()) {
      if (system_clock().now() > end) co_return false;
      co_await io::sleep_for(milliseconds(1));
    }
    co_return true;
  }
  // Runs the test's body with a registered launcher and a scope for its launches.
  void run(YarnLauncherOptions with, std::function<io::Task<void>(io::Scope&)> body) {
    make(std::move(with));
    io::run_blocking(loop, [](Cluster& test, std::function<io::Task<void>(io::Scope&)> b) -> io::Task<void> {
      io::Scope scope(test.loop.executor());
      EXPECT_TRUE((co_await test.launcher->start(in(seconds(10)))).has_value());
      co_await b(scope);
      co_await test.launcher->stop();
      co_await scope.join();
      co_await test.rm_server.stop();
      for (Node& node : test.nodes) co_await node.server->stop();
    }(*this, std::move(body)));
    launcher.reset();
  }
  void run(std::function<io::Task<void>(io::Scope&)> body) { run(options(), std::move(body)); }

  io::Loop loop;
  FakeResourceManager rm;
  RpcServer rm_server;
  Node nodes[2];
  std::unique_ptr<YarnLauncher> launcher;
  std::optional<Error> files_error;
  std::optional<Error> placed_error;
  bool placing_waits = false;
  std::vector<Exit> exits;
  std::map<std::string, std::string> waits;
  std::map<std::string, Placement> placements;
  std::map<std::string, Result<Launched>> results;
};

TEST_F(Cluster, ALaunchAsksIsPlacedStoredAndStarted) {
  run([this](io::Scope& scope) -> io::Task<void> {
    EXPECT_EQ(rm.tracking_url, "http://console");
    begin(scope, spec("dga-1"));
    EXPECT_EQ(launcher->liveness(instance("dga-1")).value(), Liveness::kHeld);
    EXPECT_TRUE(co_await until([&] { return results.contains("dga-1"); }));
    EXPECT_TRUE(results.at("dga-1").has_value());
    const Placement placed = placements.at("dga-1");
    EXPECT_EQ(placed.host, "127.0.0.1");
    EXPECT_EQ(placed.log_url, "http://127.0.0.1:8042/node/containerlogs/" + placed.container + "/alice");
    const FakeNodeManager::Started& started = nodes[0].manager.running.at(container("dga-1"));
    EXPECT_THAT(started.commands.at(0), HasSubstr("modelyard-runner --container"));
    EXPECT_EQ(started.resources.at("payload"), "/p.tar.gz");
    EXPECT_EQ(started.credentials.secrets.at("modelyard.installation"), "secret");
    EXPECT_EQ(started.credentials.find(hadoop::kAmRmToken), nullptr);
    const std::string json = base64_decode(started.environment.at("MODELYARD_SPEC")).value();
    const auto told = registry::instance_spec_from_json(json::parse(json, {}).value()).value();
    EXPECT_EQ(told.id, "dga-1");
    EXPECT_EQ(told.env.at("GREETING"), "hello \"$HOME\"");
    EXPECT_EQ(told.env.at("NAME"), "the deployment's");
    EXPECT_EQ(told.container, placed.container);
    EXPECT_EQ(json.find("secret"), std::string::npos);
    // It lives once.
    EXPECT_EQ((co_await launcher->launch(spec("dga-1"))).error().code(), ErrorCode::kConflict);
    EXPECT_TRUE(launcher->watch(instance("dga-1")).has_value());

    rm.complete(container("dga-1"), 3, "Exception from container-launch.");
    EXPECT_TRUE(co_await until([&] { return !exits.empty(); }));
    EXPECT_EQ(exits[0].id, "dga-1");
    EXPECT_THAT(exits[0].cause, HasSubstr("ended with exit status 3"));
    EXPECT_EQ(launcher->liveness(instance("dga-1")).value(), Liveness::kFree);
    EXPECT_EQ(launcher->watch(instance("dga-1")).error().code(), ErrorCode::kNotFound);
  });
}

TEST_F(Cluster, WhatCannotBePlacedWaitsSaysWhyAndHoldsUpNobody) {
  run([this](io::Scope& scope) -> io::Task<void> {
    rm.nodes[0].memory_mb = 1024;
    rm.reserves = true;
    begin(scope, spec("big-1", 2000, "big"));
    EXPECT_TRUE(co_await until([&] { return waits.contains("big-1"); }));
    EXPECT_THAT(waits["big-1"], HasSubstr("2000 MB"));
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return results.contains("dga-1"); }));
    EXPECT_FALSE(results.contains("big-1"));
    EXPECT_EQ(launcher->waiting_launches(), 1U);
    EXPECT_TRUE(co_await until([&] { return rm.asks.begin()->second.count == 1; })) << "the cluster shall know of it";
    // Called back: it ends, and asks no more.
    EXPECT_TRUE((co_await launcher->kill(instance("big-1"))).has_value());
    EXPECT_EQ(results.at("big-1").error().code(), ErrorCode::kCancelled);
    EXPECT_EQ(launcher->liveness(instance("big-1")).value(), Liveness::kFree);
    EXPECT_TRUE(co_await until([&] { return rm.asks.begin()->second.count == 0; }));
  });
}

TEST_F(Cluster, AboveTheMaximumIsRefusedAtOnce) {
  run([this](io::Scope&) -> io::Task<void> {
    const auto refused = co_await launcher->launch(spec("huge", 100'000));
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message(), HasSubstr("2048 MB at most"));
    EXPECT_EQ(launcher->liveness(instance("huge")).value(), Liveness::kFree);
  });
}

TEST_F(Cluster, AnUnknownNodeLabelIsNamed) {
  YarnLauncherOptions labelled = options();
  labelled.node_label = "gpu";
  run(labelled, [this](io::Scope& scope) -> io::Task<void> {
    const auto refused = co_await launcher->launch(spec("dga-1"));
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message(), HasSubstr("no node label 'gpu'"));
    rm.labels = {"gpu"};
    rm.nodes[0].label = "gpu";
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return placements.contains("dga-1"); }));
  });
}

TEST_F(Cluster, NothingStartsWhereThePlacementIsNotStored) {
  run([this](io::Scope&) -> io::Task<void> {
    placed_error = Error(ErrorCode::kUnavailable, "the registry is away");
    const auto refused = co_await launcher->launch(spec("dga-1"));
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
    EXPECT_TRUE(nodes[0].manager.running.empty());
    EXPECT_TRUE(co_await until([&] { return rm.released.size() == 1; }));
    EXPECT_EQ(launcher->liveness(instance("dga-1")).value(), Liveness::kFree);
    EXPECT_TRUE(exits.empty());
  });
}

TEST_F(Cluster, ALaunchKilledWhileItIsPlacedStartsNothing) {
  run([this](io::Scope& scope) -> io::Task<void> {
    placing_waits = true;
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return placements.contains("dga-1"); }));
    scope.spawn([](Cluster& test) -> io::Task<void> {
      EXPECT_TRUE((co_await test.launcher->kill(test.instance("dga-1"))).has_value());
    }(*this));
    // Nothing shows from outside that kill() waits for the placement; had it not, it would have answered by now.
    co_await io::sleep_for(milliseconds(5));
    placing_waits = false;
    EXPECT_TRUE(co_await until([&] { return results.contains("dga-1"); }));
    EXPECT_EQ(results.at("dga-1").error().code(), ErrorCode::kCancelled);
    EXPECT_TRUE(nodes[0].manager.running.empty());
    EXPECT_TRUE(co_await until([&] { return rm.containers.empty(); }));
  });
}

TEST_F(Cluster, KillEndsTheContainer) {
  run([this](io::Scope& scope) -> io::Task<void> {
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return results.contains("dga-1"); }));
    EXPECT_TRUE((co_await launcher->kill(instance("dga-1"))).has_value());
    EXPECT_EQ(nodes[0].manager.stopped.size(), 1U);
    EXPECT_EQ(launcher->live_containers(), 0U);
    EXPECT_TRUE(rm.containers.empty());
    EXPECT_TRUE((co_await launcher->kill(instance("dga-1"))).has_value());
  });
}

TEST_F(Cluster, KillWorksWhenTheNodeIsAway) {
  run([this](io::Scope& scope) -> io::Task<void> {
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return results.contains("dga-1"); }));
    co_await nodes[0].server->stop();
    EXPECT_TRUE((co_await launcher->kill(instance("dga-1"))).has_value());
    EXPECT_EQ(rm.released.size(), 1U);
    nodes[0].server->start();
  });
}

TEST_F(Cluster, AContainerThatTheClusterHasLostIsForgotten) {
  YarnLauncherOptions soon = options();
  soon.kill_max = milliseconds(20);
  soon.forgotten_after = milliseconds(30);
  run(soon, [this](io::Scope& scope) -> io::Task<void> {
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return results.contains("dga-1"); }));
    rm.containers.clear();
    EXPECT_EQ((co_await launcher->kill(instance("dga-1"))).error().code(), ErrorCode::kDeadline);
    EXPECT_EQ(launcher->liveness(instance("dga-1")).value(), Liveness::kHeld);
    EXPECT_TRUE((co_await launcher->kill(instance("dga-1"))).has_value());
    EXPECT_EQ(launcher->liveness(instance("dga-1")).value(), Liveness::kFree);
  });
}

TEST_F(Cluster, ANodeThatRefusesAgainAndAgainIsAvoided) {
  run([this](io::Scope& scope) -> io::Task<void> {
    rm.nodes.push_back({{"127.0.0.2", 1}, 0, ""});
    nodes[0].manager.refuses = {"org.apache.hadoop.yarn.exceptions.YarnException", "disk is bad"};
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(rm.blacklist.empty());
      const auto refused = co_await launcher->launch(spec("dga-1"));
      EXPECT_EQ(refused.error().code(), ErrorCode::kFailed);
      EXPECT_THAT(refused.error().message(), HasSubstr("disk is bad"));
      EXPECT_TRUE(co_await until([&] { return rm.containers.empty(); }));
    }
    EXPECT_TRUE(co_await until([&] { return rm.blacklist.contains("127.0.0.1"); }));
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return waits.contains("dga-1"); }));
    EXPECT_THAT(waits["dga-1"], HasSubstr("avoided after failures"));
  });
}

TEST_F(Cluster, AnotherResourceManagerAndLostNodes) {
  run([this](io::Scope& scope) -> io::Task<void> {
    begin(scope, spec("dga-1"));
    begin(scope, spec("dga-2"));
    EXPECT_TRUE(co_await until([&] { return results.size() == 2; }));
    const int heartbeats = rm.heartbeats;
    EXPECT_TRUE(co_await until([&] { return rm.heartbeats > heartbeats + 1; }));
    co_await rm_server.stop();
    EXPECT_TRUE(co_await until([&] { return !launcher->trouble().empty(); }));
    begin(scope, spec("dga-3"));
    EXPECT_TRUE(co_await until([&] { return waits.contains("dga-3"); }));
    EXPECT_THAT(waits["dga-3"], HasSubstr("the resource manager does not answer"));
    rm.restart();
    rm_server.start();
    EXPECT_TRUE(co_await until([&] { return results.size() == 3; }));
    EXPECT_EQ(waits["dga-3"], "");
    EXPECT_TRUE(exits.empty());
    EXPECT_EQ(nodes[0].manager.running.size(), 3U);
    rm.lose_node(nodes[0].server->address());
    EXPECT_TRUE(co_await until([&] { return exits.size() == 3; }));
    EXPECT_THAT(exits[0].cause, HasSubstr("lost: its node is gone"));
  });
}

TEST_F(Cluster, PreemptedContainersSaySo) {
  run([this](io::Scope& scope) -> io::Task<void> {
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return results.size() == 1; }));
    rm.preempt(container("dga-1"));
    rm.complete(container("dga-1"), yarn::exit_status::kPreempted);
    EXPECT_TRUE(co_await until([&] { return exits.size() == 1; }));
    EXPECT_THAT(exits[0].cause, HasSubstr("preempted"));
  });
}

TEST_F(Cluster, ContainersOfAnEarlierAttemptAreTakenOverOrEnded) {
  const yarn::ContainerId first{hadoop::testing::application_id(), 1, 5};
  const yarn::ContainerId second{hadoop::testing::application_id(), 1, 6};
  for (const yarn::ContainerId& id : {first, second}) {
    rm.previous.push_back({id, nodes[0].server->address(), "", {512, 1}, 1, {}});
    nodes[0].manager.running[id] = {};
  }
  YarnLauncherOptions later = options();
  later.attempt = 2;
  later.adoption_wait = milliseconds(50);
  run(later, [this, first, second](io::Scope&) -> io::Task<void> {
    registry::Instance known = instance("dga-1");
    known.container = first.text();
    EXPECT_EQ(launcher->liveness(known).value(), Liveness::kHeld);
    EXPECT_TRUE((co_await launcher->sweep({"dga-1"})).has_value());
    EXPECT_TRUE(launcher->watch(known).has_value());
    EXPECT_TRUE(launcher->watch(known).has_value());
    registry::Instance other = known;
    other.id = "dga-2";
    EXPECT_EQ(launcher->watch(other).error().code(), ErrorCode::kConflict);
    EXPECT_TRUE(co_await until([&] { return !rm.containers.contains(second); }));
    EXPECT_EQ(nodes[0].manager.stopped, std::vector<yarn::ContainerId>{second});
    EXPECT_TRUE(exits.empty());
    rm.complete(first, 137);
    EXPECT_TRUE(co_await until([&] { return exits.size() == 1; }));
    EXPECT_EQ(exits[0].id, "dga-1");
    // One of an earlier attempt of which nobody has spoken is not declared dead too soon; another application's is.
    known.container = yarn::ContainerId{hadoop::testing::application_id(), 1, 9}.text();
    EXPECT_EQ(launcher->liveness(known).error().code(), ErrorCode::kUnavailable);
    known.container = "container_1_0001_01_000002";
    EXPECT_EQ(launcher->liveness(known).value(), Liveness::kFree);
    EXPECT_TRUE((co_await launcher->kill(known)).has_value());
  });
}

TEST_F(Cluster, GivenUpByTheCluster) {
  run([this](io::Scope& scope) -> io::Task<void> {
    std::string reason;
    launcher->on_shut_down([&](const std::string& why) { reason = why; });
    rm.allocates = false;
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return rm.asks.size() == 1; }));
    rm.shut_down = true;
    EXPECT_TRUE(co_await until([&] { return !reason.empty() && results.contains("dga-1"); }));
    EXPECT_EQ(results.at("dga-1").error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ((co_await launcher->launch(spec("dga-2"))).error().code(), ErrorCode::kUnavailable);
  });
}

TEST_F(Cluster, AnotherLeaderIsLeftTheContainers) {
  run([this](io::Scope& scope) -> io::Task<void> {
    begin(scope, spec("dga-1"));
    EXPECT_TRUE(co_await until([&] { return results.size() == 1; }));
    begin(scope, spec("big", 2048, "big"));
    launcher->let_go();
    EXPECT_TRUE(co_await until([&] { return results.contains("big"); }));
    EXPECT_EQ(results.at("big").error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(nodes[0].manager.running.size(), 1U);
    EXPECT_TRUE(launcher->watch(instance("dga-1")).has_value());
  });
}

TEST_F(Cluster, FilesThatCannotBeHadEndTheLaunch) {
  run([this](io::Scope&) -> io::Task<void> {
    files_error = Error(ErrorCode::kUnavailable, "HDFS is away");
    EXPECT_EQ((co_await launcher->launch(spec("dga-1"))).error().message(), "HDFS is away");
    EXPECT_TRUE(rm.asks.empty());
  });
}

TEST_F(Cluster, ANodeThatIsAwayGivesTheContainerBack) {
  run([this](io::Scope&) -> io::Task<void> {
    co_await nodes[0].server->stop();
    const auto refused = co_await launcher->launch(spec("dga-1"));
    EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
    EXPECT_TRUE(co_await until([&] { return rm.containers.empty(); }));
    nodes[0].server->start();
  });
}

TEST(NodeFailures, AvoidNeverMoreThanHalfAndNotForEver) {
  NodeFailures nodes({.failures_max = 2, .window = seconds(10), .avoided_for = seconds(60)});
  SteadyTime time{seconds(1'000)};
  EXPECT_FALSE(nodes.failed("a", 2, time));
  EXPECT_FALSE(nodes.failed("a", 2, time + seconds(11))) << "too long ago";
  EXPECT_TRUE(nodes.failed("a", 2, time + seconds(12)));
  EXPECT_FALSE(nodes.failed("a", 2, time + seconds(13))) << "it is avoided already";
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(nodes.failed("b", 2, time + seconds(14))) << "the other half stays";
  EXPECT_TRUE(nodes.take_expired(time + seconds(71)).empty());
  EXPECT_EQ(nodes.take_expired(time + seconds(73)), std::vector<std::string>{"a"});
  EXPECT_FALSE(nodes.failed("c", 1, time)) << "a cluster of one node";
  EXPECT_FALSE(nodes.failed("d", 9, time));
  nodes.worked("d");
  EXPECT_FALSE(nodes.failed("d", 9, time));
  EXPECT_EQ(nodes.avoided(), 0U);
}

}  // namespace
}  // namespace modelyard::controller
