// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "zookeeper/session.h"

namespace modelyard::zookeeper {
namespace {

constexpr size_t kSetWatchesMax = 128 << 10;  // the servers' own limit of a packet is 1 MiB
constexpr int32_t kUnimplemented = -6;
constexpr int32_t kNoNode = -101;
constexpr int32_t kAuthFailed = -115;
constexpr int32_t kRequiresSasl = -124;

Error rubbish(std::string what) { return Error(ErrorCode::kProtocol, std::move(what)); }

}  // namespace

Status Session::receive(std::string_view bytes, SteadyTime now) {
  if (stage_ == Stage::kNoConnection || stage_ == Stage::kClosed) return {};
  last_heard_ = now;
  if (!in_.empty()) in_.append(bytes);
  std::string_view rest = in_.empty() ? bytes : std::string_view(in_);
  const size_t all = rest.size();
  while (rest.size() >= 4 && stage_ != Stage::kClosed) {
    const auto size = static_cast<uint32_t>(JuteReader(rest).number32());
    if (size > options_.packet_max)
      return fail(rubbish(
          fmt::format("the server sends a packet of {} bytes; at most {} are taken", size, options_.packet_max)));
    if (rest.size() - 4 < size) break;
    MY_TRY_VOID(take_frame(rest.substr(4, size)));
    rest.remove_prefix(size + 4);
  }
  if (in_.empty())
    in_ = rest;
  else
    in_.erase(0, all - rest.size());
  return {};
}

Status Session::take_frame(std::string_view frame) {
  if (stage_ == Stage::kHandshake) return take_handshake(frame);
  JuteReader in(frame);
  ReplyHeader header;
  header.xid = in.number32();
  header.zxid = in.number64();
  header.error = in.number32();
  if (!in.good()) return fail(rubbish(fmt::format("the server sends an answer of {} bytes", frame.size())));
  const std::string_view body = in.rest();
  switch (header.xid) {
    case kXidPing: return {};
    case kXidWatchEvent: return take_watch_event(body);
    case kXidAuth: return take_auth(header);
    case kXidSetWatches: return take_set_watches(header);
    default: break;
  }
  last_zxid_ = std::max(last_zxid_, header.zxid);
  return stage_ == Stage::kSasl ? take_sasl(header, body) : take_answer(header, body);
}

Status Session::take_handshake(std::string_view frame) {
  MY_TRY(ConnectResponse response, decode_connect_response(frame));
  if (response.timeout_ms <= 0 || response.session_id == 0) return expire();
  if (response.read_only) return fail(ErrorCode::kUnavailable, "the server is read-only: it sees no majority");
  if (session_id_ != 0 && response.session_id != session_id_)
    return fail(rubbish("the server answers with another session than the one that was asked for"));
  session_id_ = response.session_id;
  password_ = std::move(response.password);
  timeout_ = std::chrono::milliseconds(response.timeout_ms);
  if (!sasl_) return begin_auth();
  stage_ = Stage::kSasl;
  MY_TRY(const std::string token, sasl_->start());
  own_xid_ = next_xid();
  write_packet(own_xid_, OpCode::kSasl, path_request(token));
  return {};
}

Status Session::expire() {
  if (session_id_ == 0) return fail(rubbish("the server gives no session"));
  session_id_ = 0;
  password_.clear();
  last_zxid_ = 0;
  timeout_ = options_.session_timeout;
  old_servers_.clear();
  if (std::exchange(announced_, false)) events_.on_expired();
  lose(watches_.take_all());
  return fail(ErrorCode::kUnavailable, "the session has expired");
}

void Session::lose(std::vector<std::pair<std::string, WatchTable::Watcher>> watchers) {
  for (auto& [path, watcher] : watchers) {
    std::vector<WatchTable::Watcher> one;
    one.push_back(std::move(watcher));
    events_.on_watch(WatchEvent::Type::kLost, path, std::move(one));
  }
}

Error Session::refuse(std::string text) {
  refused_ = true;
  return Error(ErrorCode::kUnauthenticated, std::move(text));
}

Status Session::take_sasl(const ReplyHeader& header, std::string_view body) {
  if (header.xid != own_xid_) return fail(rubbish("the server answers out of order during SASL"));
  if (header.error == kAuthFailed || header.error == kRequiresSasl)
    return fail(refuse("SASL: the server refuses the user or its password"));
  if (header.error != 0) return fail(rubbish(fmt::format("SASL: {}", text_of(header.error))));
  JuteReader in(body);
  const std::string_view token = in.text();
  if (!in.good()) return fail(rubbish("the server's SASL token cannot be read"));
  Result<std::string> next = sasl_->step(token);
  if (!next && (next.error().code() == ErrorCode::kUnauthenticated || next.error().code() == ErrorCode::kUnsupported))
    return fail(refuse(next.error().message()));
  if (!next) return fail(std::move(next).error());
  if (sasl_->complete()) return begin_auth();
  own_xid_ = next_xid();
  write_packet(own_xid_, OpCode::kSasl, path_request(*next));
  return {};
}

Status Session::begin_auth() {
  sasl_ = nullptr;
  stage_ = Stage::kAuth;
  for (const auto& [scheme, credentials] : auth_) {
    write_packet(kXidAuth, OpCode::kAuth, auth_request(scheme, credentials));
    auths_.push_back({});
  }
  if (auths_.empty()) become_ready();
  return {};
}

Status Session::take_auth(const ReplyHeader& header) {
  if (auths_.empty()) return fail(rubbish("the server answers to credentials that were not sent"));
  Sent sent = std::move(auths_.front());
  auths_.pop_front();
  if (sent.number == 0) {
    if (header.error != 0) return fail(refuse(std::string(text_of(header.error))));
    if (auths_.empty() && stage_ == Stage::kAuth) become_ready();
    return {};
  }
  Request& request = sent.request;
  if (header.error == 0) {
    auth_.emplace_back(std::move(request.scheme), std::move(request.credentials));
  } else {
    doomed_ = true;  // the server closes the connection, not the session
  }
  return request.done ? request.done(Answer{header.error, {}}) : Status();
}

void Session::become_ready() {
  stage_ = Stage::kReady;
  events_.on_ready(!std::exchange(announced_, true));
  if (is_old(server_)) lose(watches_.take_persistent());
  for (const WatchTable::Packet& packet : watches_.set_again(last_zxid_, kSetWatchesMax)) {
    write_packet(kXidSetWatches, packet.has_persistent ? OpCode::kSetWatches2 : OpCode::kSetWatches, packet.body);
    ++set_watches_;
  }
}

Status Session::take_set_watches(const ReplyHeader& header) {
  if (set_watches_ == 0) return fail(rubbish("the server answers to watches that were not set"));
  --set_watches_;
  if (header.error == 0) return {};
  if (header.error == kUnimplemented) {
    old_servers_[server_] = last_heard_;
    doomed_ = true;
    lose(watches_.take_persistent());
    return {};
  }
  if (header.error == kRequiresSasl) return fail(refuse(std::string(text_of(header.error))));
  return fail(ErrorCode::kUnavailable, fmt::format("setting the watches again: {}", text_of(header.error)));
}

Status Session::take_watch_event(std::string_view body) {
  MY_TRY(WatchPacket packet, decode_watch_event(body));
  if (stage_ < Stage::kReady) return fail(rubbish("the server sends a watch event before the session is ready"));
  const WatchEvent::Type type{packet.type};
  switch (type) {
    case WatchEvent::Type::kCreated:
    case WatchEvent::Type::kDeleted:
    case WatchEvent::Type::kDataChanged:
    case WatchEvent::Type::kChildrenChanged: {
      if (packet.path.empty() || packet.path.front() != '/') return fail(rubbish("a watch event without a path"));
      std::vector<WatchTable::Watcher> watchers = watches_.take(type, packet.path);
      if (!watchers.empty()) events_.on_watch(type, packet.path, std::move(watchers));
      return {};
    }
    default: return {};  // of the server's own state, or of a kind that newer servers have
  }
}

Status Session::take_answer(const ReplyHeader& header, std::string_view body) {
  if (stage_ == Stage::kClosing && header.xid == own_xid_ && sent_.empty()) {
    stage_ = Stage::kClosed;
    return {};
  }
  // What an old server does not know it answers at once, before what it still works on.
  auto at = sent_.begin();
  if (header.error == kUnimplemented)
    at = std::find_if(sent_.begin(), sent_.end(), [&](const Sent& sent) { return sent.xid == header.xid; });
  if (at == sent_.end()) return fail(rubbish(fmt::format("the server answers to {}, which was not sent", header.xid)));
  if (at->xid != header.xid)
    return fail(rubbish(fmt::format("the server answers out of order: to {} instead of {}", header.xid, at->xid)));
  Sent sent = std::move(*at);
  sent_.erase(at);
  if (is_unknown_to_old_servers(sent.request.opcode)) {
    probing_ = false;
    server_is_new_ = header.error != kUnimplemented;
    doomed_ = !server_is_new_;
    if (doomed_) old_servers_[server_] = last_heard_;
  }
  MY_TRY_VOID(settle(std::move(sent), header.error, body));
  if (header.error == kRequiresSasl) return fail(refuse(std::string(text_of(header.error))));
  return {};
}

Status Session::settle(Sent sent, int32_t error, std::string_view body) {
  Request& request = sent.request;
  if (request.watch) {
    const bool waits_for_creation = request.opcode == OpCode::kExists && error == kNoNode;
    if (error == 0 || waits_for_creation)
      watches_.add(waits_for_creation ? WatchTable::Kind::kExist : request.watch->kind, std::move(request.watch->path),
                   std::move(request.watch->watcher));
  }
  return request.done ? request.done(Answer{error, body}) : Status();
}

}  // namespace modelyard::zookeeper
