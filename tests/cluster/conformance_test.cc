// SPDX-License-Identifier: Apache-2.0
// One list of operations, played on FakeEnsemble and on real servers: every answer is the same.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "base/clock.h"
#include "base/strings.h"
#include "cluster/zookeeper_server.h"
#include "zookeeper/client.h"
#include "zookeeper/fake.h"

namespace modelyard::zookeeper {
namespace {

using namespace std::chrono_literals;

// A line is an operation of client A, or of B, who has shown digest b:secret: "B: set /t data 3" with 3 for the version
// and "-" for empty data. `watch` sets a one-shot watch; `events` is what the client was told since the last time.
constexpr std::string_view kScript = R"(
create /t -
create /t -
create /t/a/b -
create /t/a one
get /t/a
set /t/a two 7
set /t/a two 0
set /t/a - -1
get /t/a
set /t/none x
get /t/none
exists /t/none
children /t/none
exists /t/a
create /t/a/kid -
remove /t/a
remove /t/a/kid 4
remove /t/a/kid 0
remove /t/a/kid
exists /t/a
exists /t
children /t
remove /

create /t/s -
create /t/s/n- - sequential
create /t/s/plain -
remove /t/s/plain
create /t/s/n- - sequential
create /t/s/ - ephemeral-sequential
exists /t/s
create /t/none/n- - sequential

create /t/e mine ephemeral
B: exists /t/e
create /t/e/kid -
create /t/e - ephemeral
B: remove /t/e
create /t/c - container
create /t/ttl - ttl

multi create /t/m 1 ; set /t/m 2 0 ; create /t/m/x - ; check /t/m 1 ; remove /t/m/x
exists /t/m
multi create /t/m/y - ; set /t/m 3 9 ; remove /t/m
multi create /t/m/y - ; check /t/none ; remove /t/none
multi create /t/m/y - ; create /t/m/y -
multi remove /t
multi create /t/m/q- - sequential ; create /t/m/q- - sequential ; create /t/m/q- - ephemeral-sequential
multi create /t/e/kid -
multi
children /t/m
exists /t/m

create /t/p x persistent acl=none
create /t/p x persistent acl=auth
create /t/p x persistent acl=bad-scheme
create /t/p x persistent acl=bad-world
create /t/p x persistent acl=bad-digest
B: create /t/p secret persistent acl=auth
B: get_acl /t/p
get /t/p
exists /t/p
children /t/p
set /t/p y
create /t/p/kid -
B: create /t/p/kid -
remove /t/p/kid
set_acl /t/p acl=open
multi check /t/p
multi set /t/p y
multi create /t/p/other -
B: set_acl /t/p acl=read 5
B: set_acl /t/p acl=read 0
B: set /t/p y
get /t/p
get_acl /t/none
B: set_acl /t/none acl=open
create /t/o -
set_acl /t/o acl=none
set_acl /t/o acl=mixed
get /t/o
B: get /t/o
get_acl /t
set_acl /t/o acl=open

create /t/w - 
exists /t/w/later watch
get /t/w watch
children /t/w watch
get /t/w/never watch
B: set /t/w 1
B: set /t/w 2
B: create /t/w/later -
B: create /t/w/never -
B: set /t/w/later 1
events
get /t/w watch
set /t/w 3
events
children /t/w/later watch
get /t/w/later watch
exists /t/w/later watch
remove /t/w/later
events
exists /t/w/again watch
multi create /t/w/again - ; set /t/w/again 1 ; remove /t/w/again
events
get /t/w watch
multi set /t/w 4 ; set /t/w 5 ; check /t/none
events
set /t/w 6
events

add_watch /t/r recursive
add_watch /t/kept persistent
create /t/r -
B: create /t/r/a -
B: create /t/r/a/b -
B: set /t/r/a/b 1
B: set /t/r 1
B: multi create /t/r/c - ; set /t/r/c 1 ; remove /t/r/a/b
B: create /t/rx -
B: remove /t/r/a
B: create /t/kept -
B: create /t/kept/a -
B: set /t/kept 1
B: set /t/kept/a 1
B: remove /t/kept/a
B: remove /t/kept
B: create /t/kept -
events
get /t/r/c watch
children /t/r watch
B: set /t/r/c 2
B: remove /t/r/c
events

exists /t/closed watch
exists /t/r/closed watch
B: create /t/closed x persistent acl=auth
B: create /t/r/closed x persistent acl=auth
B: set /t/r/closed y
B: set_acl /t/r/closed acl=open
B: set /t/r/closed z
exists /t/closed watch
B: remove /t/closed
events

add_auth nonsense x
sync /t
)";

std::string_view name_of(CreateMode mode) {
  switch (mode) {
    case CreateMode::kPersistent: return "persistent";
    case CreateMode::kEphemeral: return "ephemeral";
    case CreateMode::kPersistentSequential: return "sequential";
    case CreateMode::kEphemeralSequential: return "ephemeral-sequential";
    case CreateMode::kContainer: return "container";
    case CreateMode::kPersistentWithTtl: return "ttl";
    case CreateMode::kPersistentSequentialWithTtl: return "sequential-ttl";
  }
  return "";
}

CreateMode mode_of(std::string_view name) {
  for (int i = 0; i <= 6; ++i) {
    if (name_of(static_cast<CreateMode>(i)) == name) return static_cast<CreateMode>(i);
  }
  ADD_FAILURE() << "no mode " << name;
  return CreateMode::kPersistent;
}

AclList acl_of(std::string_view name) {
  if (name == "acl=open") return open_acl();
  if (name == "acl=none") return {};
  if (name == "acl=auth") return {{perms::kAll, "auth", ""}};
  if (name == "acl=read") return {{perms::kRead, "world", "anyone"}};
  if (name == "acl=mixed")
    return {{perms::kAll, "digest", digest_id("b", "secret")}, {perms::kAdmin, "world", "anyone"}};
  if (name == "acl=bad-scheme") return {{perms::kAll, "nonsense", "x"}};
  if (name == "acl=bad-world") return {{perms::kAll, "world", "somebody"}};
  if (name == "acl=bad-digest") return {{perms::kAll, "digest", "no colon"}};
  ADD_FAILURE() << "no access list " << name;
  return {};
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> out;
  for (const std::string_view word : split(line, ' ')) {
    if (!word.empty()) out.emplace_back(word);
  }
  return out;
}

// The words of an operation, with defaults for those that are not there.
class Words {
 public:
  explicit Words(std::vector<std::string> words) : words_(std::move(words)) {}
  const std::string& operator[](size_t i) const { return i < words_.size() ? words_[i] : none_; }
  std::string data(size_t i) const { return (*this)[i] == "-" ? "" : (*this)[i]; }
  int32_t version(size_t i) const {
    return i < words_.size() ? static_cast<int32_t>(*parse_int(words_[i])) : kAnyVersion;
  }
  bool watches() const { return words_.back() == "watch"; }
  CreateMode mode(size_t i) const { return i < words_.size() ? mode_of(words_[i]) : CreateMode::kPersistent; }
  AclList acl(size_t i) const { return i < words_.size() ? acl_of(words_[i]) : open_acl(); }

  Op op() const {
    if (words_[0] == "create") return Op::create(words_[1], data(2), mode(3), acl(4));
    if (words_[0] == "remove") return Op::remove(words_[1], version(2));
    if (words_[0] == "set") return Op::set(words_[1], data(2), version(3));
    return Op::check(words_[1], version(2));
  }

 private:
  std::vector<std::string> words_;
  std::string none_;
};

class Player {
 public:
  Player(Client& a, Client& b) : clients_{&a, &b} {}

  io::Task<std::vector<std::string>> play() {
    std::vector<std::string> out;
    for (std::string_view line : split(kScript, '\n')) {
      line = trim_ascii(line);
      if (line.empty()) continue;
      who_ = line.starts_with("B: ") ? 1 : 0;
      const std::string answer = co_await run(line.substr(who_ == 1 ? 3 : 0));
      out.push_back(fmt::format("{} -> {}", line, answer));
    }
    co_return out;
  }

 private:
  io::Task<std::string> run(std::string_view line) {
    Client& client = *clients_[who_];
    const Words words(words_of(line));
    const std::string& verb = words[0];
    if (verb == "multi") co_return text(co_await client.multi(ops_of(line.substr(5))));
    if (verb == "events") co_return co_await events(client);
    const std::string path = words[1];
    if (verb == "create") co_return text(co_await client.create(path, words.data(2), words.mode(3), words.acl(4)));
    if (verb == "remove") co_return text(co_await client.remove(path, words.version(2)));
    if (verb == "set") co_return text(co_await client.set(path, words.data(2), words.version(3)));
    if (verb == "get") co_return text(co_await client.get(path, watcher(words.watches())));
    if (verb == "exists") co_return text(co_await client.exists(path, watcher(words.watches())));
    if (verb == "children") co_return text(co_await client.children(path, watcher(words.watches())));
    if (verb == "get_acl") co_return text(co_await client.get_acl(path));
    if (verb == "set_acl") co_return text(co_await client.set_acl(path, words.acl(2), words.version(3)));
    if (verb == "sync") co_return text(co_await client.sync(path));
    if (verb == "add_auth") co_return text(co_await client.add_auth(path, words[2]));
    if (verb == "add_watch") co_return text(co_await add_watch(client, path, words[2] == "recursive"));
    ADD_FAILURE() << "no operation " << verb;
    co_return "";
  }

  io::Task<Status> add_watch(Client& client, std::string path, bool is_recursive) {
    const auto mode = is_recursive ? Client::WatchMode::kPersistentRecursive : Client::WatchMode::kPersistent;
    auto watch = co_await client.add_watch(path, mode, [this, is_recursive](const WatchEvent& event) {
      told_.push_back(text(event) + (is_recursive ? " recursive" : " persistent"));
    });
    if (!watch) co_return fail(watch.error());
    subscriptions_.push_back(*watch);
    co_return Status();
  }

  // In order of their kinds: the order of events of different watches is told in `told_` of one kind alone.
  io::Task<std::string> events(Client& client) {
    if (Status synced = co_await client.sync("/t"); !synced) co_return text(synced);
    std::stable_sort(told_.begin(), told_.end(), [](const std::string& x, const std::string& y) {
      return x.substr(x.rfind(' ')) < y.substr(y.rfind(' '));
    });
    co_return fmt::format("{}", fmt::join(std::exchange(told_, {}), ", "));
  }

  Client::Watcher watcher(bool watches) {
    if (!watches) return {};
    return [this](const WatchEvent& event) { told_.push_back(text(event) + " once"); };
  }

  static std::vector<Op> ops_of(std::string_view line) {
    std::vector<Op> ops;
    for (const std::string_view part : split(line, ';')) {
      if (const auto words = words_of(part); !words.empty()) ops.push_back(Words(words).op());
    }
    return ops;
  }

  std::string owner(int64_t session) const {
    if (session == 0) return "nobody";
    if (session == clients_[0]->session_id()) return "A";
    if (session == clients_[1]->session_id()) return "B";
    return session == INT64_MIN ? "container" : "?";
  }

  std::string text(const Stat& stat) const {
    return fmt::format("version {} cversion {} aversion {} length {} children {} owner {}{}{}{}", stat.version,
                       stat.cversion, stat.aversion, stat.data_length, stat.num_children, owner(stat.ephemeral_owner),
                       stat.mzxid > stat.czxid ? " set" : "", stat.pzxid > stat.czxid ? " parent" : "",
                       stat.mtime < stat.ctime ? " time runs back" : "");
  }
  std::string text(const std::string& path) const { return path; }
  std::string text(const Client::Node& node) const { return fmt::format("'{}' {}", node.data, text(node.stat)); }
  std::string text(const Client::Children& children) const {
    std::vector<std::string> names = children.names;
    std::sort(names.begin(), names.end());
    return fmt::format("[{}] {}", fmt::join(names, " "), text(children.stat));
  }
  std::string text(const std::pair<AclList, Stat>& answer) const {
    std::string out;
    for (const Acl& acl : answer.first) out += fmt::format("{}:{}:{} ", acl.scheme, acl.id, acl.perms);
    return out + text(answer.second);
  }
  std::string text(const MultiAnswer& answer) const {
    if (!answer.done) return fmt::format("refused at {}: {}", answer.failed_at, to_string(answer.refusal));
    std::string out = "done";
    for (size_t i = 0; i < answer.paths.size(); ++i)
      out += fmt::format(", [{}] {}", answer.paths[i], answer.stats.at(i).mzxid > 0 ? text(answer.stats[i]) : "");
    return out;
  }
  std::string text(const WatchEvent& event) const {
    return fmt::format("{} {}", static_cast<int>(event.type), event.path);
  }
  std::string text(const Status& status) const { return status ? "ok" : std::string(to_string(status.error().code())); }
  template <typename T>
  std::string text(const Result<T>& result) const {
    return result ? text(*result) : std::string(to_string(result.error().code()));
  }

  Client* clients_[2];
  int who_ = 0;
  std::vector<std::string> told_;
  std::vector<Client::Subscription> subscriptions_;
};

io::Task<std::vector<std::string>> play(std::unique_ptr<Client> a, std::unique_ptr<Client> b) {
  const SteadyTime deadline = system_clock().now() + 20s;
  EXPECT_TRUE(co_await a->wait_connected(deadline)) << a->trouble();
  EXPECT_TRUE(co_await b->wait_connected(deadline)) << b->trouble();
  std::vector<std::string> out;
  {
    Player player(*a, *b);
    out = co_await player.play();
  }
  co_await a->close(deadline);
  out.push_back("after A is closed -> " + std::string((co_await b->exists("/t/e")) ? "there" : "gone"));
  co_await b->close(deadline);
  co_return out;
}

class Conformance : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Servers, Conformance, ::testing::Values("3.4", "3.8", "3.9"),
                         [](const auto& info) { return "v" + info.param.substr(0, 1) + "_" + info.param.substr(2); });

TEST_P(Conformance, TheEnsembleInMemoryAnswersAsTheServer) {
  io::Loop loop;
  const bool is_old = GetParam() == "3.4";
  FakeEnsemble ensemble(loop, {.has_add_watch = !is_old,
                               .has_create2 = !is_old,
                               .events_ask_read = !is_old,
                               .exists_asks_read = GetParam() == "3.9"});
  const auto expected = io::run_blocking(loop, play(ensemble.connect(), ensemble.connect({{"digest", "b:secret"}})));

  auto servers = modelyard::testing::ZooKeeperServers::start({.version = GetParam()});
  ASSERT_TRUE(servers) << servers.error().message();
  const auto connect = [&](std::vector<std::pair<std::string, std::string>> auth) {
    ClientOptions options;
    options.quorum = (*servers)->quorum();
    options.auth = std::move(auth);
    auto client = connect_client(loop, options, Random::from_system());
    EXPECT_TRUE(client) << client.error().message();
    return std::move(*client);
  };
  const auto real = io::run_blocking(loop, play(connect({}), connect({{"digest", "b:secret"}})));
  ASSERT_EQ(expected.size(), real.size());
  EXPECT_GT(real.size(), 100u);
  for (size_t i = 0; i < real.size(); ++i) EXPECT_EQ(expected[i], real[i]) << "the first is the ensemble in memory";
}

}  // namespace
}  // namespace modelyard::zookeeper
