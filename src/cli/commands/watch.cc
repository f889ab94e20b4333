// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "cli/cluster.h"
#include "cli/remote.h"
#include "json/tree.h"
#include "registry/zookeeper/endpoints.h"

namespace modelyard::cli {
namespace {

// Prints changes, over reconnections too: what changed while the server was away comes from comparing its new snapshot
// with the last one known.
class Watcher {
 public:
  Watcher(Invocation& invocation) : out_(invocation.out()), wanted_(invocation.arguments().positional(0)) {}

  bool take(std::string_view event, std::string_view data) {
    const auto tree = json::parse(data);
    if (!tree) return true;
    if (event == "snapshot") take_snapshot(*tree);
    if (event == "change") {
      for (const json::Tree& change : objects_in(*tree, "changes")) take_change(change);
    }
    static_cast<void>(out_.flush());
    connected_ = true;
    return true;
  }
  bool was_connected() const { return connected_; }

  void take(const std::vector<registry::Change>& changes) {
    for (const registry::Change& change : changes) {
      const registry::Endpoint& endpoint = change.endpoint;
      print(to_iso8601(from_epoch_ms(change.at_ms)), std::string(registry::to_string(change.kind)), endpoint.id,
            {endpoint.name, endpoint.version, endpoint.url});
    }
    static_cast<void>(out_.flush());
  }

 private:
  struct Known {
    std::string name;
    std::string version;
    std::string url;
    bool operator==(const Known&) const = default;
  };
  using Endpoints = std::map<std::string, Known>;

  static Known known_from(const json::Tree& tree) {
    return {json::get_string(tree, "name"), json::get_string(tree, "version"), json::get_string(tree, "url")};
  }

  void take_snapshot(const json::Tree& snapshot) {
    Endpoints now;
    for (const json::Tree& endpoint : objects_in(snapshot, "endpoints")) {
      now[json::get_string(endpoint, "id")] = known_from(endpoint);
    }
    if (first_) {
      endpoints_ = std::move(now);
      first_ = false;
      return;
    }
    const std::string at = to_iso8601(system_clock().wall());
    // A server that has just started does not know yet what still lives: nothing is gone until it is settled.
    if (json::get_bool(snapshot, "settled", true)) {
      for (auto it = endpoints_.begin(); it != endpoints_.end();) {
        const auto here = it++;
        if (!now.contains(here->first)) {
          print(at, "removed", here->first, here->second);
          endpoints_.erase(here);
        }
      }
    }
    for (const auto& [id, endpoint] : now) {
      const auto old = endpoints_.find(id);
      if (old == endpoints_.end())
        print(at, "added", id, endpoint);
      else if (old->second != endpoint)
        print(at, "changed", id, endpoint);
      endpoints_[id] = endpoint;
    }
  }

  void take_change(const json::Tree& change) {
    const std::string kind = json::get_string(change, "kind");
    const std::string id = json::get_string(change, "id");
    const Known endpoint = known_from(change);
    if (kind == "removed") {
      endpoints_.erase(id);
    } else {
      endpoints_[id] = endpoint;
    }
    print(json::get_string(change, "at"), kind, id, endpoint);
  }

  void print(const std::string& at, const std::string& kind, const std::string& id, const Known& endpoint) {
    if (!wanted_.empty() && wanted_ != endpoint.name && wanted_ != endpoint.name + "@" + endpoint.version) return;
    out_.line(json::dump({{"at", at},
                          {"kind", kind},
                          {"name", endpoint.name},
                          {"version", endpoint.version},
                          {"id", id},
                          {"url", endpoint.url}}));
  }

  Output& out_;
  std::string wanted_;
  Endpoints endpoints_;
  bool first_ = true;
  bool connected_ = false;
};

// ZooKeeper pushes; what changed while it was away is told as one difference when it is back.
Status watch_cluster(Invocation& invocation, const client::ZookeeperAddress& place, seconds give_up_after) {
  MY_TRY(Cluster cluster, Cluster::open(invocation, place));
  stop_quietly_on_signals();
  Watcher watcher(invocation);
  const auto follow = [&]() -> io::Task<Status> {
    registry::zookeeper::EndpointFeed feed(cluster.loop(), cluster.client(), place.zk_root, system_clock());
    bool first = true;
    feed.on_snapshot([&](const auto&, const std::vector<registry::Change>& changes) {
      if (!std::exchange(first, false)) watcher.take(changes);
    });
    feed.start();
    constexpr seconds kFirstWithin{10};
    Status ended = co_await feed.wait_for_snapshot(system_clock().now() + kFirstWithin);
    SteadyTime last_current = system_clock().now();
    while (ended) {
      co_await io::sleep_for(milliseconds(500));
      const SteadyTime now = system_clock().now();
      if (feed.current()) last_current = now;
      if (now - last_current > give_up_after) ended = fail(ErrorCode::kUnavailable, feed.trouble());
    }
    co_await feed.stop();
    co_return ended;
  };
  return cluster.run(follow());
}

Status watch_server(Invocation& invocation, seconds give_up_after) {
  MY_TRY(Remote remote, Remote::open(invocation));
  stop_quietly_on_signals();
  Watcher watcher(invocation);
  Random random = Random::from_system();
  constexpr std::chrono::hours kForEver{24 * 365};
  SteadyTime last_heard = system_clock().now();
  milliseconds pause{50};
  while (true) {
    const Status ended = remote.read_events(
        "/api/v1/watch",
        [&](std::string_view event, std::string_view data) {
          last_heard = system_clock().now();
          pause = milliseconds(50);
          return watcher.take(event, data);
        },
        kForEver);
    const bool may_come_back = watcher.was_connected() && (ended || ended.error().code() == ErrorCode::kUnavailable);
    if (!may_come_back || system_clock().now() - last_heard > give_up_after) return ended;
    std::this_thread::sleep_for(pause + milliseconds(random.below(static_cast<uint64_t>(pause.count()))));
    pause = std::min(pause * 2, milliseconds(2000));
  }
}

Status run(Invocation& invocation) {
  if (const std::string text = invocation.arguments().positional(0); !text.empty()) {
    MY_TRY_VOID(model_name(invocation, text));
  }
  const seconds give_up_after{invocation.arguments().integer("retry").value_or(60)};
  MY_TRY(const auto place, cluster_address(invocation));
  if (place) return watch_cluster(invocation, *place, give_up_after);
  return watch_server(invocation, give_up_after);
}

}  // namespace

void register_watch(CommandSet& commands) {
  commands.add(
      {.name = "watch",
       .group = "Look",
       .summary = "print one line for each change of the registered models",
       .text = "Prints a JSON object for each endpoint that is added, removed or changed, as the server "
               "pushes it, until ^C. "
               "A server that restarts is waited for; what changed meanwhile is printed then. With --zk no controller "
               "needs to run.",
       .positionals = {{.name = "N[@V]", .text = "only this model", .required = false}},
       .options = std::vector<Option>{{.name = "retry",
                                       .kind = Option::Kind::kInteger,
                                       .value = "SECONDS",
                                       .text = "how long the server or ZooKeeper may be away",
                                       .fallback = "60"}} +
                  server_options(),
       .examples = {{"modelyard watch | jq -r .url", "the urls as they come and go"}},
       .run = run});
}

}  // namespace modelyard::cli
