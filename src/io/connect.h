// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "io/stream.h"
#include "io/task.h"

namespace modelyard::io {

struct ConnectOptions {
  std::chrono::milliseconds resolve_timeout{5'000};  // of the name service
  std::chrono::milliseconds connect_timeout{5'000};  // of each address
};

// A connected TCP stream, trying the addresses of the name in turn; host may be an address. `name` is how errors call
// the other end. kUnavailable (no such name, refused), kDeadline.
Task<Result<Stream>> connect_tcp(Executor executor, std::string host, uint16_t port, std::string name,
                                 ConnectOptions options, SteadyTime deadline);
// The same to a Unix socket; the path may be longer than 107 bytes.
Task<Result<Stream>> connect_unix(Executor executor, std::string path, std::string name, SteadyTime deadline);

}  // namespace modelyard::io
