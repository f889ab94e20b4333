// SPDX-License-Identifier: Apache-2.0
#include "client/zookeeper_feed.h"

#include <gtest/gtest.h>

#include "registry/zookeeper/testing/fixture.h"

namespace modelyard::client {
namespace {

using namespace registry::zookeeper::testing;

class Feeds : public Ensemble {
 protected:
  void put_endpoint(const std::string& id) {
    put(layout.endpoint("dga", id), registry::zookeeper::to_discovery_json(endpoint_at(id), 1));
  }
  size_t known() const {
    const auto& snapshot = directory.snapshot();
    if (!snapshot || snapshot->models.empty()) return 0;
    return snapshot->models.begin()->second.front().second->size();
  }
  Directory directory{system_clock(), Random(1)};
  const std::string root{registry::zookeeper::kDefaultRoot};
};

TEST_F(Feeds, TheDirectoryFollowsZooKeeper) {
  run([&]() -> io::Task<void> {
    put_endpoint("a");
    auto client = ensemble.connect();
    ZookeeperFeed feed(loop, *client, directory, root, system_clock());
    size_t told = 0;
    feed.on_snapshot([&](const auto&, const auto&) { ++told; });
    feed.start();
    EXPECT_TRUE(co_await feed.wait_for_snapshot(soon()));
    EXPECT_TRUE(feed.connected());
    EXPECT_EQ(known(), 1U);
    put_endpoint("b");
    EXPECT_TRUE(co_await until([&] { return known() == 2; }));
    EXPECT_EQ(told, 2U);
    EXPECT_TRUE(directory.choose("dga", "1.0", Directory::Policy::kUniform));
    co_await feed.stop();
    co_await client->close(soon());
  });
}

TEST_F(Feeds, WhatIsKnownStaysWhileZooKeeperIsAway) {
  run([&]() -> io::Task<void> {
    put_endpoint("a");
    auto client = ensemble.connect();
    ZookeeperFeed feed(loop, *client, directory, root, system_clock());
    feed.start();
    EXPECT_TRUE(co_await feed.wait_for_snapshot(soon()));
    const int64_t session = client->session_id();
    ensemble.disconnect(session);
    EXPECT_TRUE(co_await until([&] { return !feed.connected(); }));
    put_endpoint("b");
    EXPECT_EQ(known(), 1U);
    EXPECT_TRUE(directory.choose("dga", std::nullopt, Directory::Policy::kUniform));
    ensemble.expire(session);
    ensemble.reconnect(session);
    EXPECT_TRUE(co_await until([&] { return feed.connected() && known() == 2; }));
    co_await feed.stop();
    co_await client->close(soon());
  });
}

TEST_F(Feeds, CallsAreToldAndNeverGather) {
  run([&]() -> io::Task<void> {
    put_endpoint("a");
    auto client = ensemble.connect();
    ZookeeperFeed feed(loop, *client, directory, root, system_clock());
    int64_t calls = 0;
    feed.on_calls([&](const std::vector<CallReport>& reports) {
      for (const CallReport& report : reports) calls += report.calls;
    });
    feed.start();
    EXPECT_TRUE(co_await feed.wait_for_snapshot(soon()));
    const InstancePtr chosen = directory.choose("dga", std::nullopt, Directory::Policy::kUniform);
    EXPECT_TRUE(chosen);
    if (chosen) directory.note(*chosen, {.latency_us = 100});
    co_await feed.stop();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(directory.take_reports().empty());
    co_await client->close(soon());
  });
}

TEST(ZookeeperFeed, AQuorumThatDoesNotAnswerIsToldInTime) {
  io::Loop loop;
  Directory directory(system_clock(), Random(1));
  auto feed = ZookeeperFeed::open(loop, {.quorum = "127.0.0.1:1"}, directory, Random(1), system_clock());
  ASSERT_TRUE(feed);
  const auto look = [&]() -> io::Task<Status> {
    (*feed)->start();
    Status told = co_await (*feed)->wait_for_snapshot(system_clock().now() + milliseconds(300));
    co_await (*feed)->stop();
    co_return told;
  };
  const Status told = io::run_blocking(loop, look());
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(ZookeeperFeed::open(loop, {.quorum = "a:many"}, directory, Random(1), system_clock()));
}

}  // namespace
}  // namespace modelyard::client
