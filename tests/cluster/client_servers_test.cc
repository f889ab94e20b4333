// SPDX-License-Identifier: Apache-2.0
// The client over real servers of every version: what it promises of sessions, lost servers, TLS and SASL.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/clock.h"
#include "base/random.h"
#include "cluster/zookeeper_server.h"
#include "zookeeper/client.h"

namespace modelyard::zookeeper {
namespace {

using namespace std::chrono_literals;
using modelyard::testing::ZooKeeperOptions;
using modelyard::testing::ZooKeeperServers;

SteadyTime soon(std::chrono::milliseconds in = 30s) { return system_clock().now() + in; }

class Servers {
 public:
  void start(ZooKeeperOptions options) {
    auto started = ZooKeeperServers::start(std::move(options));
    ASSERT_TRUE(started) << started.error().message();
    servers = std::move(*started);
  }
  ClientOptions options(std::chrono::milliseconds session_timeout = 10s) const {
    ClientOptions out;
    out.quorum = servers->quorum();
    out.session_timeout = session_timeout;
    return out;
  }
  std::unique_ptr<Client> connect(const ClientOptions& wanted) {
    auto client = connect_client(loop, wanted, Random::from_system());
    EXPECT_TRUE(client) << client.error().message();
    return std::move(*client);
  }
  Client::Subscription note_states(Client& client) {
    return client.on_state([this](Client::State state, bool new_session) {
      log += fmt::format("{}{} ", static_cast<int>(state), new_session ? "n" : "");
    });
  }
  Client::Watcher note_events() {
    return [this](const WatchEvent& event) {
      log += fmt::format("event({},{}) ", static_cast<int>(event.type), event.path);
    };
  }
  // Which server holds the session now; -1 = none.
  int server_of(int64_t session) const {
    for (int i = 0; i < servers->size(); ++i) {
      if (servers->four(i, "cons").find(fmt::format("sid=0x{:x}", session)) != std::string::npos) return i;
    }
    return -1;
  }
  // polls: until the condition holds.
  template <typename Condition>
  static io::Task<bool> eventually(Condition condition) {
    for (const SteadyTime end = soon(); !condition();) {
      if (system_clock().now() > end) co_return false;
      co_await io::sleep_for(2ms);
    }
    co_return true;
  }

  std::unique_ptr<ZooKeeperServers> servers;
  io::Loop loop;
  std::string log;
};

class ClientServers : public ::testing::TestWithParam<std::string>, public Servers {};
INSTANTIATE_TEST_SUITE_P(Versions, ClientServers, ::testing::Values("3.4", "3.8", "3.9"),
                         [](const auto& info) { return "v" + std::string(1, info.param[0]) + info.param[2]; });
class SecureServers : public ::testing::TestWithParam<std::string>, public Servers {};
INSTANTIATE_TEST_SUITE_P(Versions, SecureServers, ::testing::Values("3.8", "3.9"),
                         [](const auto& info) { return "v" + std::string(1, info.param[0]) + info.param[2]; });

io::Task<void> create_one(Client& client, int i, int& good) {
  if (co_await client.create(fmt::format("/p/n{:05}", i), std::to_string(i))) ++good;
}
io::Task<void> get_one(Client& client, int i, int& good) {
  const auto node = co_await client.get(fmt::format("/p/n{:05}", i));
  if (node && node->data == std::to_string(i)) ++good;
}

TEST_P(ClientServers, TenThousandOperationsAreOnTheirWay) {
  start({.version = GetParam()});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    const auto client = test.connect(test.options());
    EXPECT_TRUE(co_await make_path(*client, "/p"));
    int created = 0, read = 0;
    io::Scope scope(test.loop.executor());
    for (int i = 0; i < 10'000; ++i) scope.spawn(create_one(*client, i, created));
    co_await scope.join();
    for (int i = 0; i < 10'000; ++i) scope.spawn(get_one(*client, i, read));
    co_await scope.join();
    EXPECT_EQ(created, 10'000);
    EXPECT_EQ(read, 10'000);
    EXPECT_EQ((co_await client->children("/p"))->names.size(), 10'000u);
    EXPECT_TRUE(co_await remove_tree(*client, "/p"));
    EXPECT_EQ((co_await client->exists("/p")).error().code(), ErrorCode::kNotFound);
    co_await client->close(soon(2s));
  }(*this));
}

TEST_P(ClientServers, DataUpToTheServersLimit) {
  start({.version = GetParam()});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    const auto client = test.connect(test.options());
    const std::string large((1 << 20) - 200, 'x');
    EXPECT_TRUE(co_await client->create("/large", large));
    const auto node = co_await client->get("/large");
    EXPECT_TRUE(node && node->data == large);
    // Above it the server closes the connection; the session lives on.
    const auto refused = co_await client->set("/large", std::string((1 << 20) + 1, 'y'));
    EXPECT_EQ(refused.error().code(), ErrorCode::kDeadline) << refused.error().message();
    EXPECT_EQ((co_await client->exists("/large"))->version, 0);
    co_await client->close(soon(2s));
  }(*this));
}

TEST_P(ClientServers, AnExpiredSessionIsReplaced) {
  start({.version = GetParam()});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    const auto client = test.connect(test.options(1s));
    const auto states = test.note_states(*client);
    EXPECT_TRUE(co_await client->create("/lasting", ""));
    EXPECT_TRUE(co_await client->create("/fleeting", "", CreateMode::kEphemeral));
    EXPECT_TRUE(co_await client->get("/lasting", test.note_events()));
    const int64_t session = client->session_id();
    // polls: this loop stands still, without pings, until the server has let the session go.
    const std::string name = fmt::format("0x{:x}", session);
    const auto has_session = [&] { return test.servers->four(0, "dump").find(name) != std::string::npos; };
    EXPECT_TRUE(has_session());
    for (const SteadyTime end = soon(); has_session() && system_clock().now() < end;) {
    }
    EXPECT_TRUE(co_await eventually([&] { return client->session_id() != session && client->session_id() != 0; }));
    EXPECT_TRUE(co_await client->wait_connected(soon()));
    EXPECT_EQ((co_await client->exists("/fleeting")).error().code(), ErrorCode::kNotFound);
    EXPECT_TRUE(co_await client->create("/fleeting", "", CreateMode::kEphemeral));
    EXPECT_EQ(test.log, "1n 0 2 event(-2,/lasting) 1n ");
    co_await client->close(soon(2s));
  }(*this));
}

TEST_P(ClientServers, ClosingTakesTheEphemeralNodesAtOnce) {
  start({.version = GetParam()});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    const auto client = test.connect(test.options(20s));
    const auto other = test.connect(test.options());
    EXPECT_TRUE(co_await client->create("/fleeting", "", CreateMode::kEphemeral));
    EXPECT_TRUE(co_await other->exists("/fleeting", test.note_events()));
    co_await client->close(soon(5s));
    EXPECT_EQ((co_await other->exists("/fleeting")).error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(test.log, "event(2,/fleeting) ");
    co_await other->close(soon(2s));
  }(*this));
}

TEST_P(ClientServers, AOneShotWatchDoesNotEndAPersistentOne) {
  if (GetParam() == "3.4") return;  // which has no persistent ones
  start({.version = GetParam()});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    const auto client = test.connect(test.options());
    for (const auto mode : {Client::WatchMode::kPersistent, Client::WatchMode::kPersistentRecursive}) {
      const std::string path = mode == Client::WatchMode::kPersistent ? "/p" : "/r";
      EXPECT_TRUE(co_await client->create(path, ""));
      int persistent = 0, once = 0, children = 0;
      const auto kept = co_await client->add_watch(path, mode, [&](const WatchEvent&) { ++persistent; });
      EXPECT_TRUE(co_await client->get(path, [&](const WatchEvent&) { ++once; }));
      EXPECT_TRUE(co_await client->children(path, [&](const WatchEvent&) { ++children; }));
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(co_await client->set(path, "x"));
      EXPECT_TRUE(co_await client->create(path + "/kid", ""));
      EXPECT_TRUE(co_await client->sync("/"));
      EXPECT_TRUE(co_await eventually([&] { return persistent == 4 && once == 1 && children == 1; }))
          << path << " " << persistent << " " << once << " " << children;
    }
    co_await client->close(soon(2s));
  }(*this));
}

TEST_P(ClientServers, TheSessionOutlivesTheServerItWasOn) {
  start({.version = GetParam(), .size = 3});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    const auto client = test.connect(test.options(20s));
    const auto other = test.connect(test.options(20s));
    EXPECT_TRUE(co_await client->wait_connected(soon())) << client->trouble();
    const int64_t session = client->session_id();
    EXPECT_TRUE(co_await client->create("/fleeting", "", CreateMode::kEphemeral));
    EXPECT_TRUE(co_await client->create("/data", "0"));
    EXPECT_TRUE(co_await client->get("/data", test.note_events()));
    EXPECT_TRUE(co_await client->children("/", test.note_events()));
    EXPECT_EQ((co_await client->exists("/new", test.note_events())).error().code(), ErrorCode::kNotFound);
    const int first = test.server_of(session);
    EXPECT_NE(first, -1);
    test.servers->kill(first);
    // What is changed while it is away is told after the reconnect.
    Result<Stat> set = fail(ErrorCode::kUnavailable, "");
    while (!set) set = co_await other->set("/data", "1", kAnyVersion, soon());
    EXPECT_TRUE(co_await client->sync("/", soon()) || co_await client->sync("/", soon()));
    EXPECT_TRUE(co_await eventually([&] { return test.log.find("event(3,/data)") != std::string::npos; })) << test.log;
    EXPECT_EQ(client->session_id(), session);
    EXPECT_NE(test.server_of(session), first);
    EXPECT_TRUE(co_await client->exists("/fleeting"));
    Result<std::string> made = fail(ErrorCode::kUnavailable, "");
    while (!made && made.error().code() != ErrorCode::kAlreadyExists)
      made = co_await other->create("/new", "", CreateMode::kPersistent, open_acl(), soon());
    EXPECT_TRUE(co_await eventually([&] { return test.log.find("event(1,/new)") != std::string::npos; })) << test.log;
    EXPECT_TRUE(co_await eventually([&] { return test.log.find("event(4,/)") != std::string::npos; })) << test.log;
    co_await client->close(soon(5s));
    co_await other->close(soon(5s));
  }(*this));
}

TEST_P(ClientServers, ASilentServerIsLeft) {
  start({.version = GetParam(), .size = 3});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    const auto client = test.connect(test.options(3s));
    EXPECT_TRUE(co_await client->wait_connected(soon())) << client->trouble();
    EXPECT_TRUE(co_await client->create("/a", ""));
    const int64_t session = client->session_id();
    const int first = test.server_of(session);
    test.servers->freeze(first);
    const SteadyTime begin = system_clock().now();
    const auto lost = co_await client->exists("/a", {}, soon());
    EXPECT_EQ(lost.error().code(), ErrorCode::kDeadline);
    EXPECT_NE(lost.error().message().find("nothing was heard"), std::string::npos) << lost.error().message();
    EXPECT_LT(system_clock().now() - begin, 3s);  // two thirds of the session's time
    EXPECT_TRUE(co_await client->exists("/a", {}, soon())) << client->trouble();
    test.servers->thaw(first);
    co_await client->close(soon(5s));
  }(*this));
}

TEST_P(ClientServers, DigestIdentities) {
  start({.version = GetParam()});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    ClientOptions with = test.options();
    with.auth = {{"digest", "metron:secret"}};
    const auto owner = test.connect(with);
    const auto other = test.connect(test.options());
    const AclList mine = {{perms::kAll, "digest", digest_id("metron", "secret")}};
    EXPECT_TRUE(co_await owner->create("/mine", "x", CreateMode::kPersistent, mine));
    EXPECT_EQ((co_await owner->get("/mine"))->data, "x");
    EXPECT_EQ((co_await other->get("/mine")).error().code(), ErrorCode::kPermissionDenied);
    EXPECT_TRUE(co_await other->add_auth("digest", "metron:wrong"));
    EXPECT_EQ((co_await other->set("/mine", "y")).error().code(), ErrorCode::kPermissionDenied);
    EXPECT_TRUE(co_await other->add_auth("digest", "metron:secret"));
    EXPECT_EQ((co_await other->get("/mine"))->data, "x");
    EXPECT_TRUE(test.servers->restart());  // the identities are shown again
    Result<Client::Node> again = fail(ErrorCode::kUnavailable, "");
    for (int tries = 0; !again && tries < 3; ++tries) again = co_await other->get("/mine", {}, soon());
    EXPECT_TRUE(again) << again.error().message();
    ClientOptions unknown = test.options();
    unknown.auth = {{"nonsense", "x"}};
    const auto refused = test.connect(unknown);
    EXPECT_FALSE(co_await refused->wait_connected(soon()));
    EXPECT_EQ(refused->state(), Client::State::kRefused);
    for (const auto& client : {&owner, &other, &refused}) co_await (*client)->close(soon(2s));
  }(*this));
}

// Connected, and an operation went through; otherwise the state that it came to.
io::Task<Client::State> try_once(Servers& test, ClientOptions options, std::chrono::milliseconds patience = 30s) {
  const auto client = test.connect(options);
  co_await client->wait_connected(soon(patience));
  if (client->state() == Client::State::kConnected) EXPECT_TRUE(co_await client->exists("/"));
  const Client::State state = client->state();
  EXPECT_EQ(client->trouble().empty(), state == Client::State::kConnected);
  test.log = client->trouble();
  co_await client->close(soon(2s));
  co_return state;
}

TEST_P(SecureServers, Tls) {
  start({.version = GetParam(), .tls = true});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    ClientOptions good = test.options();
    good.quorum = test.servers->secure_quorum();
    good.tls = {.enabled = true,
                .ca_file = test.servers->ca_file(),
                .certificate_file = test.servers->client_certificate_file(),
                .key_file = test.servers->client_key_file()};
    EXPECT_EQ(co_await try_once(test, good), Client::State::kConnected) << test.log;

    const auto client = test.connect(good);
    const std::string large((1 << 20) - 200, 'x');
    EXPECT_TRUE(co_await make_path(*client, "/p"));
    EXPECT_TRUE(co_await client->create("/large", large));
    EXPECT_TRUE((co_await client->get("/large"))->data == large);
    int created = 0;
    io::Scope scope(test.loop.executor());
    for (int i = 0; i < 2'000; ++i) scope.spawn(create_one(*client, i, created));
    co_await scope.join();
    EXPECT_EQ(created, 2'000);
    co_await client->close(soon(2s));

    ClientOptions stranger = good;
    stranger.tls.ca_file = "";  // the system's authorities do not know it
    EXPECT_EQ(co_await try_once(test, stranger), Client::State::kRefused);
    EXPECT_NE(test.log.find("certificate is refused"), std::string::npos) << test.log;

    ClientOptions nobody = good;
    nobody.tls.certificate_file = nobody.tls.key_file = "";
    EXPECT_EQ(co_await try_once(test, nobody), Client::State::kRefused);
    EXPECT_NE(test.log.find("refuses us"), std::string::npos) << test.log;

    ClientOptions other_name =
        good;  // 127.0.0.2 reaches nobody here, so: an address that the certificate does not have
    other_name.quorum.replace(0, other_name.quorum.find(':'), "[::ffff:127.0.0.1]");
    EXPECT_EQ(co_await try_once(test, other_name), Client::State::kRefused);
    EXPECT_NE(test.log.find("IP address mismatch"), std::string::npos) << test.log;
    other_name.tls.verify_host_name = false;
    EXPECT_EQ(co_await try_once(test, other_name), Client::State::kConnected) << test.log;

    ClientOptions wrong_port = good;
    wrong_port.quorum = test.servers->quorum();
    EXPECT_EQ(co_await try_once(test, wrong_port, 1s), Client::State::kConnecting);
  }(*this));
}

TEST_P(SecureServers, Sasl) {
  start({.version = GetParam(), .sasl_user = "metron", .sasl_password = "right, and = proper"});
  io::run_blocking(loop, [](Servers& test) -> io::Task<void> {
    ClientOptions good = test.options();
    good.sasl = {SaslOptions::Mechanism::kDigestMd5, "metron", "right, and = proper"};
    EXPECT_EQ(co_await try_once(test, good), Client::State::kConnected) << test.log;

    const auto client = test.connect(good);
    EXPECT_TRUE(co_await client->create("/mine", "", CreateMode::kPersistent, {{perms::kAll, "sasl", "metron"}}));
    EXPECT_TRUE(test.servers->restart());
    Result<Stat> again = fail(ErrorCode::kUnavailable, "");
    for (int tries = 0; !again && tries < 3; ++tries) again = co_await client->set("/mine", "x", kAnyVersion, soon());
    EXPECT_TRUE(again) << again.error().message();
    co_await client->close(soon(2s));

    ClientOptions wrong = good;
    wrong.sasl.password = "wrong";
    EXPECT_EQ(co_await try_once(test, wrong), Client::State::kRefused);
    EXPECT_NE(test.log.find("SASL"), std::string::npos) << test.log;
    wrong.sasl.user = "nobody";
    EXPECT_EQ(co_await try_once(test, wrong), Client::State::kRefused);

    const auto without = test.connect(test.options());
    EXPECT_EQ((co_await without->exists("/")).error().code(), ErrorCode::kUnauthenticated);
    EXPECT_EQ(without->state(), Client::State::kRefused);
    co_await without->close(soon(2s));
  }(*this));
}

}  // namespace
}  // namespace modelyard::zookeeper
