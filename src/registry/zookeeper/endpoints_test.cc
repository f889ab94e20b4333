// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/endpoints.h"

#include "registry/zookeeper/testing/fixture.h"

namespace modelyard::registry::zookeeper {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class EndpointFeedTest : public Ensemble {
 protected:
  void put(const Endpoint& endpoint) {
    Ensemble::put(layout.endpoint(endpoint.name, endpoint.id), to_discovery_json(endpoint, 1));
  }
  static std::vector<std::string> all(const Snapshot& snapshot) {
    std::vector<std::string> out;
    for (const auto& [name, versions] : snapshot.models) {
      for (const auto& [version, endpoints] : versions) {
        for (const Endpoint& e : *endpoints) out.push_back(name + "@" + version + "/" + e.id + " " + e.url);
      }
    }
    return out;
  }
  std::unique_ptr<EndpointFeed> feed(Client& client) {
    auto made = std::make_unique<EndpointFeed>(loop, client, std::string(kDefaultRoot), system_clock());
    made->on_snapshot([this](const std::shared_ptr<const Snapshot>& snapshot, const std::vector<Change>& changes) {
      snapshots.push_back(snapshot);
      for (const Change& change : changes)
        told.push_back(std::string(to_string(change.kind)) + " " + change.endpoint.id);
    });
    return made;
  }
  bool has(size_t count) const {
    size_t n = 0;
    if (!snapshots.empty()) n = all(*snapshots.back()).size();
    return n == count;
  }
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  std::vector<std::string> told;
};

TEST_F(EndpointFeedTest, FollowsOursAndTheReferences) {
  run([&]() -> io::Task<void> {
    put(endpoint_at("c1"));
    Ensemble::put("/maas/service/dga/c2",
                  R"({"name":"dga","id":"c2","payload":{"@class":"x","endpoint":{"url":"http://h:9"},"version":"10.0",)"
                  R"("containerId":"c2"},"serviceType":"STATIC"})");
    Ensemble::put("/maas/service/empty", "");
    Ensemble::put("/maas/service/dga/junk", "no JSON");
    auto client = ensemble.connect();
    auto endpoints = feed(*client);
    EXPECT_FALSE(endpoints->snapshot());
    endpoints->start();
    EXPECT_TRUE(co_await endpoints->wait_for_snapshot(soon()));
    EXPECT_THAT(all(*endpoints->snapshot()), ElementsAre("dga@1.0/c1 http://node1:1000", "dga@10.0/c2 http://h:9"));
    EXPECT_TRUE(endpoints->current());
    EXPECT_EQ(endpoints->malformed(), 1U);
    EXPECT_TRUE(endpoints->snapshot()->settled);

    put(endpoint_at("c3", "http://node1:3", "other"));
    EXPECT_TRUE(co_await until([&] { return has(3); }));
    put(endpoint_at("c1", "http://node1:2000"));
    EXPECT_TRUE(co_await until([&] { return told.back() == "changed c1"; }));
    put(endpoint_at("c1", "http://node1:2000", "dga", "2.0"));
    EXPECT_TRUE(co_await until([&] { return all(*snapshots.back()).front() == "dga@2.0/c1 http://node1:2000"; }));
    EXPECT_TRUE(has(3)) << "another version is no second endpoint";
    EXPECT_TRUE(ensemble.erase(layout.endpoint("other", "c3")));
    EXPECT_TRUE(co_await until([&] { return has(2); }));
    EXPECT_FALSE(snapshots.back()->models.contains("other"));
    Ensemble::put("/maas/service/dga/junk", to_discovery_json(endpoint_at("junk"), 1));
    EXPECT_TRUE(co_await until([&] { return has(3); }));
    EXPECT_EQ(endpoints->malformed(), 0U);
    Ensemble::put("/maas/service/dga/c2", "broken");
    EXPECT_TRUE(co_await until([&] { return has(2); }));
    EXPECT_EQ(endpoints->malformed(), 1U);
    EXPECT_TRUE(ensemble.erase("/maas/service/dga/c2"));
    EXPECT_TRUE(co_await until([&] { return endpoints->malformed() == 0; }));
    EXPECT_THAT(told, ElementsAre("added c1", "added c2", "added c3", "changed c1", "changed c1", "removed c3",
                                  "added junk", "removed c2"));
    for (size_t i = 1; i < snapshots.size(); ++i) EXPECT_EQ(snapshots[i]->revision, snapshots[i - 1]->revision + 1);
    co_await endpoints->stop();
    co_await client->close(soon());
  });
}

TEST_F(EndpointFeedTest, WhatDidNotChangeIsShared) {
  run([&]() -> io::Task<void> {
    for (const std::string name : {"a", "b"}) put(endpoint_at("c", "http://node1:1", name));
    auto client = ensemble.connect();
    auto endpoints = feed(*client);
    endpoints->start();
    EXPECT_TRUE(co_await endpoints->wait_for_snapshot(soon()));
    put(endpoint_at("c", "http://node1:2", "b"));
    EXPECT_TRUE(co_await until([&] { return snapshots.size() == 2; }));
    EXPECT_EQ(snapshots[0]->models.at("a")[0].second, snapshots[1]->models.at("a")[0].second);
    EXPECT_NE(snapshots[0]->models.at("b")[0].second, snapshots[1]->models.at("b")[0].second);
    EXPECT_THAT(all(*snapshots[0]), ElementsAre("a@1.0/c http://node1:1", "b@1.0/c http://node1:1"));
    co_await endpoints->stop();
    co_await client->close(soon());
  });
}

TEST_F(EndpointFeedTest, ALostConnectionEmptiesNothing) {
  run([&]() -> io::Task<void> {
    put(endpoint_at("c1"));
    put(endpoint_at("c2"));
    auto client = ensemble.connect();
    auto endpoints = feed(*client);
    endpoints->start();
    EXPECT_TRUE(co_await endpoints->wait_for_snapshot(soon()));
    for (const bool expired : {false, true}) {
      ensemble.disconnect(client->session_id());
      EXPECT_TRUE(co_await until([&] { return !endpoints->current(); }));
      EXPECT_NE(endpoints->trouble(), "");
      EXPECT_EQ(all(*endpoints->snapshot()).size(), 2U);
      put(endpoint_at("c2", expired ? "http://node1:7" : "http://node1:6"));
      if (expired) ensemble.expire(client->session_id());
      ensemble.reconnect(client->session_id());
      EXPECT_TRUE(co_await until([&] { return endpoints->current(); }));
      EXPECT_EQ(all(*endpoints->snapshot()).size(), 2U);
      EXPECT_THAT(all(*endpoints->snapshot()).back(), HasSubstr(expired ? ":7" : ":6"));
    }
    for (const auto& snapshot : snapshots) EXPECT_EQ(all(*snapshot).size(), 2U);
    co_await endpoints->stop();
    co_await client->close(soon());
  });
}

TEST_F(EndpointFeedTest, AnotherServiceRootIsFollowed) {
  run([&]() -> io::Task<void> {
    put(endpoint_at("c1"));
    auto client = ensemble.connect();
    auto endpoints = feed(*client);
    endpoints->start();
    EXPECT_TRUE(co_await endpoints->wait_for_snapshot(soon()));
    Ensemble::put("/other/dga/c9", to_discovery_json(endpoint_at("c9"), 1));
    Ensemble::put(std::string(kDefaultRoot), R"({"serviceRoot":"/other"})");
    EXPECT_TRUE(co_await until([&] { return !told.empty() && told.back() == "added c9"; }));
    EXPECT_THAT(all(*endpoints->snapshot()), ElementsAre("dga@1.0/c9 http://node1:1000"));
    Ensemble::put(std::string(kDefaultRoot), "rubbish");
    EXPECT_TRUE(co_await until([&] { return endpoints->trouble().find("rubbish") != std::string::npos; }));
    EXPECT_EQ(all(*endpoints->snapshot()).size(), 1U) << "the one that was known is followed on";
    co_await endpoints->stop();
    co_await client->close(soon());
  });
}

TEST_F(EndpointFeedTest, SaysWhyThereIsNothing) {
  run([&]() -> io::Task<void> {
    auto client = ensemble.connect();
    ensemble.disconnect(client->session_id());
    auto endpoints = feed(*client);
    endpoints->start();
    const Status waited = co_await endpoints->wait_for_snapshot(soon(30ms));
    EXPECT_FALSE(waited);
    EXPECT_EQ(waited.error().code(), ErrorCode::kUnavailable);
    ensemble.reconnect(client->session_id());
    EXPECT_TRUE(co_await endpoints->wait_for_snapshot(soon())) << "nothing registered is a snapshot too";
    EXPECT_TRUE(endpoints->snapshot()->models.empty());
    co_await endpoints->stop();
    co_await client->close(soon());
  });
}

// Against the plain way of making a snapshot: whatever is put and removed, both hold the same.
TEST(SnapshotEdits, AreTheSameAsMakingItAnew) {
  Random random(7);
  Snapshot edited;
  std::map<std::pair<std::string, std::string>, Endpoint> model;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "m" + std::to_string(random.below(300));
    const std::string id = "i" + std::to_string(random.below(40));
    const Endpoint* known = find_endpoint(edited, name, id);
    ASSERT_EQ(known != nullptr, model.contains({name, id}));
    if (known != nullptr) {
      const Endpoint was = *known;
      ASSERT_EQ(was, (model[{name, id}]));
      ASSERT_TRUE(remove_endpoint(edited, name, was.version, id));
      model.erase({name, id});
    }
    ASSERT_FALSE(remove_endpoint(edited, name, "1.0", "never"));
    if (random.below(3) == 0) continue;
    Endpoint made = endpoint_at(id, "http://h:" + std::to_string(i), name, std::to_string(random.below(12)) + ".0");
    put_endpoint(edited, made);
    model[{name, id}] = made;
  }
  std::vector<Endpoint> endpoints;
  for (const auto& [key, endpoint] : model) endpoints.push_back(endpoint);
  const auto anew = make_snapshot(endpoints, {}, 0, 0, true);
  EXPECT_TRUE(diff(edited, *anew, 0).empty());
  ASSERT_EQ(edited.models.size(), anew->models.size());
  auto other = anew->models.begin();
  for (const auto& [name, versions] : edited.models) {
    ASSERT_EQ(name, other->first);
    ASSERT_EQ(versions.size(), other->second.size());
    for (size_t i = 0; i < versions.size(); ++i) {
      ASSERT_EQ(versions[i].first, other->second[i].first);
      ASSERT_TRUE(*versions[i].second == *other->second[i].second);
    }
    ++other;
  }
}

TEST(SnapshotEdits, ACopyStaysAsItWas) {
  Snapshot before;
  for (int i = 0; i < 1'000; ++i) put_endpoint(before, endpoint_at("i" + std::to_string(i)));
  Snapshot after = before;
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(remove_endpoint(after, "dga", "1.0", "i" + std::to_string(i)));
  EXPECT_TRUE(after.models.empty());
  EXPECT_EQ(before.models.at("dga")[0].second->size(), 1'000U);
}

}  // namespace
}  // namespace modelyard::registry::zookeeper
