// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/assert.h"
#include "io/file.h"
#include "zookeeper/testing/packets.h"

// For tests: a ZooKeeper server whose every byte the test decides, on a thread of its own.
namespace modelyard::zookeeper::testing {

// One connection, in blocking calls. Reads give up after ten seconds.
class Peer {
 public:
  explicit Peer(io::UniqueFd fd) : fd_(std::move(fd)) {
    const timeval patience{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int at_once = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // The next packet without its length; nothing: the client is gone.
  std::optional<std::string> read_packet() {
    const std::optional<std::string> length = read_exactly(4);
    if (!length) return std::nullopt;
    return read_exactly(static_cast<size_t>(JuteReader(*length).number32()));
  }
  // The next request that is no ping; pings are answered.
  std::optional<Asked> read() {
    while (std::optional<std::string> content = read_packet()) {
      Asked asked = read_request(*content);
      if (asked.xid != kXidPing) return asked;
      send(reply(kXidPing, 1, 0));
    }
    return std::nullopt;
  }
  // Takes the client's handshake. What it asked for; session: 0 = as asked, or 0x77 for a new one.
  std::optional<ConnectRequest> shake_hands(int64_t session = 0, int32_t timeout_ms = 10'000) {
    const std::optional<std::string> content = read_packet();
    if (!content) return std::nullopt;
    JuteReader in(*content);
    ConnectRequest request;
    in.number32();
    request.last_zxid_seen = in.number64();
    request.timeout_ms = in.number32();
    request.session_id = in.number64();
    request.password = in.text();
    if (session == 0) session = request.session_id != 0 ? request.session_id : 0x77;
    send(handshake(session, timeout_ms));
    return request;
  }
  // Answers all that comes with what `answer` says: the server's code and a body; until the client is gone.
  void serve(const std::function<std::pair<int32_t, std::string>(const Asked&)>& answer) {
    while (const std::optional<Asked> asked = read()) {
      const auto [error, body] = answer(*asked);
      send(reply(asked->xid, ++zxid_, error, body));
    }
  }
  bool is_closed() {
    char byte;
    return ::recv(fd_.get(), &byte, 1, 0) <= 0;
  }
  void close() { fd_.reset(); }

 private:
  std::optional<std::string> read_exactly(size_t size) {
    std::string out(size, '\0');
    for (size_t have = 0; have < size;) {
      const ssize_t got = ::recv(fd_.get(), out.data() + have, size - have, 0);
      if (got <= 0) return std::nullopt;
      have += static_cast<size_t>(got);
    }
    return out;
  }
  io::UniqueFd fd_;
  int64_t zxid_ = 100;
};

// Listens on loopback and plays a script with each connection, one after the other.
class ScriptedServer {
 public:
  using Script = std::function<void(Peer&, int number)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = io::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    MY_ASSERT(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 &&
              ::listen(listener_.get(), 16) == 0);
    MY_ASSERT(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  // The client must be gone, or the script ended.
  ~ScriptedServer() {
    stopping_ = true;
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

 private:
  void run() {
    while (!stopping_) {
      pollfd wait{listener_.get(), POLLIN, 0};
      if (::poll(&wait, 1, 10) != 1) continue;
      Peer peer(io::UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
      script_(peer, connections_++);
    }
  }

  Script script_;
  io::UniqueFd listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace modelyard::zookeeper::testing
