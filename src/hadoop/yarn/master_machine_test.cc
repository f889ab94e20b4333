// SPDX-License-Identifier: Apache-2.0
#include "hadoop/yarn/master_machine.h"

#include <gtest/gtest.h>

#include "hadoop/testing/yarn_servers.h"

namespace modelyard::hadoop::yarn {
namespace {

using testing::FakeResourceManager;
using testing::Reply;

const NodeId kNode1{"node1", 8041};
const NodeId kNode2{"node2", 8041};

struct Masters : ::testing::Test {
  Masters() {
    manager.nodes = {{kNode1, 4096, ""}, {kNode2, 4096, ""}};
    manager.labels = {"gpu"};
  }
  // One request and its answer.
  Result<MasterEvents> beat() { return deliver(send()); }
  Reply send() {
    const MasterMachine::Request request = machine.next();
    return manager.handle(request.method, request.body);
  }
  Result<MasterEvents> deliver(const Reply& reply) {
    rpc::Answer answer{reply.body, std::nullopt};
    if (reply.kind == Reply::Kind::kException) answer.exception = {reply.exception, reply.text, 1, false};
    return machine.take(answer);
  }
  void register_now() { ASSERT_TRUE(beat().value().registered); }

  FakeResourceManager manager;
  void renew() {
    manager = FakeResourceManager();
    manager.nodes = {{kNode1, 4096, ""}};
    machine_.emplace(MasterMachine::Options{.host = "h", .token = testing::am_rm_token()});
  }
  std::optional<MasterMachine> machine_{
      MasterMachine::Options{.host = "host", .tracking_url = "http://host:1", .token = testing::am_rm_token()}};
  MasterMachine& machine = *machine_;
};

TEST_F(Masters, RegistersAsksAndIsGiven) {
  register_now();
  EXPECT_EQ(manager.tracking_url, "http://host:1");
  EXPECT_EQ(machine.maximum().memory_mb, 2048);
  EXPECT_EQ(machine.queue(), "default");
  EXPECT_EQ(machine.nm_token(kNode1), nullptr);
  ASSERT_TRUE(machine.want(7, {{1024, 1}, 2, ""}));
  ASSERT_TRUE(machine.want(8, {{512, 2}, 1, ""}));
  EXPECT_TRUE(machine.has_changes());
  const MasterEvents events = beat().value();
  ASSERT_EQ(events.allocated.size(), 3U);
  EXPECT_EQ(events.allocated[0].priority, 7);
  EXPECT_EQ(events.allocated[2].priority, 8);
  EXPECT_EQ(events.allocated[2].resource, (Resource{512, 2}));
  EXPECT_EQ(*machine.nm_token(events.allocated[0].node), testing::nm_token_of(events.allocated[0].node));
  EXPECT_FALSE(machine.has_changes());
  EXPECT_FALSE(machine.wants_any());
  EXPECT_FALSE(machine.wanted(7));
  // The token of a node comes once.
  ASSERT_TRUE(machine.want(7, {{64, 1}, 1, ""}));
  EXPECT_EQ(beat().value().allocated.size(), 1U);
  EXPECT_NE(machine.nm_token(kNode1), nullptr);
}

TEST_F(Masters, OnlyChangesAreSent) {
  register_now();
  manager.allocates = false;
  ASSERT_TRUE(machine.want(1, {{64, 1}, 5, ""}));
  ASSERT_TRUE(beat());
  manager.asks.clear();
  ASSERT_TRUE(machine.want(1, {{64, 1}, 5, ""}));
  ASSERT_TRUE(beat());
  EXPECT_TRUE(manager.asks.empty());
  ASSERT_TRUE(machine.want(1, {{64, 1}, 4, ""}));
  ASSERT_TRUE(beat());
  EXPECT_EQ(manager.asks.at(1).count, 4);
  ASSERT_TRUE(machine.want(1, {{64, 1}, 0, ""}));
  ASSERT_TRUE(beat());
  EXPECT_EQ(manager.asks.at(1).count, 0);
  EXPECT_FALSE(machine.wanted(1));
}

TEST_F(Masters, WhatComesAboveTheAskIsGivenBack) {
  register_now();
  manager.extra = 2;
  ASSERT_TRUE(machine.want(1, {{64, 1}, 1, ""}));
  const MasterEvents events = beat().value();
  EXPECT_EQ(events.allocated.size(), 1U);
  EXPECT_EQ(events.over_allocated, 2);
  EXPECT_TRUE(machine.has_changes());
  ASSERT_TRUE(beat());
  EXPECT_EQ(manager.released.size(), 2U);
  EXPECT_EQ(manager.containers.size(), 1U);
}

// At each step of a life the answer is lost once: what the cluster gave is neither lost nor doubled.
TEST_F(Masters, ALostAnswerAnywhereChangesNothing) {
  for (int lost_step = 0; lost_step < 6; ++lost_step) {
    renew();
    std::vector<ContainerId> got;
    for (int step = 0; step < 6; ++step) {
      if (step == 1) ASSERT_TRUE(machine.want(1, {{64, 1}, 3, ""}));
      if (step == 3) ASSERT_TRUE(machine.want(2, {{64, 1}, 2, ""}));
      if (step == 4) machine.release(got.at(0));
      Reply reply = send();
      if (step == lost_step) {
        machine.lost();
        reply = send();
      }
      const MasterEvents events = deliver(reply).value();
      for (const Container& container : events.allocated) got.push_back(container.id);
    }
    EXPECT_EQ(got.size(), 5U) << lost_step;
    EXPECT_EQ(manager.containers.size(), 4U) << lost_step;
    EXPECT_EQ(manager.released.size(), 1U) << lost_step;
    EXPECT_EQ(manager.registrations, 1) << lost_step;
    EXPECT_EQ(manager.repeated, lost_step == 0 ? 0 : 1) << lost_step;
  }
}

TEST_F(Masters, AnotherResourceManagerIsToldEverythingAgain) {
  register_now();
  ASSERT_TRUE(machine.want(1, {{1024, 1}, 2, ""}));
  const auto running = beat().value().allocated;
  manager.allocates = false;
  ASSERT_TRUE(machine.want(2, {{512, 1}, 3, ""}));
  ASSERT_TRUE(machine.blacklist("bad", true));
  ASSERT_TRUE(beat());
  manager.restart();
  machine.release(running[0].id);
  // It refuses the heartbeat, and then is told who we are and what we want.
  EXPECT_FALSE(beat().value().registered);
  EXPECT_EQ(machine.state(), MasterMachine::State::kRegistering);
  EXPECT_TRUE(beat().value().registered);
  ASSERT_TRUE(beat());
  EXPECT_EQ(manager.registrations, 2);
  EXPECT_EQ(manager.asks.size(), 1U);
  EXPECT_EQ(manager.asks.at(2).count, 3);
  EXPECT_TRUE(manager.blacklist.contains("bad"));
  EXPECT_EQ(manager.released, std::vector<ContainerId>{running[0].id});
  // What happened meanwhile arrives later, and new containers carry the epoch.
  manager.complete(running[1].id, 137, "killed");
  manager.allocates = true;
  const MasterEvents events = beat().value();
  EXPECT_EQ(events.completed.back().exit_status, 137);
  EXPECT_EQ(events.allocated.size(), 3U);
  EXPECT_EQ(events.allocated[0].id.epoch(), 1);
}

TEST_F(Masters, ARestartAtAnyStepLosesNothing) {
  for (int at = 0; at < 6; ++at) {
    renew();
    size_t got = 0;
    for (int step = 0; step < 12; ++step) {
      if (step == 1) ASSERT_TRUE(machine.want(1, {{64, 1}, 3, ""}));
      Reply reply = send();
      if (step == at) {  // it dies before its answer arrives
        manager.restart();
        machine.lost();
        reply = send();
      }
      const Result<MasterEvents> events = deliver(reply);
      ASSERT_TRUE(events) << events.error().message();
      got += events->allocated.size();
    }
    EXPECT_EQ(got, 3U) << at;
    EXPECT_EQ(manager.containers.size(), 3U) << at;
  }
}

TEST_F(Masters, AskingAboveTheMaximumIsRefusedWithTheMaximum) {
  register_now();
  const Status memory = machine.want(1, {{4096, 1}, 1, ""});
  EXPECT_EQ(memory.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(memory.error().message(), "4096 MB are asked for; the cluster gives a container 2048 MB at most");
  EXPECT_EQ(machine.want(1, {{64, 5}, 1, ""}).error().message(),
            "5 vcores are asked for; the cluster gives a container 4 at most");
  EXPECT_FALSE(machine.has_changes());
}

TEST_F(Masters, ABadAskDoesNotHoldUpTheOthers) {
  register_now();
  ASSERT_TRUE(machine.want(1, {{64, 1}, 1, ""}));
  ASSERT_TRUE(machine.want(2, {{64, 1}, 1, "quantum"}));
  ASSERT_TRUE(machine.want(3, {{64, 1}, 1, ""}));
  std::vector<MasterEvents::Refused> refused;
  size_t allocated = 0;
  for (int i = 0; i < 6; ++i) {
    const MasterEvents events = beat().value();
    refused.insert(refused.end(), events.refused.begin(), events.refused.end());
    allocated += events.allocated.size();
  }
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].priority, 2);
  EXPECT_NE(refused[0].why.find("quantum"), std::string::npos);
  EXPECT_EQ(allocated, 2U);
  EXPECT_FALSE(machine.wanted(2));
  EXPECT_FALSE(machine.has_changes());
}

TEST_F(Masters, OtherRefusalsKeepWhatWasToBeSaid) {
  register_now();
  manager.error_class = "java.lang.NullPointerException";
  ASSERT_TRUE(machine.want(1, {{64, 1}, 1, ""}));
  ASSERT_TRUE(machine.blacklist("bad", true));
  EXPECT_EQ(beat().error().code(), ErrorCode::kFailed);
  EXPECT_TRUE(machine.has_changes());
  manager.error_class.clear();
  EXPECT_EQ(beat().value().allocated.size(), 1U);
  EXPECT_TRUE(manager.blacklist.contains("bad"));
}

TEST_F(Masters, TheEndOfTheAttemptIsSaid) {
  register_now();
  manager.shut_down = true;
  ASSERT_TRUE(beat());
  EXPECT_EQ(machine.state(), MasterMachine::State::kShutDown);
  EXPECT_FALSE(machine.shutdown_reason().empty());
}

TEST_F(Masters, AnAttemptThatIsNotKnownEnds) {
  register_now();
  manager.forgets_attempt = true;
  ASSERT_TRUE(beat());
  EXPECT_EQ(machine.state(), MasterMachine::State::kShutDown);
}

TEST_F(Masters, LeavingIsRepeatedUntilItIsTaken) {
  register_now();
  machine.finish(true, "done", "");
  ASSERT_TRUE(beat());
  EXPECT_EQ(machine.state(), MasterMachine::State::kFinishing);
  ASSERT_TRUE(beat());
  EXPECT_EQ(machine.state(), MasterMachine::State::kFinished);
}

TEST_F(Masters, ARolledTokenIsForTheNextConnection) {
  register_now();
  EXPECT_EQ(machine.token(), testing::am_rm_token());
  manager.rolled = Token{"new", "password 2", std::string(kAmRmToken), ""};
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(beat());
  EXPECT_EQ(machine.token().identifier, "new");
  manager.rolled.reset();
  manager.restart();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(beat());
  EXPECT_EQ(machine.token().identifier, "new");
}

TEST_F(Masters, ContainersOfAnEarlierAttemptCome) {
  const Container old{{testing::application_id(), 1, 5}, kNode2, "node2:8042", {256, 1}, 3, {}};
  manager.previous = {old};
  const MasterEvents events = beat().value();
  ASSERT_EQ(events.previous.size(), 1U);
  EXPECT_EQ(events.previous[0].id, old.id);
  EXPECT_EQ(events.previous[0].node, kNode2);
  EXPECT_NE(machine.nm_token(kNode2), nullptr);
}

TEST_F(Masters, LostNodesAndPreemptionAreSaid) {
  register_now();
  ASSERT_TRUE(machine.want(1, {{64, 1}, 2, ""}));
  const auto running = beat().value().allocated;
  manager.preempt(running[0].id);
  EXPECT_EQ(beat().value().preempted, std::vector<ContainerId>{running[0].id});
  manager.lose_node(kNode1);
  const MasterEvents events = beat().value();
  EXPECT_EQ(events.completed.size(), 2U);
  EXPECT_EQ(events.completed[0].exit_status, exit_status::kAborted);
  ASSERT_EQ(events.nodes.size(), 1U);
  EXPECT_EQ(events.nodes[0].node, kNode1);
  EXPECT_EQ(events.nodes[0].state, NodeUpdate::State::kGone);
}

TEST_F(Masters, TheBlacklistIsBounded) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(machine.blacklist("host" + std::to_string(i), true));
  EXPECT_FALSE(machine.blacklist("one more", true));
  EXPECT_TRUE(machine.blacklist("host1", true));
  EXPECT_TRUE(machine.blacklist("host1", false));
  EXPECT_TRUE(machine.blacklist("one more", true));
  EXPECT_EQ(machine.blacklisted().size(), 100U);
}

TEST_F(Masters, RubbishIsAnError) {
  (void)machine.next();
  EXPECT_EQ(machine.take({"\xff\xff\xff", std::nullopt}).error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(machine.take({"", std::nullopt}).error().code(), ErrorCode::kInternal);
  register_now();
  (void)machine.next();
  EXPECT_EQ(machine.take({"\x0a", std::nullopt}).error().code(), ErrorCode::kProtocol);
}

}  // namespace
}  // namespace modelyard::hadoop::yarn
