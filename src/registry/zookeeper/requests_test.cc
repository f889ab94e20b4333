// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/requests.h"

#include "registry/zookeeper/testing/fixture.h"

namespace modelyard::registry::zookeeper {
namespace {

using namespace testing;
using modelyard::zookeeper::CreateMode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RequestsTest : public Ensemble {
 protected:
  const Request add{Request::Action::kAdd, "dga", "1.0", 2, 512, "/p"};
};

TEST_F(RequestsTest, TheFirstRequestMakesTheQueue) {
  run([&]() -> io::Task<void> {
    auto client = ensemble.connect();
    const auto first = co_await put_request(*client, layout, add, soon());
    EXPECT_EQ(first.value_or(""), "qn-0000000000");
    EXPECT_EQ((co_await put_request(*client, layout, add, soon())).value_or(""), "qn-0000000001");
    EXPECT_EQ(data("/maas/queue/qn-0000000000"), to_json(add));
    EXPECT_EQ(ensemble.nodes().at("/maas/queue").acl, modelyard::zookeeper::open_acl());
    co_await client->close(soon());
  });
}

// An ADD said twice adds twice: whatever is lost, it is put once at most.
TEST_F(RequestsTest, NothingIsEverPutTwice) {
  for (const bool queue_is_there : {true, false}) {
    for (const bool carried_out : {true, false}) {
      for (int lost = 1; lost <= 4; ++lost) {
        run([&]() -> io::Task<void> {
          for (const std::string& item : below(layout.queue)) EXPECT_TRUE(ensemble.erase(layout.queue + "/" + item));
          if (queue_is_there && !there(layout.queue)) put(layout.queue, "");
          if (!queue_is_there && there(layout.queue)) EXPECT_TRUE(ensemble.erase(layout.queue));
          auto client = ensemble.connect();
          EXPECT_TRUE(co_await client->wait_connected(soon()));
          if (carried_out) {
            ensemble.lose_replies(client->session_id(), lost);
          } else {
            ensemble.lose_requests(client->session_id(), lost);
          }
          const auto put = co_await put_request(*client, layout, add, soon());
          const size_t stands = below(layout.queue).size();
          EXPECT_LE(stands, 1U);
          if (put) EXPECT_EQ(stands, 1U);
          if (!put) {
            const bool known = put.error().code() == ErrorCode::kUnavailable;
            EXPECT_TRUE(known || put.error().code() == ErrorCode::kDeadline) << put.error().message();
            if (known) EXPECT_EQ(stands, 0U) << "certainly not put";
            if (!known) EXPECT_THAT(put.error().message(), HasSubstr("not known"));
          }
          co_await client->close(soon());
        });
      }
    }
  }
}

TEST_F(RequestsTest, NoConnectionIsCertain) {
  run([&]() -> io::Task<void> {
    auto client = ensemble.connect();
    ensemble.disconnect(client->session_id());
    const auto put = co_await put_request(*client, layout, add, soon(30ms));
    EXPECT_FALSE(put);
    EXPECT_EQ(put.error().code(), ErrorCode::kUnavailable);
    EXPECT_FALSE(there(layout.queue));
    co_await client->close(soon(10ms));
  });
}

TEST_F(RequestsTest, TheLayoutIsRead) {
  run([&]() -> io::Task<void> {
    auto client = ensemble.connect();
    EXPECT_EQ((co_await read_layout(*client, std::string(kDefaultRoot), soon()))->service, "/maas/service");
    put("/metron/maas/config", R"({"serviceRoot":"/x/service"})");
    EXPECT_EQ((co_await read_layout(*client, std::string(kDefaultRoot), soon()))->service, "/x/service");
    put("/metron/maas/config", "rubbish");
    EXPECT_FALSE(co_await read_layout(*client, std::string(kDefaultRoot), soon()));
    co_await client->close(soon());
  });
}

TEST_F(RequestsTest, TheLeaderIsTheLowestCandidate) {
  run([&]() -> io::Task<void> {
    auto client = ensemble.connect();
    const auto nobody = co_await read_leader(*client, layout, soon());
    EXPECT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code(), ErrorCode::kNotFound);
    put(layout.leader() + "/n-0000000009", R"({"id":"b"})");
    put(layout.leader() + "/n-0000000003", R"({"id":"a","url":"http://h:1"})");
    put(layout.leader() + "/other", "");
    EXPECT_EQ((co_await read_leader(*client, layout, soon()))->url, "http://h:1");
    co_await client->close(soon());
  });
}

TEST_F(RequestsTest, RegistrationsOfEveryKindAreListed) {
  run([&]() -> io::Task<void> {
    auto client = ensemble.connect();
    EXPECT_TRUE((co_await read_registrations(*client, layout, soon()))->empty());
    put(layout.endpoint("dga", "c1"), to_discovery_json(endpoint_at("c1"), 1));
    put(layout.endpoint("dga", "c2"), "rubbish");
    EXPECT_TRUE(co_await client->create(layout.endpoint("dga", "c3"), to_discovery_json(endpoint_at("c3"), 1),
                                        CreateMode::kEphemeral));
    const auto all = co_await read_registrations(*client, layout, soon());
    EXPECT_TRUE(all);
    std::vector<std::string> lines;
    for (const Registration& r : all.value_or(std::vector<Registration>()))
      lines.push_back(r.path + " " + r.endpoint.id + " " + r.endpoint.url + (r.persistent ? " persistent" : ""));
    EXPECT_THAT(lines, ElementsAre("/maas/service/dga/c1 c1 http://node1:1000 persistent",
                                   "/maas/service/dga/c2 c2  persistent", "/maas/service/dga/c3 c3 http://node1:1000"));
    co_await client->close(soon());
  });
}

}  // namespace
}  // namespace modelyard::registry::zookeeper
