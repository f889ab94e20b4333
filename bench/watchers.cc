// SPDX-License-Identifier: Apache-2.0
// watchers QUORUM CLIENTS CHANGES: one process with that many sessions and EndpointFeeds, and a writer that changes one
// of 100 endpoints CHANGES times, each after all have seen the one before. Prints {"p50_us", "p99_us", "max_us"} of the
// times from the begin of the write to each feed's snapshot. With CHANGES 0 it makes the endpoints alone. Its rival is
// java/TreeCacheWatchers.java.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "registry/zookeeper/endpoints.h"

namespace modelyard {
namespace {

constexpr seconds kStartTime{120};
constexpr seconds kChangeTime{30};
constexpr int kEndpoints = 100;

std::string node_of(int64_t port) {
  registry::Endpoint endpoint{.id = "c0",
                              .name = "m",
                              .version = "1",
                              .url = fmt::format("http://node1:{}", port),
                              .host = "node1",
                              .functions = {}};
  endpoint.functions = {{"apply", "apply"}};
  return registry::zookeeper::to_discovery_json(endpoint, 1);
}

struct Watchers {
  struct One {
    std::unique_ptr<zookeeper::Client> client;
    std::unique_ptr<registry::zookeeper::EndpointFeed> feed;
    int64_t seen = -1;  // the last change
  };
  io::Loop& loop;
  std::string quorum;
  registry::zookeeper::Layout layout;
  std::vector<One> all;
  std::vector<int64_t> micros{};
  int64_t present = -1;
  size_t missing = 0;
  SteadyTime began{};
  io::Event seen{loop.executor()};

  Result<std::unique_ptr<zookeeper::Client>> connect() {
    return zookeeper::connect_client(loop, {.quorum = quorum, .session_timeout = seconds(30)}, Random::from_system());
  }

  void note(One& one, const std::vector<registry::Change>& changes) {
    const auto now = system_clock().now();
    const std::string url = fmt::format("http://node1:{}", 10'000 + present);
    for (const registry::Change& change : changes) {
      if (change.endpoint.url != url || one.seen == present) continue;
      one.seen = present;
      micros.push_back(std::chrono::duration_cast<std::chrono::microseconds>(now - began).count());
      if (--missing == 0) seen.notify_all();
    }
  }

  io::Task<Status> start() {
    for (One& one : all) {
      MY_CO_TRY(one.client, connect());
      one.feed = std::make_unique<registry::zookeeper::EndpointFeed>(
          loop, *one.client, std::string(registry::zookeeper::kDefaultRoot), system_clock());
      one.feed->on_snapshot([this, &one](const auto&, const auto& changes) { note(one, changes); });
      one.feed->start();
    }
    const SteadyTime deadline = system_clock().now() + kStartTime;
    for (One& one : all) MY_CO_TRY_VOID(co_await one.feed->wait_for_snapshot(deadline));
    co_return Status();
  }

  io::Task<Status> prepare(zookeeper::Client& writer) {
    MY_CO_TRY_VOID(co_await zookeeper::make_path(writer, layout.model("m")));
    for (int i = 0; i < kEndpoints; ++i) {
      const auto made = co_await writer.create(layout.endpoint("m", fmt::format("c{}", i)), node_of(9'000 + i));
      if (!made && made.error().code() != ErrorCode::kAlreadyExists) co_return fail(made.error());
    }
    co_return Status();
  }

  io::Task<Status> measure(zookeeper::Client& writer, int changes) {
    for (present = 0; present < changes; ++present) {
      missing = all.size();
      std::string data = node_of(10'000 + present);
      began = system_clock().now();
      MY_CO_TRY_VOID(co_await writer.set(layout.endpoint("m", "c0"), std::move(data)));
      const SteadyTime deadline = began + kChangeTime;
      while (missing > 0) {
        if (!co_await seen.wait_until(deadline))
          co_return fail(ErrorCode::kDeadline, fmt::format("change {} did not reach {} clients", present, missing));
      }
    }
    co_return Status();
  }

  io::Task<Status> run(int changes) {
    MY_CO_TRY(const auto writer, connect());
    Status status = co_await prepare(*writer);
    if (status && changes > 0) status = co_await start();
    if (status) status = co_await measure(*writer, changes);
    for (One& one : all) {
      if (one.feed) co_await one.feed->stop();
      if (one.client) co_await one.client->close(system_clock().now() + seconds(1));
    }
    co_await writer->close(system_clock().now() + seconds(1));
    co_return status;
  }
};

int run(const char* quorum, int64_t clients, int64_t changes) {
  io::Loop loop;
  Watchers watchers{.loop = loop,
                    .quorum = quorum,
                    .layout = registry::zookeeper::layout_from(registry::zookeeper::kDefaultRoot, std::nullopt).value(),
                    .all = std::vector<Watchers::One>(static_cast<size_t>(clients))};
  const Status status = io::run_blocking(loop, watchers.run(static_cast<int>(changes)));
  if (!status) {
    fmt::print(stderr, "{}\n", status.error().message());
    return 1;
  }
  std::vector<int64_t>& micros = watchers.micros;
  std::sort(micros.begin(), micros.end());
  if (!micros.empty())
    fmt::print("{{\"p50_us\":{},\"p99_us\":{},\"max_us\":{}}}\n", micros[micros.size() / 2],
               micros[micros.size() * 99 / 100], micros.back());
  return 0;
}

}  // namespace
}  // namespace modelyard

int main(int argc, char** argv) {
  modelyard::log::start(modelyard::log::Format::kText, "warn");
  const auto clients = argc == 4 ? modelyard::parse_int(argv[2]) : std::nullopt;
  const auto changes = argc == 4 ? modelyard::parse_int(argv[3]) : std::nullopt;
  if (!clients || !changes || *clients < 0 || *clients > 10'000 || *changes < 0) {
    fmt::print(stderr, "usage: watchers QUORUM CLIENTS CHANGES\n");
    return 2;
  }
  return modelyard::run(argv[1], *clients, *changes);
}
