// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "client/zookeeper_feed.h"
#include "pipeline/record.h"

// One stream worker: records of a source through the compiled pipeline of a sensor into a sink. Plain blocking
// functions for the command line; each runs a loop of its own on the calling thread.
namespace modelyard::sensor {

// Where the store and the registry of models are.
struct ServerAddress {
  std::string url = "http://127.0.0.1:8800";  // "" = no server: no store
  std::string token;                          // "" = none
  // Set: models are found in ZooKeeper, the server is asked for nothing but the store.
  std::optional<client::ZookeeperAddress> zookeeper{};
};

struct Summary {
  uint64_t records = 0;    // lines read
  uint64_t documents = 0;  // made of them, error documents not counted
  uint64_t errors = 0;     // error documents: broken lines
  uint64_t filtered = 0;   // dropped by the sensor's filter
  uint64_t stored = 0;     // by the store sink
  uint64_t already = 0;    // were in the store before
  uint64_t calls = 0;      // of models
  uint64_t calls_failed = 0;
  bool stopped = false;  // by SIGTERM or SIGINT, before the end of the source
  milliseconds elapsed{0};
};

struct RunOptions {
  std::string sensor;
  std::filesystem::path config;  // folder, configuration/folder.h
  std::string source;            // file:PATH | stdin
  std::string sink = "store";    // store | stdout
  ServerAddress server;
  bool once = false;  // stop at the end of the source; else follow the file until SIGTERM or SIGINT

  pipeline::Stage stage = pipeline::Stage::kIndex;  // other stages: with sink stdout alone
  int output_fd = 1;                                // of sink stdout
  int input_fd = 0;                                 // of source stdin
  bool can_be_tapped = true;                        // serves a socket for tap(), of this user alone
  // What a person should know and that is no error: a file that was replaced, a server that does not answer. One
  // line each.
  std::function<void(std::string_view)> on_notice;
  // About once a second while it runs: for a terminal.
  std::function<void(const Summary&)> on_progress;

  milliseconds server_wait{10'000};  // for the server at the start
  int server_failures_max = 0;       // for models: attempts after which it goes on without; 0 = by time alone
  milliseconds retry_for{60'000};    // with once: a store that is away longer is an error; following: never
  milliseconds drain_wait{10'000};   // after a signal: for what is in flight
};

// Refuses a bad configuration before anything is read. Ends at the end of the source (once), or by a signal; success
// also with broken lines: they are documents. Offsets are stored with the documents, so after any end the next run goes
// on where this one was.
//   kInvalidArgument  source or sink not understood; the configuration, with file:line:column
//   kNotFound         no such sensor, file
//   kUnavailable      the server does not answer
//   kConflict         another sensor stores from the same source
//   kUnsupported      kafka:, elasticsearch:, a configuration that asks for what is not there
Result<Summary> run(const RunOptions& options);

struct TestOptions {
  std::string sensor;
  std::filesystem::path config;
  pipeline::Stage stage = pipeline::Stage::kIndex;
  std::filesystem::path file;  // empty or "-" = standard input
  ServerAddress server;        // asked only when the configuration calls models
  int output_fd = 1;
  int input_fd = 0;
  std::function<void(std::string_view)> on_notice;
};

// Each line to its documents at that stage, one a line, in the order of the input; nothing is kept.
Result<Summary> test(const TestOptions& options);

struct TapOptions {
  std::string sensor;
  pipeline::Stage stage = pipeline::Stage::kIndex;
  ServerAddress server;
};

// The documents of a sensor, its error documents among them: on_document for each until it returns false. At stage
// index, those that any sensor of that name stores, as the server tells them; kUnavailable when the connection ends. At
// the stages before it, those of the sensor that runs for this user on this machine, which shows them on a socket
// (tap_server.h); success when that sensor ends, kUnavailable when none runs.
Status tap(const TapOptions& options, const std::function<bool(std::string_view json)>& on_document);

// "12,345 lines, 12,340 documents, 5 errors, 0 already stored, 98,000 lines/s"
std::string describe(const Summary& summary);

}  // namespace modelyard::sensor
