// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/registry.h"

#include "registry/zookeeper/requests.h"
#include "registry/zookeeper/testing/fixture.h"

namespace modelyard::registry::zookeeper {
namespace {

using namespace testing;
using modelyard::zookeeper::CreateMode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ZookeeperRegistryTest : public Ensemble {
 protected:
  // A controller's side: a client and the registry on it.
  struct Controller {
    std::unique_ptr<Client> client;
    std::unique_ptr<ZookeeperRegistry> registry;
    int lost = 0;
    ZookeeperRegistry* operator->() { return registry.get(); }
    int64_t session() const { return client->session_id(); }
  };
  RegistryOptions options(const std::string& place = "host:/data") const {
    RegistryOptions out;
    out.candidate.host = "host";
    out.candidate.pid = 7;
    out.candidate.launcher = "local";
    out.candidate.place = place;
    out.candidate.url = "http://host:8800";
    return out;
  }
  std::unique_ptr<Controller> controller(RegistryOptions with) {
    auto out = std::make_unique<Controller>();
    out->client = ensemble.connect(controller_auth(with.secrets));
    out->registry = std::make_unique<ZookeeperRegistry>(loop, *out->client, std::move(with), system_clock(), Random(1));
    out->registry->on_lost([out = out.get()] { ++out->lost; });
    return out;
  }
  std::unique_ptr<Controller> controller() { return controller(options()); }
  io::Task<std::unique_ptr<Controller>> leading() {
    auto out = controller();
    const Status opened = co_await out->registry->open(soon());
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message());
    const auto contents = co_await out->registry->lead();
    EXPECT_TRUE(contents) << (contents ? "" : contents.error().message());
    co_return out;
  }
  static io::Task<void> end(Controller& controller) {
    co_await controller.registry->stop();
    co_await controller.client->close(soon(100ms));
  }
  static Write event(const std::string& text, const std::string& name = "dga") {
    Event out;
    out.at_ms = 5;
    out.name = name;
    out.version = "1.0";
    out.kind = "ready";
    out.text = text;
    return Write::append(out);
  }
  template <typename... Writes>
  static std::vector<Write> batch(Writes... writes) {
    std::vector<Write> out;
    (out.push_back(std::move(writes)), ...);
    return out;
  }
  static ErrorCode code(const Status& status) { return status ? ErrorCode::kInternal : status.error().code(); }
  size_t candidates() const { return below(layout.leader()).size(); }
};

TEST_F(ZookeeperRegistryTest, MakesItsNodesBesideTheReferences) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    EXPECT_THAT(below("/maas/service"), ElementsAre());
    EXPECT_THAT(below("/maas/modelyard"),
                ElementsAre("deployments", "epoch", "events", "incarnation", "instances", "leader",
                            "leader/n-0000000000", "leases", "names", "rejected", "reports", "settings"));
    EXPECT_FALSE(there("/metron")) << "the configuration is the user's";
    EXPECT_FALSE(there("/maas/queue")) << "whoever puts the first request makes it";
    EXPECT_TRUE((*one)->leads());
    EXPECT_TRUE((*one)->deciding());
    EXPECT_FALSE((*one)->leader()) << "it leads itself";
    co_await end(*one);
    EXPECT_EQ(candidates(), 0U) << "the leadership is given up";
  });
}

TEST_F(ZookeeperRegistryTest, SaysWhyItCannotOpen) {
  run([&]() -> io::Task<void> {
    auto away = controller();
    ensemble.disconnect(away->session());
    auto opened = co_await (*away)->open(soon(50ms));
    EXPECT_EQ(code(opened), ErrorCode::kUnavailable);
    EXPECT_THAT(opened.error().message(), HasSubstr("no connection to ZooKeeper"));
    co_await end(*away);

    put("/metron/maas/config", R"({"queue":"KAFKA"})");
    auto other_queue = controller();
    opened = co_await (*other_queue)->open(soon());
    EXPECT_EQ(code(opened), ErrorCode::kUnsupported);
    EXPECT_THAT(opened.error().message(), HasSubstr("KAFKA"));
    co_await end(*other_queue);

    put("/metron/maas/config", R"({"serviceRoot":"/elsewhere/models"})");
    auto elsewhere = controller();
    EXPECT_TRUE(co_await (*elsewhere)->open(soon()));
    EXPECT_TRUE(there("/elsewhere/modelyard-models/deployments"));
    EXPECT_FALSE(there("/elsewhere/models")) << "a reference that lives on must be able to make it";
    EXPECT_TRUE(co_await (*elsewhere)->lead());
    EXPECT_TRUE(there("/elsewhere/models"));
    co_await end(*elsewhere);
  });
}

TEST_F(ZookeeperRegistryTest, ForeignNodesAreRefusedWithWords) {
  run([&]() -> io::Task<void> {
    auto owner = ensemble.connect({{"digest", "somebody:else"}});
    EXPECT_TRUE(co_await owner->create(
        "/maas", "", CreateMode::kPersistent,
        {{modelyard::zookeeper::perms::kAll, "digest", modelyard::zookeeper::digest_id("somebody", "else")},
         {modelyard::zookeeper::perms::kRead, "world", "anyone"}}));
    auto one = controller();
    const Status opened = co_await (*one)->open(soon());
    EXPECT_EQ(code(opened), ErrorCode::kPermissionDenied);
    EXPECT_THAT(opened.error().message(), HasSubstr("secret"));
    EXPECT_THAT(opened.error().message(), HasSubstr("/maas"));
    co_await end(*one);
    co_await owner->close(soon());
  });
}

TEST_F(ZookeeperRegistryTest, WhatIsWrittenIsReadByTheNextLeader) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    NameRecord pinned{"1.0", {{"1.0", 0.25}}};
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(deployment("dga", "1.0", 1)), Write::put(instance("i1", 3)),
                                             Write::put(instance("i2", 4)), Write::put_name("dga", pinned),
                                             event("first"), event("second", "other"))));
    EXPECT_TRUE(there("/maas/service/dga")) << "runners find the node they register below";
    EXPECT_EQ(data(layout.report("i1")), "");
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(deployment("dga", "1.0", 2)), Write::remove_instance("i1"))));
    EXPECT_FALSE(there(layout.report("i1")));
    auto told = co_await (*one)->events("", "", 10);
    EXPECT_TRUE(told);
    if (told) {
      EXPECT_EQ(told->size(), 2U);
      EXPECT_EQ(told->at(0).text, "first");
      EXPECT_EQ(told->at(1).text, "second");
      EXPECT_LT(told->at(0).sequence, told->at(1).sequence);
    }
    told = co_await (*one)->events("other", "1.0", 10);
    EXPECT_TRUE(told && told->size() == 1 && told->at(0).text == "second");
    told = co_await (*one)->events("", "", 1);
    EXPECT_TRUE(told && told->size() == 1 && told->at(0).text == "second") << "the newest";
    co_await end(*one);

    auto two = controller();
    EXPECT_TRUE(co_await (*two)->open(soon()));
    const auto contents = co_await (*two)->lead();
    EXPECT_TRUE(contents);
    if (contents) {
      EXPECT_EQ(contents->epoch, 2);
      EXPECT_EQ(contents->last_incarnation, 4);
      EXPECT_EQ(contents->deployments, (std::vector{deployment("dga", "1.0", 2)}));
      EXPECT_EQ(contents->instances, (std::vector{instance("i2", 4)}));
      EXPECT_EQ(contents->names, (std::map<std::string, NameRecord>{{"dga", pinned}}));
    }
    EXPECT_TRUE(co_await (*two)->write(batch(Write::remove_instance("i2"), Write::remove_instance("never"))));
    EXPECT_TRUE(co_await (*two)->write(batch(Write::remove_deployment("dga", "1.0"))));
    EXPECT_FALSE(there("/maas/service/dga")) << "nothing empty is left behind";
    co_await end(*two);
    auto three = controller();
    EXPECT_TRUE(co_await (*three)->open(soon()));
    const auto after = co_await (*three)->lead();
    EXPECT_TRUE(after && after->last_incarnation == 4) << "of removed ones too";
    EXPECT_TRUE(after && after->instances.empty() && after->deployments.empty());
    co_await end(*three);
  });
}

TEST_F(ZookeeperRegistryTest, AnotherGenerationIsAConflictAndStoresNothing) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(deployment("dga", "1.0", 1)))));
    EXPECT_EQ(
        code(co_await (*one)->write(batch(Write::put(instance("i", 1)), Write::put(deployment("dga", "1.0", 1))))),
        ErrorCode::kConflict);
    EXPECT_EQ(code(co_await (*one)->write(batch(Write::put(deployment("dga", "1.0", 3))))), ErrorCode::kConflict);
    EXPECT_FALSE(there(layout.instance("i")));
    EXPECT_TRUE(
        co_await (*one)->write(batch(Write::put(deployment("dga", "1.0", 2)), Write::put(deployment("dga", "1.0", 3)),
                                     Write::remove_deployment("dga", "1.0"), Write::put(deployment("dga", "1.0", 1)))))
        << "several changes of one record in one batch";
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(deployment("dga", "1.0", 2)))));
    EXPECT_EQ(one->lost, 0);
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, ANewIncarnationBeginsWithAnEmptyReport) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(instance("i", 1)))));
    put(layout.report("i"), R"({"id":"i","incarnation":1})");
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(instance("i", 1, InstanceState::kReady)))));
    EXPECT_NE(data(layout.report("i")), "");
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(instance("i", 2)))));
    EXPECT_EQ(data(layout.report("i")), "");
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, EventsAreBoundedAndSoIsTheWorkOfAWrite) {
  run([&]() -> io::Task<void> {
    for (int i = 0; i < 1'500; ++i) {
      std::string name = std::to_string(i);
      put(layout.events() + "/e-" + std::string(10 - name.size(), '0') + name, R"({"text":"old"})");
    }
    auto one = co_await leading();
    EXPECT_TRUE(co_await (*one)->write(batch(event("new"))));
    EXPECT_EQ(below(layout.events()).size(), 1'501U - 17U);
    EXPECT_TRUE(ensemble.erase(layout.events() + "/e-0000000017")) << "somebody tidies up too";
    for (int i = 0; i < 40; ++i) EXPECT_TRUE(co_await (*one)->write(batch(event("new"))));
    EXPECT_EQ(below(layout.events()).size(), kEventsMax);
    EXPECT_TRUE((*one)->leads());
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, WhatZooKeeperWouldNotTakeIsRefusedBeforeItIsSent) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    std::vector<Write> many;
    for (int i = 0; i < 501; ++i) many.push_back(Write::put(instance("i" + std::to_string(i), i + 1)));
    const size_t before = ensemble.requests().size();
    Status written = co_await (*one)->write(many);
    EXPECT_EQ(code(written), ErrorCode::kResourceExhausted);
    EXPECT_THAT(written.error().message(), HasSubstr("1000"));
    Instance large = instance("large", 1);
    large.reason = std::string(1 << 20, 'x');
    written = co_await (*one)->write(batch(Write::put(large)));
    EXPECT_EQ(code(written), ErrorCode::kResourceExhausted);
    EXPECT_THAT(written.error().message(), HasSubstr("KiB"));
    EXPECT_EQ(ensemble.requests().size(), before);
    EXPECT_TRUE((*one)->leads());
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, ALostReplyEndsTheTermAndTheNextReadsWhatStands) {
  for (const bool carried_out : {true, false}) {
    run([&]() -> io::Task<void> {
      auto one = co_await leading();
      const std::string id = carried_out ? "yes" : "no";
      if (carried_out) {
        ensemble.lose_replies(one->session(), 1);
      } else {
        ensemble.lose_requests(one->session(), 1);
      }
      EXPECT_EQ(code(co_await (*one)->write(batch(Write::put(instance(id, 9))))), ErrorCode::kDeadline);
      EXPECT_TRUE(co_await until([&] { return one->lost == 1; }));
      EXPECT_FALSE((*one)->leads());
      EXPECT_EQ(code(co_await (*one)->write(batch(Write::put(instance(id, 9))))), ErrorCode::kConflict);
      const auto contents = co_await (*one)->lead();
      EXPECT_TRUE(contents);
      if (contents) EXPECT_EQ(contents->instances.size(), carried_out ? 1U : 0U);
      EXPECT_EQ(candidates(), 1U) << "the same candidacy";
      EXPECT_TRUE(co_await (*one)->write(batch(Write::put(instance(id, 9)), Write::remove_instance(id))));
      co_await end(*one);
    });
  }
}

TEST_F(ZookeeperRegistryTest, ALostReplyToTheCandidacyMakesNoSecondOne) {
  for (const int lost : {1, 2}) {
    for (const bool carried_out : {true, false}) {
      run([&]() -> io::Task<void> {
        auto one = controller();
        EXPECT_TRUE(co_await (*one)->open(soon()));
        if (carried_out) {
          ensemble.lose_replies(one->session(), lost);
        } else {
          ensemble.lose_requests(one->session(), lost);
        }
        auto contents = co_await (*one)->lead();
        if (!contents) contents = co_await (*one)->lead();  // the second one may have met the epoch
        EXPECT_TRUE(contents) << contents.error().message();
        EXPECT_EQ(candidates(), 1U);
        co_await end(*one);
        EXPECT_EQ(candidates(), 0U);
      });
    }
  }
}

TEST_F(ZookeeperRegistryTest, OneLeadsTheOthersWaitForThePredecessorAndServeReads) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    auto two = controller();
    auto three = controller();
    EXPECT_TRUE(co_await (*two)->open(soon()));
    EXPECT_TRUE(co_await (*three)->open(soon()));
    io::Scope scope(loop.executor());
    std::vector<std::string> led;
    std::map<std::string, int64_t> epochs;
    const auto stand = [&](ZookeeperRegistry& registry, std::string name) -> io::Task<void> {
      const auto contents = co_await registry.lead();
      EXPECT_TRUE(contents) << (contents ? "" : contents.error().message());
      led.push_back(name);
      if (contents) epochs[name] = contents->epoch;
    };
    scope.spawn(stand(*two->registry, "two"));
    EXPECT_TRUE(co_await until([&] { return candidates() == 2; }));
    scope.spawn(stand(*three->registry, "three"));
    EXPECT_TRUE(co_await until([&] { return candidates() == 3; }));
    EXPECT_TRUE(co_await until([&] { return (*two)->leader() && (*three)->leader(); }));
    EXPECT_EQ((*two)->leader()->url, "http://host:8800");
    EXPECT_FALSE((*two)->leads());
    EXPECT_EQ(code(co_await (*two)->write(batch(event("x")))), ErrorCode::kConflict);

    int told = 0;
    const auto subscription = (*three)->on_contents([&] { ++told; });
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(instance("i", 1)), event("told"))));
    EXPECT_TRUE(co_await until([&] { return (*three)->contents() && (*three)->contents()->instances.size() == 1; }));
    EXPECT_GT(told, 0);
    EXPECT_EQ((*three)->contents()->epoch, 1);
    const auto read = co_await (*three)->events("", "", 5);
    EXPECT_TRUE(read && read->size() == 1);

    ensemble.expire(two->session());
    EXPECT_TRUE(co_await until([&] { return candidates() == 3; })) << "it stands again, behind the third";
    EXPECT_TRUE(led.empty());
    ensemble.disconnect(one->session());
    ensemble.expire(one->session());
    EXPECT_TRUE(co_await until([&] { return led.size() == 1; }));
    EXPECT_THAT(led, ElementsAre("three"));
    co_await end(*three);
    EXPECT_TRUE(co_await until([&] { return led.size() == 2; }));
    EXPECT_LT(epochs["three"], epochs["two"]);
    co_await scope.stop();
    co_await end(*two);
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, ADeposedLeaderStoresNothing) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    // As after a long stop: its session is over and another leads, and nobody has told it yet.
    EXPECT_TRUE(ensemble.erase(layout.leader() + "/" + below(layout.leader()).front()));
    EXPECT_TRUE((*one)->leads()) << "it does not know";
    const Status written = co_await (*one)->write(batch(Write::put(instance("zombie", 9))));
    EXPECT_EQ(code(written), ErrorCode::kConflict);
    EXPECT_FALSE(there(layout.instance("zombie")));
    EXPECT_FALSE((*one)->leads());
    EXPECT_TRUE(co_await until([&] { return one->lost == 1; }));
    auto two = co_await leading();
    EXPECT_EQ(code(co_await (*one)->write(batch(Write::put(instance("zombie", 9))))), ErrorCode::kConflict);
    EXPECT_TRUE(co_await (*two)->write(batch(Write::put(instance("i", 1)))));
    co_await end(*one);
    co_await end(*two);
  });
}

TEST_F(ZookeeperRegistryTest, LosingIsToldAtOnce) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    EXPECT_TRUE(ensemble.erase(layout.leader() + "/" + below(layout.leader()).front()));
    EXPECT_TRUE(co_await until([&] { return one->lost == 1; })) << "somebody removed its node";
    EXPECT_FALSE((*one)->deciding());
    auto again = co_await (*one)->lead();
    EXPECT_TRUE(again && again->epoch == 2);
    ensemble.expire(one->session());
    EXPECT_TRUE(co_await until([&] { return one->lost == 2; })) << "its session ended";
    again = co_await (*one)->lead();
    EXPECT_TRUE(again && again->epoch == 3);
    EXPECT_EQ(candidates(), 1U);
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, WhoHearsNothingDecidesNothing) {
  run([&]() -> io::Task<void> {
    FakeEnsemble::Options quick;
    quick.session_timeout = 300ms;
    FakeEnsemble other(loop, quick);
    auto client = other.connect();
    ZookeeperRegistry registry(loop, *client, options(), system_clock(), Random(1));
    EXPECT_TRUE(co_await registry.open(soon()));
    EXPECT_TRUE(co_await registry.lead());
    int lost = 0;
    registry.on_lost([&] { ++lost; });
    other.disconnect(client->session_id());
    const SteadyTime since = std::chrono::steady_clock::now();
    EXPECT_TRUE(co_await until([&] { return lost == 1; }));
    EXPECT_LT(std::chrono::steady_clock::now() - since, 300ms) << "before the session's end";
    EXPECT_FALSE(registry.deciding());
    EXPECT_EQ(code(co_await registry.write(batch(event("x")))), ErrorCode::kConflict);
    other.reconnect(client->session_id());
    const auto again = co_await registry.lead();
    EXPECT_TRUE(again && again->epoch == 2) << "the session lived on: it leads again";
    EXPECT_EQ(lost, 1);
    co_await registry.stop();
    co_await client->close(soon());
  });
}

TEST_F(ZookeeperRegistryTest, AnotherPlaceOrLauncherIsRefused) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    auto elsewhere = controller(options("other:/data"));
    EXPECT_TRUE(co_await (*elsewhere)->open(soon()));
    auto refused = co_await (*elsewhere)->lead();
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kConflict);
    EXPECT_THAT(refused.error().message(), HasSubstr("host:/data"));
    EXPECT_EQ(candidates(), 1U) << "it stands in nobody's way";
    RegistryOptions yarn = options();
    yarn.candidate.launcher = "yarn";
    auto other_launcher = controller(yarn);
    EXPECT_TRUE(co_await (*other_launcher)->open(soon()));
    refused = co_await (*other_launcher)->lead();
    EXPECT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("local"));
    co_await end(*one);
    EXPECT_TRUE(co_await (*elsewhere)->lead()) << "when nobody leads it may";
    co_await end(*elsewhere);
    co_await end(*other_launcher);
  });
}

TEST_F(ZookeeperRegistryTest, TheEffectOfARequestAndItsRemovalAreOne) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    int told = 0;
    const auto subscription = (*one)->on_requests([&] { ++told; });
    auto client = ensemble.connect();
    Request add{Request::Action::kAdd, "dga", "1.0", 1, 512, "/p"};
    std::vector<std::string> items;
    for (int i = 0; i < 3; ++i) {
      const auto item = co_await put_request(*client, layout, add, soon());
      EXPECT_TRUE(item);
      items.push_back(item.value_or(""));
    }
    EXPECT_TRUE(co_await until([&] { return told > 0; }));
    auto waiting = co_await (*one)->requests(2);
    EXPECT_TRUE(waiting && waiting->size() == 2);
    EXPECT_EQ(waiting->at(0).id, items[0]);
    EXPECT_EQ(waiting->at(0).data, to_json(add));

    EXPECT_TRUE(co_await (*one)->write(batch(Write::take_request(items[0]), Write::put(deployment("dga", "1.0", 1)))));
    EXPECT_FALSE(there(layout.queue + "/" + items[0]));
    const Status twice =
        co_await (*one)->write(batch(Write::put(deployment("dga", "1.0", 2)), Write::take_request(items[0])));
    EXPECT_EQ(code(twice), ErrorCode::kConflict);
    EXPECT_THAT(twice.error().message(), HasSubstr(items[0]));
    EXPECT_THAT(data(layout.deployment("dga", "1.0")), HasSubstr("\"generation\":1")) << "no effect without its item";
    EXPECT_TRUE((*one)->leads());

    EXPECT_TRUE(co_await (*one)->write(batch(Write::reject_request(items[1], "junk", "no JSON"))));
    EXPECT_TRUE(co_await until([&] { return (*one)->rejected().size() == 1; }));
    EXPECT_EQ((*one)->rejected().front().item, items[1]);
    EXPECT_EQ((*one)->rejected().front().reason, "no JSON");
    EXPECT_EQ((*one)->rejected().front().data, "junk");
    EXPECT_EQ(code(co_await (*one)->write(batch(Write::take_request("../instances")))), ErrorCode::kInvalidArgument);
    waiting = co_await (*one)->requests(10);
    EXPECT_TRUE(waiting && waiting->size() == 1);
    co_await client->close(soon());
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, TheQueueIsHeardOfAfterASessionToo) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    int told = 0;
    const auto subscription = (*one)->on_requests([&] { ++told; });
    ensemble.expire(one->session());
    EXPECT_TRUE(co_await until([&] { return one->lost == 1; }));
    EXPECT_TRUE(co_await (*one)->lead());
    put(layout.queue + "/qn-0000000000", "null");
    EXPECT_TRUE(co_await until([&] { return told > 0; }));
    ensemble.disconnect(one->session());
    ensemble.reconnect(one->session());
    const int before = told;
    put(layout.queue + "/qn-0000000001", "null");
    EXPECT_TRUE(co_await until([&] { return told > before; }));
    put(layout.queue + "/stranger", "x");
    const auto waiting = co_await (*one)->requests(10);
    EXPECT_TRUE(waiting && waiting->size() == 2) << "what is no item is passed over";
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, ALivingReferenceIsRefused) {
  run([&]() -> io::Task<void> {
    put(layout.queue, "");
    // As the reference: lists the queue with a watch, takes the lowest.
    auto master = ensemble.connect();
    io::Scope scope(loop.executor());
    const auto take = [&]() -> io::Task<void> {
      for (;;) {
        auto children = co_await master->children(layout.queue);
        if (children && !children->names.empty())
          (void)co_await master->remove(layout.queue + "/" + children->names.front());
        co_await io::sleep_for(2ms);
      }
    };
    scope.spawn(take());
    auto one = controller();
    EXPECT_TRUE(co_await (*one)->open(soon()));
    auto refused = co_await (*one)->lead();
    EXPECT_FALSE(refused);
    if (!refused) {
      EXPECT_EQ(refused.error().code(), ErrorCode::kConflict);
      EXPECT_THAT(refused.error().message(), HasSubstr("--take-over"));
    }
    EXPECT_EQ(candidates(), 0U);
    EXPECT_FALSE(there(layout.epoch()) && ensemble.nodes().at(layout.epoch()).stat.version > 0) << "it never led";
    RegistryOptions forced = options();
    forced.take_over = true;
    auto two = controller(forced);
    EXPECT_TRUE(co_await (*two)->open(soon()));
    EXPECT_TRUE(co_await (*two)->lead());
    co_await end(*two);
    co_await scope.stop();

    const auto led = co_await (*one)->lead();
    EXPECT_TRUE(led) << "nobody takes anything any more";
    EXPECT_THAT(below(layout.queue), ElementsAre()) << "the probe is taken back";
    co_await end(*one);
    co_await master->close(soon());
  });
}

TEST_F(ZookeeperRegistryTest, WaitingRequestsThatNobodyTakesNeedNoProbe) {
  run([&]() -> io::Task<void> {
    put(layout.queue + "/qn-0000000004", "{}");
    auto one = co_await leading();
    EXPECT_THAT(below(layout.queue), ElementsAre("qn-0000000004"));
    EXPECT_EQ(std::count_if(ensemble.requests().begin(), ensemble.requests().end(),
                            [&](const std::string& r) { return r.starts_with("create " + layout.queue); }),
              0);
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, RunnersNewsCome) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(instance("i", 1)))));
    std::vector<ZookeeperRegistry::RunnerNews> news;
    auto subscription = (*one)->on_runners([&](const auto& said) { news.push_back(said); });
    EXPECT_TRUE(co_await until([&] { return !news.empty(); })) << "what is there comes first";
    EXPECT_EQ(news.back().id, "i");
    EXPECT_FALSE(news.back().lease);
    EXPECT_FALSE(news.back().report);
    auto runner = ensemble.connect();
    EXPECT_TRUE(co_await runner->create(layout.lease("i"), json::dump(to_json(LeaseRecord{1, "h", 5})),
                                        CreateMode::kEphemeral));
    EXPECT_TRUE(co_await until([&] { return news.back().lease.has_value(); }));
    EXPECT_EQ(news.back().lease->runner_pid, 5);
    put(layout.report("i"), R"({"id":"i","incarnation":1,"state":"ready"})");
    EXPECT_TRUE(co_await until([&] { return news.back().report.has_value(); }));
    EXPECT_EQ(news.back().report->state, InstanceState::kReady);
    put(layout.report("i"), "rubbish");
    EXPECT_TRUE(co_await until([&] { return !news.back().report; })) << "what cannot be read says nothing";
    co_await runner->close(soon());
    EXPECT_TRUE(co_await until([&] { return !news.back().lease; }));
    const size_t count = news.size();
    subscription.reset();
    put(layout.report("i"), "");
    EXPECT_TRUE(co_await (*one)->write(batch(Write::remove_instance("i"))));
    (void)co_await (*one)->events("", "", 1);
    EXPECT_EQ(news.size(), count);
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, ADamagedRecordIsNamed) {
  run([&]() -> io::Task<void> {
    put(layout.instance("i"), "rubbish");
    auto one = controller();
    EXPECT_TRUE(co_await (*one)->open(soon()));
    const auto contents = co_await (*one)->lead();
    EXPECT_FALSE(contents);
    if (!contents) {
      EXPECT_EQ(contents.error().code(), ErrorCode::kDataLoss);
      EXPECT_THAT(contents.error().message(), HasSubstr(layout.instance("i")));
    }
    EXPECT_TRUE(ensemble.erase(layout.instance("i")));
    EXPECT_TRUE(co_await (*one)->lead());
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, WhatAnotherProgramChangedIsAConflictUntilItIsRead) {
  run([&]() -> io::Task<void> {
    auto one = co_await leading();
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(instance("i", 1)))));
    put(instance("i", 1, InstanceState::kFailed));
    EXPECT_EQ(code(co_await (*one)->write(batch(Write::put(instance("i", 1, InstanceState::kReady))))),
              ErrorCode::kConflict);
    EXPECT_TRUE(co_await until([&] { return one->lost == 1; }));
    const auto contents = co_await (*one)->lead();
    EXPECT_TRUE(contents && contents->instances.at(0).state == InstanceState::kFailed);
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(instance("i", 1, InstanceState::kReady)))));
    co_await end(*one);
  });
}

TEST_F(ZookeeperRegistryTest, SecretsKeepWorkersAndStrangersOut) {
  run([&]() -> io::Task<void> {
    RegistryOptions with = options();
    with.secrets = {"installation", derive_application_secret("installation", "application_1_1")};
    auto one = controller(with);
    EXPECT_TRUE(co_await (*one)->open(soon()));
    EXPECT_TRUE(co_await (*one)->lead());
    EXPECT_TRUE(co_await (*one)->write(batch(Write::put(deployment("dga", "1.0", 1)), Write::put(instance("i", 1)))));

    auto worker = ensemble.connect(worker_auth(with.secrets));
    EXPECT_TRUE(co_await worker->get(layout.instance("i")));
    EXPECT_FALSE(co_await worker->set(layout.instance("i"), "x"));
    EXPECT_FALSE(co_await worker->remove(layout.deployment("dga", "1.0")));
    EXPECT_FALSE(co_await worker->create(layout.leader() + "/n-", "", CreateMode::kEphemeralSequential));
    EXPECT_TRUE(co_await worker->set(layout.report("i"), "{}"));
    const Access worker_access = access_of({"", with.secrets.application}, true);
    EXPECT_TRUE(co_await worker->create(layout.lease("i"), "{}", CreateMode::kEphemeral, worker_access.workers));
    EXPECT_TRUE(
        co_await worker->create(layout.endpoint("dga", "i"), "{}", CreateMode::kEphemeral, worker_access.workers));
    auto stranger = ensemble.connect();
    EXPECT_TRUE(co_await stranger->get(layout.endpoint("dga", "i")));
    EXPECT_FALSE(co_await stranger->set(layout.report("i"), "x"));
    EXPECT_FALSE(co_await stranger->create(layout.lease("x"), ""));
    EXPECT_TRUE(co_await put_request(*stranger, layout, {.name = "dga", .version = "1.0", .path = "/p"}, soon()))
        << "the queue is open to all, as the reference's";
    co_await worker->close(soon());
    co_await end(*one);

    // The next application of the same installation.
    RegistryOptions next = with;
    next.secrets.application = derive_application_secret("installation", "application_1_2");
    next.take_over = true;
    auto two = controller(next);
    EXPECT_TRUE(co_await (*two)->open(soon()));
    const auto contents = co_await (*two)->lead();
    EXPECT_TRUE(contents && contents->instances.size() == 1);
    EXPECT_TRUE(co_await (*two)->write(batch(Write::put(instance("i", 2)))));
    auto next_worker = ensemble.connect(worker_auth(next.secrets));
    EXPECT_TRUE(co_await next_worker->set(layout.report("i"), "{}"));
    EXPECT_TRUE(co_await next_worker->create(layout.lease("i"), "{}", CreateMode::kEphemeral));
    EXPECT_TRUE(co_await next_worker->create(layout.endpoint("dga", "i"), "{}", CreateMode::kEphemeral));
    auto old_worker = ensemble.connect(worker_auth(with.secrets));
    EXPECT_FALSE(co_await old_worker->set(layout.report("i"), "{}"));
    EXPECT_FALSE(co_await old_worker->create(layout.lease("j"), "{}", CreateMode::kEphemeral));
    co_await next_worker->close(soon());
    co_await old_worker->close(soon());
    co_await stranger->close(soon());
    co_await end(*two);
  });
}

}  // namespace
}  // namespace modelyard::registry::zookeeper
