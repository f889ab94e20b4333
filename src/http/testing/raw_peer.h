// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/assert.h"
#include "base/clock.h"
#include "http/server.h"
#include "io/file.h"

// For tests: the other end of a connection, in plain blocking calls, and a server of ours on a thread of its own.
namespace modelyard::http::testing {

// A blocking TCP connection on loopback. Reads give up after ten seconds.
class RawPeer {
 public:
  explicit RawPeer(io::UniqueFd fd) : fd_(std::move(fd)) {
    const timeval patience{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  static RawPeer connect(uint16_t port) {
    io::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MY_ASSERT(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return RawPeer(std::move(fd));
  }

  // False once the other side is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // Until `end` has come, the other side closes, or patience ends: all bytes since the last call.
  std::string read_until(std::string_view end) {
    std::string out;
    char buffer[4096];
    while (out.find(end) == std::string::npos) {
      const size_t wanted = end.empty() ? sizeof buffer : 1;
      const ssize_t got = ::recv(fd_.get(), buffer, wanted, 0);
      if (got <= 0) break;
      out.append(buffer, static_cast<size_t>(got));
    }
    return out;
  }
  std::string read_all() {
    std::string out;
    char buffer[65536];
    for (ssize_t got; (got = ::recv(fd_.get(), buffer, sizeof buffer, 0)) > 0;)
      out.append(buffer, static_cast<size_t>(got));
    return out;
  }
  std::string read_exactly(size_t size) {
    std::string out(size, '\0');
    size_t have = 0;
    for (ssize_t got; have < size && (got = ::recv(fd_.get(), out.data() + have, size - have, 0)) > 0;)
      have += static_cast<size_t>(got);
    out.resize(have);
    return out;
  }
  // A whole request or answer: header, and a body of its content-length.
  std::string read_message() {
    std::string out = read_until("\r\n\r\n");
    if (const size_t at = out.find("content-length: "); at != std::string::npos)
      out += read_exactly(static_cast<size_t>(std::stoul(out.substr(at + 16))));
    return out;
  }
  // True when the other side has closed (waits for it).
  bool is_closed() {
    char byte;
    return ::recv(fd_.get(), &byte, 1, 0) <= 0;
  }
  void close() { fd_.reset(); }
  void reset_connection() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }
  int fd() const { return fd_.get(); }

 private:
  io::UniqueFd fd_;
};

// A text that a script's thread leaves for the test's.
class Noted {
 public:
  void set(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }
  std::string get() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// Listens on loopback and plays a script with each connection, one after the other, on its own thread.
class RawServer {
 public:
  using Script = std::function<void(RawPeer&, int number)>;

  explicit RawServer(Script script) : script_(std::move(script)) {
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
  ~RawServer() {
    stopping_ = true;
    thread_.join();
  }
  uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  std::string url(std::string_view path = "") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }

 private:
  void run() {
    while (!stopping_) {
      pollfd wait{listener_.get(), POLLIN, 0};
      if (::poll(&wait, 1, 10) != 1) continue;
      RawPeer peer(io::UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
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

// A server on its own loop and thread, stopped when this ends. Fill the router first.
class ServerThread {
 public:
  explicit ServerThread(const Router& router, ServerOptions options = {}) : server_(loop_, router, std::move(options)) {
    started_ = server_.start();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~ServerThread() {
    stop(seconds(5));
    loop_.stop();
    thread_.join();
  }
  // From any thread; how long it took.
  std::chrono::milliseconds stop(std::chrono::milliseconds patience) {
    const SteadyTime begin = system_clock().now();
    std::promise<void> done;
    io::Scope* scope = nullptr;
    loop_.post([&] {
      scope = new io::Scope(loop_.executor());
      scope->spawn([](Server& server, std::promise<void>& promise, SteadyTime deadline) -> io::Task<void> {
        co_await server.stop(deadline);
        promise.set_value();
      }(server_, done, begin + patience));
    });
    done.get_future().wait();
    std::promise<void> ended;
    loop_.post([&] {
      if (scope->running() == 0) {
        delete scope;
        ended.set_value();
      } else {
        loop_.post([&] {
          delete scope;
          ended.set_value();
        });
      }
    });
    ended.get_future().wait();
    return std::chrono::duration_cast<std::chrono::milliseconds>(system_clock().now() - begin);
  }
  const Status& started() const { return started_; }
  uint16_t port() const { return server_.port(); }
  std::string url(std::string_view path = "") const { return "http://" + server_.address() + std::string(path); }
  io::Loop& loop() { return loop_; }
  Server& server() { return server_; }

 private:
  io::Loop loop_;
  Server server_;
  Status started_;
  std::thread thread_;
};

}  // namespace modelyard::http::testing
