// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "http/router.h"
#include "http/server.h"
#include "io/task.h"

namespace modelyard::runner {

// Serves the model's stdout and stderr of one container, which no file system shares with the controller:
//   GET /logs?stream=stdout|stderr&tail=K&follow=1   lines {"instance","stream","line"}, as `modelyard logs -o json`
// Every request needs "Authorization: Bearer TOKEN" (registry::runner_log_token()); nothing else of the machine can be
// read by it. Files are read on a thread of its own. Confined to its loop: start() once, co_await stop() before
// destruction.
class LogServer {
 public:
  static constexpr int kFollowersMax = 16;
  static constexpr int64_t kTailMax = 10'000;

  LogServer(io::Loop& loop, std::filesystem::path log_folder, std::string instance, std::string token);
  ~LogServer();

  // On a free port of all addresses.
  Status start();
  uint16_t port() const { return server_.port(); }
  io::Task<void> stop();

 private:
  struct Wanted {
    std::vector<std::string> streams;
    int64_t tail = 0;
    bool follow = false;
  };
  static Result<Wanted> wanted_of(const http::Request& request);
  io::Task<http::Response> logs(http::Request& request);
  io::Task<void> write(http::ResponseStream& out, Wanted wanted);
  io::Task<std::string> read_tail(const Wanted& wanted);

  const std::filesystem::path folder_;
  const std::string instance_;
  io::Loop reading_;  // of the thread that reads files
  std::thread reader_;
  http::Router router_;
  http::Server server_;
  int followers_ = 0;
};

}  // namespace modelyard::runner
