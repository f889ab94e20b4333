// SPDX-License-Identifier: Apache-2.0
// The application master and its node managers over real sockets, against the servers of hadoop/testing.
#include <gtest/gtest.h>

#include "hadoop/testing/yarn_servers.h"
#include "hadoop/yarn/application_master.h"
#include "hadoop/yarn/node_manager.h"

namespace modelyard::hadoop::yarn {
namespace {

using testing::FakeNodeManager;
using testing::FakeResourceManager;
using testing::Reply;
using testing::RpcServer;
using testing::ServerMachine;
using testing::ServerOptions;

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

struct Yarn : ::testing::Test {
  Yarn()
      : server(loop, ServerOptions{.tokens = {testing::am_rm_token()}}, [this](const auto& c) { return answer(c); }) {
    manager.nodes = {{{"node1", 8041}, 4096, ""}};
  }
  Reply answer(const ServerMachine::Call& call) {
    if (drops > 0 && call.method != "registerApplicationMaster") {
      --drops;
      manager.handle(call.method, call.body);
      return Reply::drop();
    }
    if (standby) return Reply::refuse("org.apache.hadoop.ipc.StandbyException", "not active");
    return manager.handle(call.method, call.body);
  }
  ApplicationMasterOptions options(std::vector<rpc::Address> addresses = {}) {
    ApplicationMasterOptions out;
    out.resource_managers = addresses.empty() ? std::vector{server.address()} : std::move(addresses);
    out.master.token = testing::am_rm_token();
    out.heartbeat = out.busy_heartbeat = out.retry_min = milliseconds(2);
    out.retry_max = milliseconds(10);
    out.unknown_token_for = milliseconds(20);
    return out;
  }
  void note(const MasterEvents& events) {
    for (const Container& container : events.allocated) got.push_back(container);
    for (const ContainerStatus& status : events.completed) completed.push_back(status);
    registrations += events.registered ? 1 : 0;
  }
  io::Task<bool> until(std::function<bool()> condition) {
    const SteadyTime end = in(seconds(10));
    while (!condition()) {
      if (system_clock().now() > end) co_return false;
      co_await io::sleep_for(milliseconds(1));
    }
    co_return true;
  }
  void run(std::function<io::Task<void>()> body) {
    io::run_blocking(loop, [](std::function<io::Task<void>()> b) -> io::Task<void> { co_await b(); }(std::move(body)));
  }

  io::Loop loop;
  FakeResourceManager manager;
  RpcServer server;
  int drops = 0;
  bool standby = false;
  std::vector<Container> got;
  std::vector<ContainerStatus> completed;
  int registrations = 0;
};

TEST_F(Yarn, ALifeThroughBrokenConnectionsAndARestart) {
  run([this]() -> io::Task<void> {
    ApplicationMaster master(loop.executor(), options(), Random(1));
    master.on_events([this](const MasterEvents& events) { note(events); });
    EXPECT_TRUE((co_await master.start(in(seconds(5)))).has_value());
    EXPECT_TRUE(master.machine().want(1, {{64, 1}, 2, ""}).has_value());
    drops = 3;
    master.wake();
    EXPECT_TRUE(co_await until([&] { return got.size() == 2; }));
    EXPECT_EQ(manager.registrations, 1);
    EXPECT_GE(server.connections(), 2);
    const int heartbeats = manager.heartbeats;
    EXPECT_TRUE(co_await until([&] { return manager.heartbeats > heartbeats; }));

    // The resource manager goes; another comes at the same place.
    co_await server.stop();
    EXPECT_TRUE(co_await until([&] { return !master.trouble().empty(); }));
    manager.restart();
    manager.complete(got[0].id, 137);
    EXPECT_TRUE(master.machine().want(1, {{64, 1}, 1, ""}).has_value());
    server.start();
    EXPECT_TRUE(co_await until([&] { return got.size() == 3 && completed.size() == 1; }));
    EXPECT_EQ(registrations, 2);
    EXPECT_EQ(master.trouble(), "");
    EXPECT_EQ(got[2].id.epoch(), 1);

    EXPECT_TRUE((co_await master.finish(true, "", "", in(seconds(5)))).has_value());
    EXPECT_TRUE(manager.finished);
    co_await master.stop();
    co_await server.stop();
  });
}

TEST_F(Yarn, OfAListTheActiveOneIsFound) {
  run([this]() -> io::Task<void> {
    FakeResourceManager other;
    other.nodes = manager.nodes;
    RpcServer second(loop, ServerOptions{.tokens = {testing::am_rm_token()}},
                     [&](const ServerMachine::Call& call) { return other(call); });
    RpcServer nobody(loop, {}, [](const ServerMachine::Call&) { return Reply::drop(); });
    const rpc::Address refused = nobody.address();
    co_await nobody.stop();
    standby = true;
    ApplicationMaster master(loop.executor(), options({refused, server.address(), second.address()}), Random(1));
    master.on_events([this](const MasterEvents& events) { note(events); });
    EXPECT_TRUE((co_await master.start(in(seconds(5)))).has_value());
    EXPECT_TRUE(other.registered);
    EXPECT_FALSE(manager.registered);
    // Failover: the second becomes a standby that does not listen.
    standby = false;
    co_await second.stop();
    EXPECT_TRUE(co_await until([&] { return manager.registered; }));
    EXPECT_TRUE(co_await until([&] { return registrations == 2; }));
    co_await master.stop();
    co_await server.stop();
  });
}

TEST_F(Yarn, ATokenThatCountsNowhereEndsItAfterAWhile) {
  run([this]() -> io::Task<void> {
    server.set_options({.tokens = {{"other", "x", std::string(kAmRmToken), ""}}});
    ApplicationMaster master(loop.executor(), options(), Random(1));
    std::string reason;
    master.on_shut_down([&](const std::string& why) { reason = why; });
    const Status started = co_await master.start(in(seconds(5)));
    EXPECT_EQ(started.error().code(), ErrorCode::kUnauthenticated);
    EXPECT_NE(reason.find("InvalidToken"), std::string::npos) << reason;
    EXPECT_GE(server.connections(), 2);
    co_await master.stop();
    co_await server.stop();
  });
}

TEST_F(Yarn, ATokenThatIsUnknownForAMomentIsTriedAgain) {
  run([this]() -> io::Task<void> {
    ApplicationMasterOptions patient = options();
    patient.unknown_token_for = seconds(20);
    server.set_options({.tokens = {{"other", "x", std::string(kAmRmToken), ""}}});
    ApplicationMaster master(loop.executor(), patient, Random(1));
    io::Scope scope(loop.executor());
    scope.spawn([](Yarn& test) -> io::Task<void> {
      EXPECT_TRUE(co_await test.until([&] { return test.server.connections() > 1; }));
      test.server.set_options({.tokens = {testing::am_rm_token()}});
    }(*this));
    EXPECT_TRUE((co_await master.start(in(seconds(5)))).has_value());
    co_await scope.join();
    co_await master.stop();
    co_await server.stop();
  });
}

TEST_F(Yarn, SentAwayByTheResourceManager) {
  run([this]() -> io::Task<void> {
    ApplicationMaster master(loop.executor(), options(), Random(1));
    std::string reason;
    master.on_shut_down([&](const std::string& why) { reason = why; });
    EXPECT_TRUE((co_await master.start(in(seconds(5)))).has_value());
    manager.shut_down = true;
    EXPECT_TRUE(co_await until([&] { return !reason.empty(); }));
    co_await master.stop();
    co_await server.stop();
  });
}

TEST_F(Yarn, NobodyAnswersIsADeadlineThatSaysWhy) {
  run([this]() -> io::Task<void> {
    co_await server.stop();
    ApplicationMaster master(loop.executor(), options(), Random(1));
    const Status started = co_await master.start(in(milliseconds(50)));
    EXPECT_EQ(started.error().code(), ErrorCode::kDeadline);
    EXPECT_NE(started.error().message().find("refused"), std::string::npos) << started.error().message();
    co_await master.stop();
  });
}

struct Nodes : Yarn {
  Nodes() : node_server(loop, ServerOptions{.qop = "auth-conf"}, [this](const auto& call) { return node(call); }) {
    node_server.set_options({.tokens = {token()}, .qop = "auth-conf"});
  }
  Token token() const { return testing::nm_token_of(node_server.address()); }
  Container container(int64_t number) const {
    const ContainerId id{testing::application_id(), 1, number};
    return {id, node_server.address(), "", {64, 1}, 1, {id.text(), "p", "ContainerToken", ""}};
  }
  FakeNodeManager node;
  RpcServer node_server;
};

TEST_F(Nodes, ContainersAreStartedLookedAtAndStopped) {
  run([this]() -> io::Task<void> {
    NodeManagers managers(loop.executor(), {});
    LaunchContext context;
    context.commands = {"exec ./run"};
    context.environment = {{"A", "b"}};
    context.resources["bundle"] = parse_local_resource("hdfs://nn:8020/bundle.tar.gz").value();
    context.resources["bundle"].is_archive = true;
    context.credentials.tokens = {{"", testing::am_rm_token()}, {"h", {"i", "p", std::string(kHdfsToken), ""}}};
    context.credentials.secrets = {{"zk", "secret"}};
    EXPECT_TRUE((co_await managers.start_container(container(1), token(), context)).has_value());
    const FakeNodeManager::Started& started = node.running.at(container(1).id);
    EXPECT_EQ(started.commands, std::vector<std::string>{"exec ./run"});
    EXPECT_EQ(started.environment.at("A"), "b");
    EXPECT_EQ(started.resources.at("bundle"), "/bundle.tar.gz");
    EXPECT_TRUE(started.is_archive);
    EXPECT_EQ(started.credentials.find(kAmRmToken), nullptr);
    EXPECT_NE(started.credentials.find(kHdfsToken), nullptr);
    EXPECT_EQ(started.credentials.secrets.at("zk"), "secret");
    // An answer that was lost before: it runs already.
    EXPECT_TRUE((co_await managers.start_container(container(1), token(), context)).has_value());
    const auto status = co_await managers.fetch_status(container(1).node, token(), container(1).id);
    EXPECT_FALSE(status.value().complete);
    EXPECT_EQ((co_await managers.fetch_status(container(1).node, token(), container(2).id)).error().code(),
              ErrorCode::kNotFound);
    EXPECT_TRUE((co_await managers.stop_container(container(1).node, token(), container(1).id)).has_value());
    EXPECT_TRUE((co_await managers.stop_container(container(1).node, token(), container(1).id)).has_value());
    EXPECT_EQ(node.stopped.size(), 1U);
    EXPECT_EQ(node_server.connections(), 1);
    co_await managers.stop();
    co_await node_server.stop();
    co_await server.stop();
  });
}

TEST_F(Nodes, RefusalsAndLostConnectionsAreTold) {
  run([this]() -> io::Task<void> {
    NodeManagers managers(loop.executor(), {});
    node.refuses = {"org.apache.hadoop.yarn.exceptions.YarnException", "Unauthorized request to start container."};
    const Status refused = co_await managers.start_container(container(1), token(), {});
    EXPECT_EQ(refused.error().code(), ErrorCode::kFailed);
    EXPECT_NE(refused.error().message().find("Unauthorized request"), std::string::npos);
    node_server.set_options({.tokens = {{"x", "y", "z", ""}}});
    co_await node_server.stop();
    EXPECT_TRUE(co_await until([&] { return managers.open_connections() == 0; }));
    EXPECT_EQ((co_await managers.start_container(container(1), token(), {})).error().code(), ErrorCode::kUnavailable);
    node_server.start();
    EXPECT_EQ((co_await managers.start_container(container(1), token(), {})).error().code(),
              ErrorCode::kUnauthenticated);
    co_await managers.stop();
    EXPECT_EQ((co_await managers.start_container(container(1), token(), {})).error().code(), ErrorCode::kCancelled);
    co_await node_server.stop();
    co_await server.stop();
  });
}

TEST_F(Nodes, OneConnectionANodeClosedWhenIdle) {
  run([this]() -> io::Task<void> {
    NodeManagers managers(loop.executor(), {.idle_max = milliseconds(20)});
    io::Scope scope(loop.executor());
    for (int i = 1; i <= 20; ++i) {
      scope.spawn([](Nodes& test, NodeManagers& m, int number) -> io::Task<void> {
        EXPECT_TRUE((co_await m.start_container(test.container(number), test.token(), {})).has_value());
      }(*this, managers, i));
    }
    co_await scope.join();
    EXPECT_EQ(node.running.size(), 20U);
    EXPECT_EQ(node_server.connections(), 1);
    EXPECT_TRUE(co_await until([&] { return managers.open_connections() == 0 && node_server.open() == 0; }));
    EXPECT_TRUE((co_await managers.start_container(container(50), token(), {})).has_value());
    EXPECT_EQ(node_server.connections(), 2);
    co_await managers.stop();
    co_await node_server.stop();
    co_await server.stop();
  });
}

}  // namespace
}  // namespace modelyard::hadoop::yarn
