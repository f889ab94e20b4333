// SPDX-License-Identifier: Apache-2.0
#include "hadoop/rpc/client.h"

#include <gtest/gtest.h>

#include "hadoop/testing/rpc_server.h"

namespace modelyard::hadoop::rpc {
namespace {

using hadoop::testing::Reply;
using hadoop::testing::RpcServer;
using hadoop::testing::ServerMachine;
using hadoop::testing::ServerOptions;

const Token kToken{"identifier", "password", std::string(kNmToken), ""};

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

struct RpcClient : ::testing::Test {
  io::Task<Result<std::unique_ptr<Client>>> connect(const RpcServer& server) {
    return Client::connect(loop.executor(), server.address(), {.protocol = "P", .token = kToken}, in(seconds(5)));
  }
  void run(io::Task<void> task) { io::run_blocking(loop, std::move(task)); }

  io::Loop loop;
};

Reply echo(const ServerMachine::Call& call) {
  if (call.method == "fail") return Reply::refuse("a.b.SomeException", "why");
  if (call.method == "fatal") return Reply::refuse("a.SecretManager$InvalidToken", "gone", true);
  if (call.method == "never") return Reply::never();
  if (call.method == "drop") return Reply::drop();
  return Reply::of(call.method + ":" + call.body);
}

TEST_F(RpcClient, CallsAreAnswered) {
  for (const char* qop : {"auth", "auth-int", "auth-conf"}) {
    RpcServer server(loop, {.tokens = {kToken}, .qop = qop}, echo);
    run([](RpcClient& test, RpcServer& server_) -> io::Task<void> {
      const std::unique_ptr<Client> client = (co_await test.connect(server_)).value();
      for (int i = 0; i < 3; ++i) {
        const auto answer = co_await client->call("m", std::string(100'000, 'x'), in(seconds(5)));
        EXPECT_EQ(answer.value().body.size(), 100'002U);
      }
      const auto refused = co_await client->call("fail", "", in(seconds(5)));
      EXPECT_EQ(refused.value().exception.value().class_name, "a.b.SomeException");
      EXPECT_TRUE(client->is_open());
      co_await client->close();
      EXPECT_EQ((co_await client->call("m", "", in(seconds(5)))).error().code(), ErrorCode::kUnavailable);
      co_await server_.stop();
    }(*this, server));
  }
}

TEST_F(RpcClient, ManyCallsAtATime) {
  RpcServer server(loop, {.tokens = {kToken}}, echo);
  run([](RpcClient& test, RpcServer& server_) -> io::Task<void> {
    const std::unique_ptr<Client> client = (co_await test.connect(server_)).value();
    io::Scope scope(test.loop.executor());
    int answered = 0;
    for (int i = 0; i < 100; ++i) {
      scope.spawn([](Client& c, int number, int& count) -> io::Task<void> {
        const auto answer = co_await c.call("m", std::to_string(number), in(seconds(5)));
        EXPECT_EQ(answer.value().body, "m:" + std::to_string(number));
        ++count;
      }(*client, i, answered));
    }
    co_await scope.join();
    EXPECT_EQ(answered, 100);
    EXPECT_EQ(server_.connections(), 1);
    co_await client->close();
    co_await server_.stop();
  }(*this, server));
}

TEST_F(RpcClient, AnAnswerThatNeverComesIsADeadlineAndTheNextCallWorks) {
  RpcServer server(loop, {.tokens = {kToken}}, echo);
  run([](RpcClient& test, RpcServer& server_) -> io::Task<void> {
    const std::unique_ptr<Client> client = (co_await test.connect(server_)).value();
    EXPECT_EQ((co_await client->call("never", "", in(milliseconds(20)))).error().code(), ErrorCode::kDeadline);
    EXPECT_EQ((co_await client->call("m", "1", in(seconds(5)))).value().body, "m:1");
    co_await client->close();
    co_await server_.stop();
  }(*this, server));
}

TEST_F(RpcClient, ABrokenConnectionEndsWhatIsInFlight) {
  RpcServer server(loop, {.tokens = {kToken}}, echo);
  run([](RpcClient& test, RpcServer& server_) -> io::Task<void> {
    const std::unique_ptr<Client> client = (co_await test.connect(server_)).value();
    io::Scope scope(test.loop.executor());
    ErrorCode code = ErrorCode::kInternal;
    scope.spawn([](Client& c, ErrorCode& out) -> io::Task<void> {
      out = (co_await c.call("never", "", in(seconds(30)))).error().code();
    }(*client, code));
    EXPECT_EQ((co_await client->call("drop", "", in(seconds(30)))).error().code(), ErrorCode::kDeadline);
    co_await scope.join();
    EXPECT_EQ(code, ErrorCode::kDeadline);
    EXPECT_FALSE(client->is_open());
    EXPECT_FALSE(client->why_closed().empty());
    EXPECT_EQ((co_await client->call("m", "", in(seconds(5)))).error().code(), ErrorCode::kUnavailable);
    co_await client->close();
    co_await server_.stop();
  }(*this, server));
}

TEST_F(RpcClient, AFatalAnswerSaysWhyToEveryCaller) {
  RpcServer server(loop, {.tokens = {kToken}}, echo);
  run([](RpcClient& test, RpcServer& server_) -> io::Task<void> {
    const std::unique_ptr<Client> client = (co_await test.connect(server_)).value();
    const auto answer = co_await client->call("fatal", "", in(seconds(5)));
    EXPECT_EQ(answer.error().code(), ErrorCode::kUnauthenticated);
    EXPECT_EQ(client->fatal().value().short_class(), "InvalidToken");
    co_await client->close();
    co_await server_.stop();
  }(*this, server));
}

TEST_F(RpcClient, WhatConnectingMeets) {
  RpcServer server(loop, {.tokens = {{"other", "password", "K", ""}}}, echo);
  RpcServer simple(loop, {}, echo);
  run([](RpcClient& test, RpcServer& server_, RpcServer& simple_) -> io::Task<void> {
    const auto unknown = co_await test.connect(server_);
    EXPECT_EQ(unknown.error().code(), ErrorCode::kUnauthenticated);
    EXPECT_NE(unknown.error().message().find(server_.address().text()), std::string::npos);
    // It closes without a word.
    EXPECT_EQ((co_await test.connect(simple_)).error().code(), ErrorCode::kUnavailable);
    co_await server_.stop();
    EXPECT_EQ((co_await test.connect(server_)).error().code(), ErrorCode::kUnavailable);
    co_await simple_.stop();
  }(*this, server, simple));
}

TEST_F(RpcClient, AnIdleConnectionIsPinged) {
  RpcServer server(loop, {.tokens = {kToken}}, echo);
  run([](RpcClient& test, RpcServer& server_) -> io::Task<void> {
    const ClientOptions options{.protocol = "P", .token = kToken, .ping_interval = milliseconds(5)};
    const auto client =
        (co_await Client::connect(test.loop.executor(), server_.address(), options, in(seconds(5)))).value();
    const SteadyTime end = in(seconds(5));
    while (server_.pings() < 2 && system_clock().now() < end) co_await io::sleep_for(milliseconds(2));
    EXPECT_GE(server_.pings(), 2);
    EXPECT_TRUE((co_await client->call("m", "", in(seconds(5)))).has_value());
    co_await client->close();
    co_await server_.stop();
  }(*this, server));
}

TEST_F(RpcClient, ClosingEndsWhoWaits) {
  RpcServer server(loop, {.tokens = {kToken}}, echo);
  run([](RpcClient& test, RpcServer& server_) -> io::Task<void> {
    std::unique_ptr<Client> client = (co_await test.connect(server_)).value();
    io::Scope scope(test.loop.executor());
    bool ended = false;
    scope.spawn([](Client& c, bool& out) -> io::Task<void> {
      out = !(co_await c.call("never", "", in(seconds(30)))).has_value();
    }(*client, ended));
    co_await io::sleep_for(milliseconds(1));
    co_await client->close();
    client.reset();
    co_await scope.join();
    EXPECT_TRUE(ended);
    co_await server_.stop();
  }(*this, server));
}

}  // namespace
}  // namespace modelyard::hadoop::rpc
