// SPDX-License-Identifier: Apache-2.0
// bench: DEPS registry zookeeper io json base
// What a change among 10,000 endpoints costs who follows them, and what the snapshot weighs.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include "base/clock.h"
#include "io/task.h"
#include "registry/contents.h"
#include "registry/zookeeper/endpoints.h"
#include "zookeeper/fake.h"

namespace {

namespace registry = modelyard::registry;
namespace zk = modelyard::registry::zookeeper;

registry::Endpoint endpoint(int64_t number, int64_t models, int port) {
  return {.id = "container_1795394649215_0001_01_" + std::to_string(100'000 + number),
          .name = "model" + std::to_string(number % models),
          .version = "1.0",
          .url = "http://node" + std::to_string(number % 97) + ".cluster.example:" + std::to_string(port),
          .host = "node" + std::to_string(number % 97) + ".cluster.example",
          .functions = {{"apply", "apply"}}};
}

std::vector<registry::Endpoint> endpoints(int64_t count, int64_t models) {
  std::vector<registry::Endpoint> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(endpoint(i, models, 20'000));
  return out;
}

// The rival: the whole snapshot made anew.
void make_anew(benchmark::State& state) {
  const auto all = endpoints(10'000, state.range(0));
  registry::Snapshot before;
  for (auto _ : state) benchmark::DoNotOptimize(registry::make_snapshot(all, before, 0, 0, true));
}

void change_one(benchmark::State& state) {
  const int64_t models = state.range(0);
  auto snapshot = registry::make_snapshot(endpoints(10'000, models), {}, 0, 0, true);
  int64_t i = 0;
  for (auto _ : state) {
    // Read from its node, put into a copy, and the older snapshot released, as the feed does.
    const std::string data = zk::to_discovery_json(endpoint(i * 7919 % 10'000, models, 20'001 + i % 1000), 1);
    auto next = std::make_shared<registry::Snapshot>(*snapshot);
    registry::put_endpoint(*next, zk::endpoint_from_discovery(data).value());
    snapshot = std::move(next);
    ++i;
  }
}

void weight(benchmark::State& state) {
  for (auto _ : state) {
    const size_t before = mallinfo2().uordblks;
    const auto snapshot = registry::make_snapshot(endpoints(10'000, state.range(0)), {}, 0, 0, true);
    state.counters["MB"] = static_cast<double>(mallinfo2().uordblks - before) / 1e6;
  }
}

// From the pushed event to the new snapshot, over an ensemble in memory (whose own work is in the time too).
void feed_change(benchmark::State& state) {
  using namespace modelyard;
  using namespace std::chrono_literals;
  const int64_t models = state.range(0);
  io::Loop loop;
  modelyard::zookeeper::FakeEnsemble ensemble(loop);
  ensemble.put("/maas", "");
  ensemble.put("/maas/service", "");
  for (int64_t i = 0; i < models; ++i) ensemble.put("/maas/service/model" + std::to_string(i), "");
  const auto put = [&](const registry::Endpoint& e) {
    ensemble.put("/maas/service/" + e.name + "/" + e.id, zk::to_discovery_json(e, 1));
  };
  for (const auto& e : endpoints(10'000, models)) put(e);
  auto client = ensemble.connect();
  zk::EndpointFeed feed(loop, *client, std::string(zk::kDefaultRoot), system_clock());
  io::Event told(loop.executor());
  feed.on_snapshot([&](const auto&, const auto&) { told.notify_all(); });
  io::run_blocking(loop, [&]() -> io::Task<void> {
    feed.start();
    (void)co_await feed.wait_for_snapshot(std::chrono::steady_clock::now() + 60s);
  }());
  int64_t i = 0;
  for (auto _ : state) {
    io::run_blocking(loop, [&]() -> io::Task<void> {
      put(endpoint(i * 7919 % 10'000, models, 20'001 + static_cast<int>(i % 1000)));
      co_await told.wait_until(std::chrono::steady_clock::now() + 5s);
    }());
    ++i;
  }
  io::run_blocking(loop, [&]() -> io::Task<void> {
    co_await feed.stop();
    co_await client->close(std::chrono::steady_clock::now() + 1s);
  }());
}

BENCHMARK(change_one)->ArgName("models")->Arg(1)->Arg(10)->Arg(10'000);
BENCHMARK(feed_change)->ArgName("models")->Arg(1)->Arg(10)->Arg(10'000);
BENCHMARK(make_anew)->ArgName("models")->Arg(10)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(weight)->ArgName("models")->Arg(1)->Arg(10)->Arg(10'000)->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
