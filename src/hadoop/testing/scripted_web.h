// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "base/strings.h"
#include "http/testing/raw_peer.h"
#include "io/socket.h"

namespace modelyard::hadoop::testing {

// An HTTP server that plays a script: one step a connection, in order, each answering one request or failing in a
// chosen way. After the last step connections are refused. What came is kept for the test to look at.
class ScriptedWeb {
 public:
  struct Step {
    enum class How {
      kAnswer,
      kCloseAtOnce,       // before the request is read
      kCloseUnanswered,   // after the request is read
      kCloseInTheMiddle,  // of the answer's body
      kAnswerEarly,       // after the head, with the body still coming
    };
    int status = 200;
    std::string body;
    std::string location = "";  // "" = no such header
    How how = How::kAnswer;
  };
  struct Request {
    std::string line;  // "PUT /webhdfs/v1/a?op=MKDIRS HTTP/1.1"
    std::string head;  // in lower case
    std::string body;
  };

  ScriptedWeb() : listener_(std::move(io::listen_tcp("127.0.0.1", 0, false)).value()) {
    port_ = std::move(io::local_address(listener_.get())).value().port();
  }
  ~ScriptedWeb() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }
  void play(std::vector<Step> steps) {
    thread_ = std::thread([this, steps = std::move(steps)] { run(steps); });
  }

  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Request> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void run(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      pollfd waits{listener_.get(), POLLIN, 0};
      if (::poll(&waits, 1, 10'000) <= 0) break;
      io::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) break;
      http::testing::RawPeer peer(std::move(fd));
      if (step.how == Step::How::kCloseAtOnce) continue;
      serve(peer, step);
    }
    listener_.reset();
  }

  void serve(http::testing::RawPeer& peer, const Step& step) {
    const std::string head = peer.read_until("\r\n\r\n");
    Request request;
    request.line = head.substr(0, head.find("\r\n"));
    request.head = to_lower_ascii(head);
    const bool early = step.how == Step::How::kAnswerEarly;
    if (!early) request.body = read_body(peer, request.head);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    if (step.how == Step::How::kCloseUnanswered) return;
    std::string answer = "HTTP/1.1 " + std::to_string(step.status) + " Scripted\r\nConnection: close\r\n";
    if (!step.location.empty()) answer += "Location: " + step.location + "\r\n";
    answer += "Content-Length: " + std::to_string(step.body.size()) + "\r\n\r\n";
    const bool cut = step.how == Step::How::kCloseInTheMiddle;
    peer.send(answer + step.body.substr(0, cut ? step.body.size() / 2 : std::string::npos));
    // Closing with bytes unread would reset the connection, and the answer might be lost with it.
    if (early) peer.read_all();
  }

  static std::string read_body(http::testing::RawPeer& peer, const std::string& head) {
    if (const size_t at = head.find("content-length: "); at != std::string::npos)
      return peer.read_exactly(static_cast<size_t>(std::atoll(head.c_str() + at + 16)));
    if (head.find("transfer-encoding: chunked") != std::string::npos) return peer.read_until("0\r\n\r\n");
    return "";
  }

  io::UniqueFd listener_;
  uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace modelyard::hadoop::testing
