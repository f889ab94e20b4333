// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "api/render.h"
#include "http/message.h"
#include "io/task.h"

namespace modelyard::api {

// Carries the controller's changes to the loop that serves watchers: each change is rendered once, whatever the number
// of watchers. A watcher that falls behind the kept changes gets a fresh snapshot. Confined to its loop (the HTTP one);
// start() and stop() there.
class Hub {
 public:
  Hub(io::Loop& loop, io::Loop& controller_loop, controller::Controller& controller);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  io::Task<void> start();
  io::Task<void> stop();

  // Bodies of the two streams of docs/api.md; they end when the watcher goes or the hub stops.
  io::Task<void> watch_endpoints(http::SseStream& stream);
  io::Task<void> watch_deployments(http::SseStream& stream);

  int endpoint_watchers() const { return endpoint_watchers_; }

 private:
  struct Shared;
  // Counts a watcher while it lives.
  struct Count {
    int& value;
    explicit Count(int& v) : value(v) { ++value; }
    ~Count() { --value; }
    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;
  };

  io::Task<void> send_changes(http::SseStream& stream, uint64_t& next);
  io::Task<void> refresh_deployments();

  io::Loop& loop_;
  io::Loop& controller_loop_;
  controller::Controller& controller_;
  std::shared_ptr<Shared> shared_;
  io::Scope scope_;
  int endpoint_watchers_ = 0;
};

}  // namespace modelyard::api
