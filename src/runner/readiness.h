// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "http/client.h"
#include "io/task.h"
#include "runner/endpoint_file.h"

namespace modelyard::runner {

// An endpoint that answers: what is told to clients, and how it is looked at from here.
struct ReadyEndpoint {
  EndpointFile file;
  std::string url;         // for clients
  std::string host;        // of it
  std::string probe_host;  // where the model answered
  bool answers_on_loopback_only = false;
};

struct ReadinessOptions {
  std::filesystem::path folder;  // where endpoint.dat appears
  std::string health_path;       // "" = a TCP connect is enough
  std::string machine_name;      // replaces a local host name
  bool registry_is_embedded = true;
};

// Looks at a model from outside: its endpoint.dat, whether it answers. Confined to its loop.
class Readiness {
 public:
  static constexpr std::string_view kNoFile = "no endpoint.dat yet";  // the note while there is none

  Readiness(io::Loop& loop, ReadinessOptions options);

  // Reads endpoint.dat as it is now. kNotFound while there is none; kInvalidArgument says why it is malformed (or half
  // written).
  Result<EndpointFile> read() const;
  // One look at the model: GET of the health path, or TCP connect; a scheme without port counts as answering.
  // kUnavailable with the reason.
  io::Task<Status> probe(const EndpointFile& file, const std::string& host);

  // Waits until endpoint.dat is complete and the model answers. Looks again whenever `wake` is notified, and every 10
  // to 100 ms while a complete file does not answer. give_up is asked at each step: true ends it with kCancelled. The
  // error's text is the note of the last look ("endpoint.dat is malformed: …"); on_note hears it whenever it changes.
  io::Task<Result<ReadyEndpoint>> wait(io::Event& wake, SteadyTime deadline, std::function<bool()> give_up,
                                       std::function<void(const std::string&)> on_note);

  const ReadinessOptions& options() const { return options_; }

 private:
  io::Task<Status> probe_health_path(const EndpointFile& file, const std::string& host);
  io::Task<std::optional<std::string>> find_answering_host(const EndpointFile& file, std::string& note);
  io::Task<ReadyEndpoint> name_for_clients(EndpointFile file, std::string probe_host);

  const ReadinessOptions options_;
  http::Client client_;
};

}  // namespace modelyard::runner
