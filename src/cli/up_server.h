// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/result.h"
#include "documents/documents.h"

namespace modelyard::cli {

struct UpOptions {
  std::filesystem::path data;
  std::filesystem::path runner;  // the program
  std::string listen_host = "127.0.0.1";
  uint16_t port = 8800;
  std::string token;    // "" = none
  std::string version;  // of this program
  documents::Retention retention;
  bool keep_models = false;  // at the end they live on
};

// Everything on this machine in one process: controller and runners' socket on one thread, API, gateway and console on
// another, a thread for each SQLite file. Blocks until SIGTERM or SIGINT, then stops within 20 s: requests in flight
// end, models are drained (unless they are kept). on_ready gets the URL once it serves.
//   kConflict           another `up` has the folder, or the port is taken
//   kUnsupported        the folder was written by a newer version
//   kPermissionDenied   the folder cannot be written
Status run_up(const UpOptions& options, const std::function<Status(const std::string& url)>& on_ready);

}  // namespace modelyard::cli
