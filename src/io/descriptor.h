// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "io/file.h"
#include "io/task.h"

namespace modelyard::io {

// A descriptor that a loop waits for: a pidfd, a pipe, inotify, a socket in the making. Reading and writing are the
// owner's. Confined to its loop. One wait at a time.
class Descriptor {
 public:
  enum class For { kRead, kWrite };
  Descriptor(Executor executor, UniqueFd fd);
  ~Descriptor();
  Descriptor(Descriptor&&) noexcept;
  Descriptor& operator=(Descriptor&&) noexcept;

  int get() const;
  // True when it is ready (end of file and errors count), false when the deadline passed first.
  Task<bool> wait(For what, SteadyTime deadline = SteadyTime::max());

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether something accepts TCP connections there; the connection is closed at once. host is an address or a name.
// kUnavailable with the reason (refused, no such host), kDeadline.
Task<Status> check_connect(std::string host, uint16_t port, SteadyTime deadline);

}  // namespace modelyard::io
