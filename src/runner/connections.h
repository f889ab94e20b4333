// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace modelyard::runner {

// The TCP connections that clients hold to one port of this machine.
struct Connections {
  int open = 0;  // established
  int busy = 0;  // of these, with a call that is not answered yet, as far as the kernel can tell
};

// What the kernel knows of one connection, seen from the server.
struct ConnectionFacts {
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  uint32_t since_received_ms = 0;
  uint32_t since_sent_ms = 0;
  uint32_t unsent_bytes = 0;
};
// A request came after the last answer, an answer is on its way, or both happened in the same clock tick lately.
bool is_busy(const ConnectionFacts& facts);

// By sock_diag(7); where the kernel has none, by /proc/net/tcp, and then every open connection counts as busy.
Result<Connections> count_connections(uint16_t port);

}  // namespace modelyard::runner
