// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"
#include "io/task.h"
#include "registry/contents.h"

namespace modelyard::api {

// Tells endpoints to those who watch GET /api/v1/watch: each change is rendered once, whatever the number of watchers.
// A watcher that falls behind the kept changes gets a fresh snapshot. Confined to its loop.
class EndpointHub {
 public:
  using SnapshotPtr = std::shared_ptr<const registry::Snapshot>;

  explicit EndpointHub(io::Executor executor);
  ~EndpointHub();
  EndpointHub(const EndpointHub&) = delete;
  EndpointHub& operator=(const EndpointHub&) = delete;

  // What is there before the first change; nothing if a change came earlier.
  void begin(SnapshotPtr snapshot);
  void take(SnapshotPtr now, const std::vector<registry::Change>& changes);
  // Watchers end.
  void stop();

  const SnapshotPtr& snapshot() const { return snapshot_; }
  int watchers() const { return watchers_; }
  // The body of the stream: a snapshot, then changes; ends when the watcher goes or after stop(). Before the first
  // snapshot it waits.
  io::Task<void> watch(http::SseStream& stream);

 private:
  io::Task<void> send_changes(http::SseStream& stream, uint64_t& next);

  SnapshotPtr snapshot_;
  std::deque<std::string> changes_;  // rendered; the newest is number changes_end_ - 1
  uint64_t changes_end_ = 0;
  io::Event changed_;
  bool stopped_ = false;
  int watchers_ = 0;
};

}  // namespace modelyard::api
