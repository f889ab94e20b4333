// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/runner_session.h"

#include "registry/zookeeper/testing/fixture.h"

namespace modelyard::registry::zookeeper {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using Order = RunnerSession::Order;

constexpr auto kId = "dga-1.0-aaaaaa";

class RunnerSessionTest : public Ensemble {
 protected:
  // The leader has committed the record before it starts the runner.
  void committed(const Instance& record) {
    put(record);
    put(layout.report(record.id), "");
    put(layout.leases(), "");
    put(layout.service, "");
  }
  std::unique_ptr<RunnerSession> session(Client& client, int64_t incarnation) {
    auto made = std::make_unique<RunnerSession>(loop, client, layout, access_of({}, true), kId, incarnation, Random(1));
    made->on_order([this](Order order) { orders.push_back(order); });
    return made;
  }
  RunnerReport ready(const std::string& url = "http://node1:1000") const {
    RunnerReport report;
    report.id = kId;
    report.incarnation = 7;
    report.state = InstanceState::kReady;
    report.endpoint = endpoint_at(kId, url);
    return report;
  }
  RunnerReport in_state(InstanceState state) const {
    RunnerReport report = ready();
    report.state = state;
    return report;
  }
  const std::string lease = layout.lease(kId);
  const std::string endpoint = layout.endpoint("dga", kId);
  std::string reported() const { return data(layout.report(kId)); }
  std::vector<Order> orders;
};

TEST_F(RunnerSessionTest, LeaseEndpointAndReportStandAndGo) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    auto client = ensemble.connect();
    auto runner = session(*client, 7);
    runner->start();
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_EQ(orders, (std::vector{Order::kServe}));
    EXPECT_EQ(owner(lease), client->session_id());
    EXPECT_NE(data(lease).find("\"incarnation\":7"), std::string::npos);
    EXPECT_FALSE(there(endpoint)) << "nothing is ready yet";

    runner->report(ready());
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_EQ(owner(endpoint), client->session_id());
    EXPECT_EQ(endpoint_from_discovery(data(endpoint)).value(), endpoint_at(kId));
    EXPECT_EQ(runner_report_from_json(json::parse(reported()).value())->state, InstanceState::kReady);

    runner->report(ready("http://node1:2000"));
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_EQ(endpoint_from_discovery(data(endpoint))->url, "http://node1:2000");

    runner->report(in_state(InstanceState::kUnhealthy));
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_FALSE(there(endpoint));
    EXPECT_TRUE(there(lease));
    EXPECT_NE(reported().find("unhealthy"), std::string::npos);

    runner->report(ready());
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_TRUE(there(endpoint));
    const size_t before = ensemble.requests().size();
    co_await runner->stop(soon());
    EXPECT_FALSE(there(endpoint));
    EXPECT_FALSE(there(lease));
    std::vector<std::string> removals;
    for (size_t i = before; i < ensemble.requests().size(); ++i) {
      if (ensemble.requests()[i].find("remove") != std::string::npos ||
          ensemble.requests()[i].find("delete") != std::string::npos)
        removals.push_back(ensemble.requests()[i]);
    }
    EXPECT_EQ(removals.size(), 2U);
    if (removals.size() == 2) EXPECT_NE(removals[0].find(endpoint), std::string::npos) << "the endpoint goes first";
    co_await client->close(soon());
  });
}

TEST_F(RunnerSessionTest, OrdersAreWhatTheRecordSays) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    auto client = ensemble.connect();
    auto runner = session(*client, 7);
    runner->start();
    runner->report(ready());
    EXPECT_TRUE(co_await runner->flush(soon()));
    put(instance(kId, 7, InstanceState::kReady));
    put(instance(kId, 7, InstanceState::kDraining));
    EXPECT_TRUE(co_await until([&] { return !there(endpoint); })) << "drained ones are out of the clients' sight";
    EXPECT_TRUE(there(lease));
    EXPECT_EQ(orders, (std::vector{Order::kServe, Order::kDrain}));
    put(instance(kId, 7, InstanceState::kFailed));
    EXPECT_TRUE(co_await until([&] { return orders.size() == 3; }));
    EXPECT_EQ(orders.back(), Order::kStop);
    put(instance(kId, 8));
    EXPECT_TRUE(co_await until([&] { return orders.size() == 4 && !there(lease); }));
    EXPECT_EQ(orders.back(), Order::kDisowned);
    EXPECT_FALSE(co_await runner->flush(soon())) << "a disowned one has nothing to say";
    co_await runner->stop(soon());
    co_await client->close(soon());
  });
}

TEST_F(RunnerSessionTest, ARecordThatIsGoneOrNewerDisowns) {
  for (const bool gone : {true, false}) {
    run([&]() -> io::Task<void> {
      orders.clear();
      committed(instance(kId, 8));
      if (gone) EXPECT_TRUE(ensemble.erase(layout.instance(kId)));
      auto client = ensemble.connect();
      auto runner = session(*client, 7);
      runner->report(ready());
      runner->start();
      EXPECT_TRUE(co_await until([&] { return !orders.empty(); }));
      EXPECT_EQ(orders, (std::vector{Order::kDisowned}));
      EXPECT_FALSE(co_await runner->flush(soon()));
      EXPECT_FALSE(there(lease));
      EXPECT_FALSE(there(endpoint));
      EXPECT_EQ(reported(), "");
      co_await runner->stop(soon());
      co_await client->close(soon());
    });
  }
}

TEST_F(RunnerSessionTest, ARecordThatGoesWhileItServesTakesTheEndpointAlong) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    auto client = ensemble.connect();
    auto runner = session(*client, 7);
    runner->report(ready());
    runner->start();
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_TRUE(ensemble.erase(layout.instance(kId)));
    EXPECT_TRUE(co_await until([&] { return !there(endpoint) && !there(lease); }));
    EXPECT_EQ(orders, (std::vector{Order::kServe, Order::kDisowned}));
    co_await runner->stop(soon());
    co_await client->close(soon());
  });
}

TEST_F(RunnerSessionTest, AnExpiredSessionRegistersAgain) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    auto client = ensemble.connect();
    auto runner = session(*client, 7);
    runner->report(ready());
    runner->start();
    EXPECT_TRUE(co_await runner->flush(soon()));
    const std::string as_it_was = data(endpoint);
    const int64_t first = client->session_id();
    ensemble.expire(first);
    EXPECT_FALSE(there(endpoint));
    EXPECT_TRUE(co_await until([&] { return owner(endpoint) > 0 && owner(lease) > 0; }));
    EXPECT_NE(owner(endpoint), first);
    EXPECT_EQ(owner(endpoint), client->session_id());
    EXPECT_EQ(data(endpoint), as_it_was);
    EXPECT_EQ(orders, (std::vector{Order::kServe})) << "the model was not bothered";
    co_await runner->stop(soon());
    co_await client->close(soon());
  });
}

TEST_F(RunnerSessionTest, WhatItsOlderSessionLeftIsReplaced) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    auto crashed = ensemble.connect();
    auto first = session(*crashed, 7);
    first->report(ready());
    first->start();
    EXPECT_TRUE(co_await first->flush(soon()));
    const int64_t old = crashed->session_id();
    ensemble.disconnect(old);
    co_await first->stop(soon(20ms));

    put(instance(kId, 8));
    auto client = ensemble.connect();
    auto runner = session(*client, 8);
    runner->report(ready("http://node1:2000"));
    runner->start();
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_EQ(owner(endpoint), client->session_id());
    EXPECT_EQ(owner(lease), client->session_id());
    EXPECT_NE(data(endpoint).find(":2000"), std::string::npos);
    ensemble.expire(old);
    EXPECT_TRUE(there(endpoint)) << "the older session takes nothing along";
    EXPECT_TRUE(there(lease));
    co_await runner->stop(soon());
    co_await client->close(soon());
  });
}

TEST_F(RunnerSessionTest, AnEndpointOfAnOlderSessionGoesWhileTheModelIsNotReady) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    auto crashed = ensemble.connect();
    EXPECT_TRUE(co_await modelyard::zookeeper::make_path(*crashed, layout.model("dga")));
    EXPECT_TRUE(co_await crashed->create(endpoint, "{}", modelyard::zookeeper::CreateMode::kEphemeral));
    auto client = ensemble.connect();
    auto runner = session(*client, 7);
    runner->report(ready());
    runner->start();
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_EQ(owner(endpoint), client->session_id());
    co_await runner->stop(soon());
    co_await client->close(soon());
    co_await crashed->close(soon());
  });
}

TEST_F(RunnerSessionTest, WhatSomebodyDeletesIsMadeAgain) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    auto client = ensemble.connect();
    auto runner = session(*client, 7);
    runner->report(ready());
    runner->start();
    EXPECT_TRUE(co_await runner->flush(soon()));
    for (const std::string& path : {endpoint, lease}) {
      EXPECT_TRUE(co_await until([&] { return ensemble.erase(path); }));
      EXPECT_TRUE(co_await until([&] { return there(path); })) << path;
      EXPECT_TRUE(co_await runner->flush(soon()));
    }
    co_await runner->stop(soon());
    co_await client->close(soon());
  });
}

TEST_F(RunnerSessionTest, AMissingReportNodeHoldsNothingElseBack) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    EXPECT_TRUE(ensemble.erase(layout.report(kId)));
    auto client = ensemble.connect();
    auto runner = session(*client, 7);
    runner->report(ready());
    runner->start();
    EXPECT_TRUE(co_await until([&] { return there(endpoint) && there(lease); }));
    EXPECT_FALSE(co_await runner->flush(soon(20ms)));
    put(layout.report(kId), "");
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_NE(reported().find("ready"), std::string::npos);
    co_await runner->stop(soon());
    co_await client->close(soon());
  });
}

TEST_F(RunnerSessionTest, AwayForLongItSaysTheNewestWhenItIsBack) {
  run([&]() -> io::Task<void> {
    committed(instance(kId, 7));
    auto client = ensemble.connect();
    auto runner = session(*client, 7);
    runner->report(ready());
    runner->start();
    EXPECT_TRUE(co_await runner->flush(soon()));
    ensemble.disconnect(client->session_id());
    runner->report(in_state(InstanceState::kUnhealthy));
    runner->report(ready("http://node1:3000"));
    EXPECT_FALSE(co_await runner->flush(soon(20ms)));
    EXPECT_EQ(orders, (std::vector{Order::kServe})) << "while ZooKeeper is away nothing changes";
    ensemble.expire(client->session_id());
    put(instance(kId, 7, InstanceState::kUnreachable));
    ensemble.reconnect(client->session_id());
    EXPECT_TRUE(co_await runner->flush(soon()));
    EXPECT_NE(data(endpoint).find(":3000"), std::string::npos);
    EXPECT_EQ(owner(lease), client->session_id());
    EXPECT_EQ(orders, (std::vector{Order::kServe}));
    co_await runner->stop(soon());
    co_await client->close(soon());
  });
}

TEST_F(RunnerSessionTest, StopsInTimeWhenZooKeeperIsAway) {
  run([&]() -> io::Task<void> {
    auto client = ensemble.connect();
    ensemble.disconnect(client->session_id());
    auto runner = session(*client, 7);
    runner->start();
    const SteadyTime deadline = soon(30ms);
    co_await runner->stop(deadline);
    EXPECT_LT(std::chrono::steady_clock::now(), deadline + 2s);
    EXPECT_TRUE(orders.empty());
    co_await client->close(soon(10ms));
  });
}

// Each write of its life made to fail in each way: what stands at the end is the same.
struct Fault {
  std::string name;
  std::function<void(FakeEnsemble&, Client&)> happens;
};
class RunnerSessionFaults : public RunnerSessionTest, public ::testing::WithParamInterface<Fault> {};

TEST_P(RunnerSessionFaults, EndAsIfNothingHadHappened) {
  for (int step = 0; step < 5; ++step) {
    run([&]() -> io::Task<void> {
      orders.clear();
      committed(instance(kId, 7));
      if (there(endpoint)) EXPECT_TRUE(ensemble.erase(endpoint));
      auto client = ensemble.connect();
      EXPECT_TRUE(co_await client->wait_connected(soon()));
      auto runner = session(*client, 7);
      const auto at = [&](int now) {
        if (now == step) GetParam().happens(ensemble, *client);
      };
      at(0);
      runner->start();
      EXPECT_TRUE(co_await runner->flush(soon())) << step;
      at(1);
      runner->report(ready());
      EXPECT_TRUE(co_await runner->flush(soon())) << step;
      at(2);
      runner->report(in_state(InstanceState::kUnhealthy));
      EXPECT_TRUE(co_await runner->flush(soon())) << step;
      EXPECT_TRUE(co_await until([&] { return !there(endpoint); })) << step;
      at(3);
      runner->report(ready("http://node1:2000"));
      EXPECT_TRUE(co_await runner->flush(soon())) << step;
      EXPECT_TRUE(co_await until([&] { return owner(endpoint) == client->session_id(); })) << step;
      EXPECT_TRUE(co_await until([&] { return owner(lease) == client->session_id(); })) << step;
      EXPECT_NE(data(endpoint).find(":2000"), std::string::npos);
      EXPECT_NE(reported().find(":2000"), std::string::npos);
      EXPECT_EQ(orders, (std::vector{Order::kServe})) << step;
      at(4);
      co_await runner->stop(soon());
      EXPECT_FALSE(there(endpoint)) << step;
      EXPECT_FALSE(there(lease)) << step;
      co_await client->close(soon());
    });
  }
}

INSTANTIATE_TEST_SUITE_P(
    Steps, RunnerSessionFaults,
    ::testing::Values(
        Fault{"lost_reply", [](FakeEnsemble& e, Client& c) { e.lose_replies(c.session_id(), 1); }},
        Fault{"three_lost_replies", [](FakeEnsemble& e, Client& c) { e.lose_replies(c.session_id(), 3); }},
        Fault{"lost_request", [](FakeEnsemble& e, Client& c) { e.lose_requests(c.session_id(), 1); }},
        Fault{"three_lost_requests", [](FakeEnsemble& e, Client& c) { e.lose_requests(c.session_id(), 3); }},
        Fault{"expiry", [](FakeEnsemble& e, Client& c) { e.expire(c.session_id()); }},
        Fault{"broken_connection",
              [](FakeEnsemble& e, Client& c) {
                e.disconnect(c.session_id());
                e.reconnect(c.session_id());
              }}),
    [](const auto& info) { return info.param.name; });

TEST(OrderOf, EachState) {
  for (const auto& [state, order] :
       std::vector<std::pair<InstanceState, Order>>{{InstanceState::kRequested, Order::kServe},
                                                    {InstanceState::kLocalizing, Order::kServe},
                                                    {InstanceState::kStarting, Order::kServe},
                                                    {InstanceState::kReady, Order::kServe},
                                                    {InstanceState::kUnhealthy, Order::kServe},
                                                    {InstanceState::kUnreachable, Order::kServe},
                                                    {InstanceState::kDraining, Order::kDrain},
                                                    {InstanceState::kGone, Order::kDrain},
                                                    {InstanceState::kFailed, Order::kStop}}) {
    EXPECT_EQ(order_of(instance(kId, 7, state), 7), order) << to_string(state);
    EXPECT_EQ(order_of(instance(kId, 8, state), 7), Order::kDisowned) << to_string(state);
    EXPECT_EQ(order_of(instance(kId, 6, state), 7), Order::kDisowned) << to_string(state);
  }
}

}  // namespace
}  // namespace modelyard::registry::zookeeper
