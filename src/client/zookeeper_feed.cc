// SPDX-License-Identifier: Apache-2.0
#include "client/zookeeper_feed.h"

#include <algorithm>

namespace modelyard::client {
namespace {

constexpr milliseconds kReportEach{1'000};
constexpr milliseconds kImpatient{3'000};
constexpr milliseconds kCloseWithin{500};

}  // namespace

ZookeeperFeed::ZookeeperFeed(io::Loop& loop, std::unique_ptr<zookeeper::Client> own, zookeeper::Client& client,
                             Directory& directory, std::string zk_root, const Clock& clock)
    : own_(std::move(own)),
      directory_(directory),
      endpoints_(loop, client, std::move(zk_root), clock),
      scope_(loop.executor()) {}

ZookeeperFeed::ZookeeperFeed(io::Loop& loop, zookeeper::Client& client, Directory& directory, std::string zk_root,
                             const Clock& clock)
    : ZookeeperFeed(loop, nullptr, client, directory, std::move(zk_root), clock) {}

Result<std::unique_ptr<ZookeeperFeed>> ZookeeperFeed::open(io::Loop& loop, ZookeeperAddress address,
                                                           Directory& directory, Random random, const Clock& clock) {
  zookeeper::ClientOptions options{.quorum = std::move(address.quorum)};
  options.auth = std::move(address.auth);
  MY_TRY(auto own, zookeeper::connect_client(loop, std::move(options), random));
  zookeeper::Client& session = *own;
  return std::unique_ptr<ZookeeperFeed>(
      new ZookeeperFeed(loop, std::move(own), session, directory, std::move(address.zk_root), clock));
}

ZookeeperFeed::~ZookeeperFeed() = default;

void ZookeeperFeed::start() {
  endpoints_.on_snapshot([this](const auto& snapshot, const auto& changes) {
    directory_.take(snapshot);
    if (on_snapshot_) on_snapshot_(snapshot, changes);
  });
  endpoints_.start();
  scope_.spawn(report());
}

// Without a hearer too: reports that nobody takes would gather.
io::Task<void> ZookeeperFeed::report() {
  while (true) {
    co_await io::sleep_for(kReportEach);
    tell_calls();
  }
}

void ZookeeperFeed::tell_calls() {
  std::vector<CallReport> reports = directory_.take_reports();
  if (on_calls_ && !reports.empty()) on_calls_(std::move(reports));
}

io::Task<void> ZookeeperFeed::stop() {
  co_await scope_.stop();
  tell_calls();
  co_await endpoints_.stop();
  if (own_) co_await own_->close(system_clock().now() + kCloseWithin);
}

bool ZookeeperFeed::connected() const { return endpoints_.current(); }

io::Task<Status> ZookeeperFeed::wait_for_snapshot(SteadyTime deadline, int failures_max) {
  if (failures_max > 0) deadline = std::min(deadline, system_clock().now() + kImpatient);
  const Status told = co_await endpoints_.wait_for_snapshot(deadline);
  if (told) co_return Status();
  co_return fail(told.error());
}

}  // namespace modelyard::client
