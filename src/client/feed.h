// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/random.h"
#include "client/directory.h"
#include "client/endpoint_source.h"
#include "http/client.h"
#include "io/task.h"

namespace modelyard::client {

struct FeedOptions {
  http::Origin server;
  std::string token;                              // sent as Authorization: Bearer; empty = none
  std::chrono::milliseconds silence_max{25'000};  // the server writes a comment each 10 s
  std::chrono::milliseconds retry_min{50};
  std::chrono::milliseconds retry_max{2'000};
  std::chrono::milliseconds report_each{1'000};
};

// Keeps a directory as GET /api/v1/watch of a server tells it, and tells the server what calls found (POST
// /api/v1/calls). A lost connection is made again after 50 ms to 2 s, with jitter, and empties nothing. Confined to one
// loop; directory and client outlive it. start(), then co_await stop() before destruction.
class Feed final : public EndpointSource {
 public:
  Feed(io::Loop& loop, http::Client& client, Directory& directory, Random random, FeedOptions options);
  ~Feed() override;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  void start() override;
  // Tells what is left to tell, briefly, then ends.
  io::Task<void> stop() override;

  bool connected() const override { return connected_; }
  io::Task<Status> wait_for_snapshot(SteadyTime deadline, int failures_max = 0) override;

 private:
  io::Task<void> follow();
  io::Task<Status> follow_once();
  io::Task<void> report();
  io::Task<Status> send_reports(SteadyTime deadline);
  http::ClientRequest request(std::string method, std::string target) const;

  http::Client& client_;
  Directory& directory_;
  Random random_;
  FeedOptions options_;
  io::Scope scope_;
  io::Event told_;
  bool connected_ = false;
  int failures_ = 0;  // attempts in a row
  std::string last_error_ = "the server was not reached yet";
};

}  // namespace modelyard::client
