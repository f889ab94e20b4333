// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/file.h"

// Plain socket calls, each close-on-exec and non-blocking from birth (Asio's own are not). Nothing here waits, but for
// resolve_blocking().
namespace modelyard::io {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  // "127.0.0.1:8080", "[::1]:8080"
  std::string text() const;
  uint16_t port() const;
  bool is_loopback() const;
};

// "127.0.0.1", "::1", "[::1]"; nothing for a name.
std::optional<SocketAddress> literal_address(std::string_view host, uint16_t port);
// Waits for the name service: start-up only.
Result<std::vector<SocketAddress>> resolve_blocking(const std::string& host, uint16_t port);

// A path may be longer than sockaddr_un's 107 bytes: it is then reached through its opened folder,
// /proc/self/fd/N/NAME, and `folder` must stay open until bind() or connect() has returned.
struct UnixAddress {
  SocketAddress address;
  UniqueFd folder;
};
Result<UnixAddress> unix_address(const std::filesystem::path& path);

Result<UniqueFd> listen_tcp(const std::string& host, uint16_t port, bool share_port);
// Mode 0600. A socket file that nobody answers on is replaced.
Result<UniqueFd> listen_unix(const std::filesystem::path& path);
Result<SocketAddress> local_address(int fd);

// Who is at the other end.
struct Peer {
  bool is_unix = false;
  bool is_loopback = false;  // 127.0.0.0/8, ::1, or a Unix socket
  std::string address;       // "127.0.0.1:51234"; "unix" for a Unix socket
};

struct Accepted {
  UniqueFd fd;
  Peer peer;
  int family = 0;
};
// errno in the error case: EAGAIN when nobody waits.
std::optional<Accepted> accept_one(int listener, int& error_number);

// Begins a connect; it goes on in the background unless it failed at once.
Result<UniqueFd> begin_connect(const SocketAddress& address, std::string_view name);
// After the socket turned writable: 0, or why the connect failed.
int connect_error(int fd);

// True if the peer closed, reset, or sent bytes that nobody asked for: such an idle connection must not be used again.
bool is_stale(int fd);

}  // namespace modelyard::io
