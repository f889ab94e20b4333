// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "hadoop/configuration.h"
#include "hadoop/rest.h"
#include "io/task.h"
#include "payloads/limits.h"
#include "payloads/store.h"

namespace modelyard::payloads {

struct FetcherOptions {
  // The cluster's files; nothing = no HDFS, and its paths are refused in words.
  std::optional<hadoop::Configuration> configuration;
  hadoop::RestOptions rest;
  bool bare_paths_are_local = false;  // "/models/dga": of this machine instead of HDFS
  std::filesystem::path spool;        // made where absent; what an earlier process left there is removed
  int threads = 4;
  size_t waiting_max = 1'000;
  Limits limits;
};

// Brings what requests name into a payload store, on threads of its own: "hdfs://…", "file://…", or a bare path. The
// store outlives it. fetch() is called on any loop and resumes there; destroying the fetcher cancels what runs and
// waits for it, so the loops outlive it too.
class PayloadFetcher {
 public:
  // kUnavailable, kInvalidArgument (spool).
  static Result<std::unique_ptr<PayloadFetcher>> make(PayloadStore& store, FetcherOptions options);
  ~PayloadFetcher();
  PayloadFetcher(const PayloadFetcher&) = delete;
  PayloadFetcher& operator=(const PayloadFetcher&) = delete;

  // kUnavailable when too many wait, kCancelled at the end, else fetch_payload's and store_folder's errors.
  io::Task<Result<StoredPayload>> fetch(io::Loop& loop, std::string path);

 private:
  class Impl;
  explicit PayloadFetcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace modelyard::payloads
