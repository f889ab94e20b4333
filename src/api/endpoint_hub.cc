// SPDX-License-Identifier: Apache-2.0
#include "api/endpoint_hub.h"

#include "api/render.h"

namespace modelyard::api {
namespace {

constexpr size_t kChangesKept = 1024;

struct Count {
  int& value;
  explicit Count(int& v) : value(v) { ++value; }
  ~Count() { --value; }
  Count(const Count&) = delete;
  Count& operator=(const Count&) = delete;
};

}  // namespace

EndpointHub::EndpointHub(io::Executor executor) : changed_(executor) {}
EndpointHub::~EndpointHub() = default;

void EndpointHub::begin(SnapshotPtr snapshot) {
  if (snapshot_) return;
  snapshot_ = std::move(snapshot);
  changed_.notify_all();
}

void EndpointHub::take(SnapshotPtr now, const std::vector<registry::Change>& changes) {
  snapshot_ = std::move(now);
  changes_.push_back(change_json(*snapshot_, changes));
  if (changes_.size() > kChangesKept) changes_.pop_front();
  ++changes_end_;
  changed_.notify_all();
}

void EndpointHub::stop() {
  stopped_ = true;
  changed_.notify_all();
}

io::Task<void> EndpointHub::send_changes(http::SseStream& stream, uint64_t& next) {
  if (changes_end_ - next > changes_.size()) {
    next = changes_end_;
    const std::string snapshot = snapshot_json(*snapshot_);
    if (!co_await stream.send("snapshot", snapshot)) co_return;
  }
  while (next < changes_end_ && changes_end_ - next <= changes_.size() && !stream.closed()) {
    const std::string change = changes_[changes_.size() - (changes_end_ - next)];
    ++next;
    if (!co_await stream.send("change", change)) co_return;
  }
}

io::Task<void> EndpointHub::watch(http::SseStream& stream) {
  const Count counted(watchers_);
  while (!snapshot_) {
    if (stopped_ || stream.closed() || !co_await stream.wait(changed_)) co_return;
  }
  uint64_t next = changes_end_;
  const std::string snapshot = snapshot_json(*snapshot_);
  if (!co_await stream.send("snapshot", snapshot)) co_return;
  while (!stopped_ && !stream.closed()) {
    if (next == changes_end_) {
      if (!co_await stream.wait(changed_)) co_return;
      continue;
    }
    co_await send_changes(stream, next);
  }
}

}  // namespace modelyard::api
