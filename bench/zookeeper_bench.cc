// bench: DEPS zookeeper
// SPDX-License-Identifier: Apache-2.0
// What a read of ZooKeeper costs the client: gets of a node of 100 bytes against a real server, 1,000 on their way at
// once, on one loop: how many a second, and this process's CPU for each. Then the machine alone, without a socket: the
// part of it that is the protocol. Rival: kazoo, where `python3 -c "import kazoo"` works. The server's address comes
// from MODELYARD_ZOOKEEPER ("127.0.0.1:2181"); without it the machine alone is measured.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "zookeeper/client.h"
#include "zookeeper/session.h"

namespace modelyard::zookeeper {
namespace {

constexpr int kOnTheirWay = 1'000;
constexpr int kGets = 100'000;
constexpr int kRounds = 5;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

double wall_seconds() { return std::chrono::duration<double>(system_clock().now().time_since_epoch()).count(); }

void print(const char* what, int count, double wall, double cpu) {
  std::printf("%-28s %9.0f /s  %6.2f us CPU each\n", what, count / wall, cpu / count * 1e6);
}

io::Task<void> get_many(Client& client, int count) {
  for (int i = 0; i < count; ++i) {
    const Result<Client::Node> node = co_await client.get("/bench");
    if (!node || node->data.size() != 100) std::abort();
  }
}

io::Task<void> measure_gets(io::Loop& loop, std::string quorum) {
  ClientOptions options;
  options.quorum = std::move(quorum);
  const auto client = connect_client(loop, options, Random::from_system()).value();
  if (!co_await client->wait_connected(system_clock().now() + seconds(10))) {
    std::fprintf(stderr, "%s\n", client->trouble().c_str());
    std::exit(1);
  }
  (void)co_await client->create("/bench", std::string(100, 'x'));
  for (int round = 0; round < kRounds; ++round) {
    io::Scope scope(loop.executor());
    const double wall = wall_seconds(), cpu = cpu_seconds();
    for (int i = 0; i < kOnTheirWay; ++i) scope.spawn(get_many(*client, kGets / kOnTheirWay));
    co_await scope.join();
    print("gets, 1,000 on their way", kGets, wall_seconds() - wall, cpu_seconds() - cpu);
  }
  const double wall = wall_seconds(), cpu = cpu_seconds();
  co_await get_many(*client, 2'000);
  print("gets, one after the other", 2'000, wall_seconds() - wall, cpu_seconds() - cpu);
  (void)co_await client->remove("/bench");
  co_await client->close(system_clock().now() + seconds(5));
}

struct Nothing final : SessionEvents {
  void on_ready(bool) override {}
  void on_expired() override {}
  void on_watch(WatchEvent::Type, const std::string&, std::vector<WatchTable::Watcher>) override {}
};

void measure_machine() {
  Nothing nothing;
  Session session({}, nothing);
  const SteadyTime now = system_clock().now();
  std::string bytes, content;
  JuteWriter(content).number32(0).number32(10'000).number64(77).text("0123456789abcdef").boolean(false);
  JuteWriter(bytes).text(content);
  session.opened(now, 0, nullptr, now + seconds(1));
  session.written(session.output().size(), now);
  if (!session.receive(bytes, now)) std::abort();
  std::string body;
  JuteWriter(body).text(std::string(100, 'x'));
  body.append(68, '\0');
  int32_t xid = 0;
  const double wall = wall_seconds(), cpu = cpu_seconds();
  for (int sent = 0; sent < kGets * 10; sent += kOnTheirWay) {
    for (int i = 0; i < kOnTheirWay; ++i) {
      Request request;
      request.opcode = OpCode::kGetData;
      request.body = path_watch_request("/bench", false);
      request.done = [](const Result<Answer>& answer) -> Status {
        return answer && decode_node(answer->body) ? Status() : fail(ErrorCode::kProtocol, "");
      };
      if (!session.submit(std::move(request))) std::abort();
    }
    session.written(session.output().size(), now);
    bytes.clear();
    for (int i = 0; i < kOnTheirWay; ++i) {
      const size_t start = begin_packet(bytes);
      JuteWriter(bytes).number32(++xid).number64(5).number32(0);
      bytes += body;
      end_packet(bytes, start);
    }
    if (!session.receive(bytes, now)) std::abort();
  }
  print("the machine alone", kGets * 10, wall_seconds() - wall, cpu_seconds() - cpu);
}

constexpr const char* kKazoo = R"(
import os, resource, sys, time
try:
    from kazoo.client import KazooClient
except ImportError:
    print("kazoo is not installed: no rival"); sys.exit()
client = KazooClient(hosts=os.environ["MODELYARD_ZOOKEEPER"]); client.start()
if not client.exists("/bench-kazoo"): client.create("/bench-kazoo", b"x" * 100)
def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF); return usage.ru_utime + usage.ru_stime
wall, used = time.time(), cpu()
for _ in range(10):
    for each in [client.get_async("/bench-kazoo") for _ in range(1000)]: each.get()
wall, used = time.time() - wall, cpu() - used
print("%-28s %9.0f /s  %6.2f us CPU each" % ("kazoo, 1,000 on their way", 10000 / wall, used / 10000 * 1e6))
client.delete("/bench-kazoo"); client.stop()
)";

}  // namespace
}  // namespace modelyard::zookeeper

int main() {
  using namespace modelyard::zookeeper;
  measure_machine();
  const char* quorum = std::getenv("MODELYARD_ZOOKEEPER");
  if (quorum == nullptr) return 0;
  modelyard::io::Loop loop;
  modelyard::io::run_blocking(loop, measure_gets(loop, quorum));
  std::fflush(stdout);
  ::setenv("MODELYARD_KAZOO", kKazoo, 1);
  return std::system(R"(python3 -c "$MODELYARD_KAZOO")") == 0 ? 0 : 1;
}
