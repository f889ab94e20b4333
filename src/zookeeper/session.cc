// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace modelyard::zookeeper {
namespace {

constexpr size_t kPasswordSize = 16;
// So much may lie before a slow socket; the rest stays in the queue, where it can still be withdrawn.
constexpr size_t kOutputMax = 256 << 10;
// Servers before an upgrade are asked again after this time.
constexpr auto kOldServerFor = std::chrono::minutes(10);
// Without any server that took us for so many session time-outs, it is no longer asked that a server has seen all that
// we have: a restored or replaced ensemble never will, and would keep us out for ever.
constexpr int kForgetZxidAfter = 3;

template <typename Deque>
auto find_number(Deque& deque, uint64_t number) {
  const auto at = std::lower_bound(deque.begin(), deque.end(), number,
                                   [](const auto& entry, uint64_t wanted) { return entry.number < wanted; });
  return at != deque.end() && at->number == number ? at : deque.end();
}

}  // namespace

Session::Session(SessionOptions options, SessionEvents& events)
    : options_(std::move(options)), events_(events), timeout_(options_.session_timeout), auth_(options_.auth) {}

void Session::opened(SteadyTime now, size_t server, std::unique_ptr<SaslMechanism> sasl, SteadyTime patience) {
  MY_ASSERT(stage_ == Stage::kNoConnection);
  stage_ = Stage::kHandshake;
  server_ = server;
  opened_at_ = last_sent_ = now;
  patience_ = patience;
  sasl_ = std::move(sasl);
  server_is_new_ = probing_ = doomed_ = false;
  last_xid_ = 0;
  set_watches_ = 0;
  std::erase_if(old_servers_, [&](const auto& entry) { return now - entry.second > kOldServerFor; });
  const bool forget = session_id_ != 0 && now - last_heard_ > kForgetZxidAfter * timeout_;
  const size_t start = begin_packet(out_);
  JuteWriter writer(out_);
  encode(writer, {.last_zxid_seen = forget ? 0 : last_zxid_,
                  .timeout_ms = static_cast<int32_t>(options_.session_timeout.count()),
                  .session_id = session_id_,
                  .password = password_.empty() ? std::string(kPasswordSize, '\0') : password_,
                  .read_only = false});
  end_packet(out_, start);
}

Status Session::tick(SteadyTime now) {
  if (stage_ == Stage::kNoConnection || stage_ == Stage::kClosed) return {};
  if (stage_ < Stage::kReady) {
    if (now < patience_) return {};
    return fail(ErrorCode::kDeadline, "the handshake took too long");
  }
  if (now - last_heard_ >= timeout_ * 2 / 3)
    return fail(ErrorCode::kDeadline,
                fmt::format("nothing was heard of the server for {} ms",
                            std::chrono::duration_cast<std::chrono::milliseconds>(now - last_heard_).count()));
  if (now - last_sent_ >= timeout_ / 3 && !doomed_ && stage_ == Stage::kReady) {
    write_packet(kXidPing, OpCode::kPing, {});
    last_sent_ = now;
  }
  return {};
}

SteadyTime Session::wake_at() const {
  if (stage_ == Stage::kNoConnection || stage_ == Stage::kClosed) return SteadyTime::max();
  if (stage_ < Stage::kReady) return patience_;
  const SteadyTime silent = last_heard_ + timeout_ * 2 / 3;
  if (doomed_ || stage_ != Stage::kReady) return silent;
  return std::min(silent, last_sent_ + timeout_ / 3);
}

int32_t Session::next_xid() {
  last_xid_ = last_xid_ == std::numeric_limits<int32_t>::max() ? 1 : last_xid_ + 1;
  return last_xid_;
}

void Session::write_packet(int32_t xid, OpCode opcode, std::string_view body) {
  const size_t start = begin_packet(out_);
  JuteWriter(out_).number32(xid).number32(static_cast<int32_t>(opcode));
  out_.append(body);
  end_packet(out_, start);
}

bool Session::is_old(size_t server) const { return old_servers_.contains(server); }

void Session::send_front() {
  Waiting waiting = std::move(queue_.front());
  queue_.pop_front();
  const bool is_auth = waiting.request.opcode == OpCode::kAuth;
  Sent sent{waiting.number, is_auth ? kXidAuth : next_xid(), out_written_ + (out_.size() - out_begin_),
            std::move(waiting.request)};
  write_packet(sent.xid, sent.request.opcode, sent.request.body);
  sent.request.body = std::string();
  (is_auth ? auths_ : sent_).push_back(std::move(sent));
}

void Session::fill() {
  while (!queue_.empty() && stage_ == Stage::kReady && !doomed_ && !probing_ && out_.size() - out_begin_ < kOutputMax) {
    const Request& next = queue_.front().request;
    if (!server_is_new_ && is_unknown_to_old_servers(next.opcode)) {
      if (is_old(server_)) {
        Waiting waiting = std::move(queue_.front());
        queue_.pop_front();
        if (waiting.request.done) (void)waiting.request.done(Answer{-6, {}});
        continue;
      }
      // An old server ends the connection after such an operation: nothing else shall be on its way then.
      if (!sent_.empty() || !auths_.empty()) return;
      probing_ = true;
    }
    send_front();
  }
}

std::string_view Session::output() {
  fill();
  return std::string_view(out_).substr(out_begin_);
}

void Session::written(size_t bytes, SteadyTime now) {
  MY_ASSERT(bytes <= out_.size() - out_begin_);
  if (bytes == 0) return;
  last_sent_ = now;
  out_begin_ += bytes;
  out_written_ += bytes;
  if (out_begin_ == out_.size()) {
    out_.clear();
    out_begin_ = 0;
  } else if (out_begin_ > kOutputMax) {
    out_.erase(0, out_begin_);
    out_begin_ = 0;
  }
}

void Session::lost(const std::string& why) {
  std::deque<Sent> failed;
  failed.swap(sent_);
  for (Sent& auth : auths_) {
    if (auth.number != 0) failed.push_back(std::move(auth));
  }
  auths_.clear();
  const uint64_t written = out_written_;
  in_.clear();
  out_.clear();
  out_begin_ = 0;
  out_written_ = 0;
  sasl_ = nullptr;
  stage_ = stage_ == Stage::kClosing || stage_ == Stage::kClosed ? Stage::kClosed : Stage::kNoConnection;
  for (const Sent& sent : failed) {
    if (!sent.request.done) continue;
    if (sent.begins_at >= written)
      (void)sent.request.done(
          fail(ErrorCode::kUnavailable, fmt::format("the connection broke before it was sent: {}", why)));
    else
      (void)sent.request.done(
          fail(ErrorCode::kDeadline, fmt::format("the connection broke, it may have been carried out: {}", why)));
  }
}

std::optional<uint64_t> Session::submit(Request request) {
  if (in_flight() >= options_.in_flight_max) return std::nullopt;
  queue_.push_back({++last_number_, std::move(request)});
  return last_number_;
}

bool Session::withdraw(uint64_t number) {
  if (const auto at = find_number(queue_, number); at != queue_.end()) {
    queue_.erase(at);
    return true;
  }
  const auto forget = [](Sent& sent) {
    sent.request.done = nullptr;
    sent.request.watch.reset();
  };
  if (const auto at = find_number(sent_, number); at != sent_.end()) {
    forget(*at);
    return at->begins_at >= out_written_;
  }
  for (Sent& auth : auths_) {
    if (auth.number == number) forget(auth);
  }
  return false;
}

void Session::close() {
  std::deque<Waiting> queue;
  queue.swap(queue_);
  if (stage_ == Stage::kReady && !doomed_) {
    own_xid_ = next_xid();
    write_packet(own_xid_, OpCode::kCloseSession, {});
    stage_ = Stage::kClosing;
  } else {
    stage_ = Stage::kClosed;
  }
  for (const Waiting& waiting : queue) {
    if (waiting.request.done) (void)waiting.request.done(fail(ErrorCode::kCancelled, "the client is closed"));
  }
}

void Session::end(const Error& why) {
  std::vector<Request> requests;
  for (Waiting& waiting : queue_) requests.push_back(std::move(waiting.request));
  for (Sent& sent : sent_) requests.push_back(std::move(sent.request));
  for (Sent& auth : auths_) requests.push_back(std::move(auth.request));
  queue_.clear();
  sent_.clear();
  auths_.clear();
  for (const Request& request : requests) {
    if (request.done) (void)request.done(fail(why));
  }
}

void Session::unwatch(WatchTable::Kind kind, const std::string& path, const WatchTable::Watcher& watcher) {
  if (!watches_.remove(kind, path, watcher)) return;
  // Servers before 3.9 hold one watch of a path for us, whatever its kinds: it stays while another of ours needs it.
  if (stage_ != Stage::kReady || watches_.watches(path)) return;
  constexpr int32_t kAny = 3;
  Request request;
  request.opcode = OpCode::kRemoveWatches;
  request.body = path_number_request(path, kAny);
  (void)submit(std::move(request));
}

}  // namespace modelyard::zookeeper
