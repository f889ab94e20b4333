// SPDX-License-Identifier: Apache-2.0
#include "hadoop/rpc/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "hadoop/proto/hadoop.pb.h"
#include "hadoop/security/writable.h"

namespace modelyard::hadoop::rpc {
namespace {

constexpr std::string_view kHead{"hrpc\x09\0", 6};  // version 9, service class 0
constexpr char kAuthSimple = 0;
constexpr char kAuthSasl = static_cast<char>(-33);
constexpr int32_t kCallSasl = -33;
constexpr int32_t kCallContext = -3;
constexpr int32_t kCallPing = -4;
constexpr int32_t kRpcKindProtobuf = 2;
constexpr uint32_t kStatusSuccess = 0;
constexpr int kStatusFatal = 2;
constexpr std::string_view kMethod = "TOKEN";
constexpr std::string_view kMechanism = "DIGEST-MD5";
constexpr int kNegotiationStepsMax = 4;

Error protocol_error(std::string_view what) {
  return Error(ErrorCode::kProtocol, fmt::format("Hadoop RPC: the server sent {}", what));
}

std::string make_packet(int32_t call, std::string_view client_id, std::string_view body, int32_t retry) {
  pb::RpcRequestHeader header;
  header.set_rpc_kind(kRpcKindProtobuf);
  header.set_rpc_op(0);
  header.set_call_id(call);
  header.set_client_id(std::string(client_id));
  header.set_retry_count(retry);
  std::string rest;
  append_delimited(rest, header.SerializeAsString());
  rest.append(body);
  std::string packet;
  packet.reserve(4 + rest.size());
  append_int32(packet, static_cast<uint32_t>(rest.size()));
  return packet.append(rest);
}

std::string offers_of(const pb::RpcSasl& message) {
  std::vector<std::string> names;
  for (const pb::RpcSasl::Auth& auth : message.auths())
    names.push_back(auth.mechanism().empty() ? auth.method()
                                             : fmt::format("{} by {}", auth.method(), auth.mechanism()));
  return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
}

RemoteException exception_of(const pb::RpcResponseHeader& header, bool fatal) {
  return make_remote_exception(header.exception_class(), header.error_text(), header.error_detail(), fatal);
}

}  // namespace

Connection::Connection(ConnectionOptions options) : options_(std::move(options)) {
  output_.append(kHead);
  output_.push_back(options_.token ? kAuthSasl : kAuthSimple);
  if (options_.token) {
    pb::RpcSasl message;
    message.set_state(pb::RpcSasl::NEGOTIATE);
    send_sasl(message);
    return;
  }
  state_ = State::kReady;
  send_context();
}

std::string Connection::take_output() { return std::exchange(output_, {}); }

void Connection::close() {
  state_ = State::kClosed;
  in_flight_.clear();
  forgotten_.clear();
  input_.clear();
  unwrapped_.clear();
}

std::optional<Connection::Completed> Connection::next_completed() {
  if (completed_.empty()) return std::nullopt;
  Completed out = std::move(completed_.front());
  completed_.pop_front();
  return out;
}

// Sending -------------------------------------------------------------------------------------------------------------

void Connection::send_sasl(const pb::RpcSasl& message) {
  std::string body;
  append_delimited(body, message.SerializeAsString());
  output_.append(make_packet(kCallSasl, "", body, -1));
}

// Once a protection is agreed on, a packet travels inside SASL messages, cut to what the server takes in one.
Status Connection::send_packet(std::string_view packet) {
  if (!sending_) {
    output_.append(packet);
    return {};
  }
  while (!packet.empty()) {
    const std::string_view part = packet.substr(0, sasl_->message_max());
    packet.remove_prefix(part.size());
    pb::RpcSasl message;
    message.set_state(pb::RpcSasl::WRAP);
    MY_TRY(*message.mutable_token(), sending_->wrap(part));
    send_sasl(message);
  }
  return {};
}

Status Connection::send_context() {
  pb::IpcConnectionContext context;
  context.mutable_user_info();
  if (!options_.token) context.mutable_user_info()->set_effective_user(options_.user);
  context.set_protocol(options_.protocol);
  std::string body;
  append_delimited(body, context.SerializeAsString());
  return send_packet(make_packet(kCallContext, options_.client_id, body, -1));
}

Result<int32_t> Connection::begin_call(std::string_view method, std::string_view request) {
  if (state_ != State::kReady) return fail(ErrorCode::kUnavailable, "Hadoop RPC: there is no connection");
  if (in_flight_.size() >= options_.in_flight_max)
    return fail(ErrorCode::kResourceExhausted, "Hadoop RPC: too many calls are in flight");
  if (request.size() > options_.packet_max)
    return fail(ErrorCode::kResourceExhausted, fmt::format("Hadoop RPC: the request of {} is too long", method));
  pb::RequestHeader header;
  header.set_method_name(std::string(method));
  header.set_protocol_name(options_.protocol);
  header.set_protocol_version(1);
  std::string body;
  append_delimited(body, header.SerializeAsString());
  append_delimited(body, request);
  const int32_t call = next_call_;
  MY_TRY_VOID(send_packet(make_packet(call, options_.client_id, body, 0)));
  next_call_ = next_call_ == INT32_MAX ? 0 : next_call_ + 1;
  in_flight_.insert(call);
  return call;
}

void Connection::forget(int32_t call) {
  if (in_flight_.contains(call)) forgotten_.insert(call);
}

Status Connection::ping() {
  if (state_ != State::kReady) return {};
  return send_packet(make_packet(kCallPing, options_.client_id, "", -1));
}

// Receiving -----------------------------------------------------------------------------------------------------------

Status Connection::feed(std::string_view bytes) {
  if (state_ == State::kClosed) return fail(ErrorCode::kUnavailable, "Hadoop RPC: the connection is closed");
  input_.append(bytes);
  Status status = take_packets(input_, false);
  if (!status) close();
  return status;
}

Status Connection::take_packets(std::string& buffer, bool is_unwrapped) {
  size_t at = 0;
  while (buffer.size() - at >= 4) {
    const std::string_view rest = std::string_view(buffer).substr(at);
    const uint32_t size = int32_at(rest);
    if (size > options_.packet_max)
      return fail(ErrorCode::kResourceExhausted, fmt::format("Hadoop RPC: the server's packet has {} bytes", size));
    if (rest.size() - 4 < size) break;
    MY_TRY_VOID(take_packet(rest.substr(4, size), is_unwrapped));
    at += 4 + size;
  }
  buffer.erase(0, at);
  return {};
}

Status Connection::take_packet(std::string_view packet, bool is_unwrapped) {
  const Result<std::string_view> head = take_delimited(packet);
  pb::RpcResponseHeader header;
  if (!head || !header.ParseFromArray(head->data(), static_cast<int>(head->size())) || !header.has_call_id() ||
      !header.has_status())
    return fail(protocol_error("a damaged header"));
  const auto call = static_cast<int32_t>(header.call_id());
  const bool is_sasl = call == kCallSasl;
  // Behind a protection nothing counts that is not protected, and no protected message is inside another.
  if (receiving_ && is_sasl == is_unwrapped) return fail(protocol_error("an unprotected packet"));
  if (header.status() == kStatusFatal) return take_fatal(header);
  if (!is_sasl) return take_answer(header, packet);
  if (header.status() != static_cast<int>(kStatusSuccess)) return take_fatal(header);
  const Result<std::string_view> body = take_delimited(packet);
  pb::RpcSasl message;
  if (!body || !message.ParseFromArray(body->data(), static_cast<int>(body->size())) || !message.has_state())
    return fail(protocol_error("a damaged SASL message"));
  return receiving_ ? unwrap(message) : take_sasl(message);
}

Status Connection::take_fatal(const pb::RpcResponseHeader& header) {
  fatal_ = exception_of(header, true);
  return fail(to_error(*fatal_));
}

Status Connection::take_answer(const pb::RpcResponseHeader& header, std::string_view rest) {
  const auto call = static_cast<int32_t>(header.call_id());
  if (state_ != State::kReady || in_flight_.erase(call) == 0)
    return fail(protocol_error(fmt::format("an answer to call {}, which is not in flight", call)));
  Completed completed{call, {}};
  if (header.status() == static_cast<int>(kStatusSuccess)) {
    const Result<std::string_view> body = take_delimited(rest);
    if (!body) return fail(protocol_error("an answer that is cut off"));
    completed.answer.body = *body;
  } else {
    completed.answer.exception = exception_of(header, false);
  }
  if (forgotten_.erase(call) == 0) completed_.push_back(std::move(completed));
  return {};
}

Status Connection::unwrap(const pb::RpcSasl& message) {
  if (message.state() != pb::RpcSasl::WRAP) return fail(protocol_error("an unprotected packet"));
  MY_TRY(const std::string plain, receiving_->unwrap(message.token()));
  unwrapped_.append(plain);
  return take_packets(unwrapped_, true);
}

// Negotiation ---------------------------------------------------------------------------------------------------------

Status Connection::take_sasl(const pb::RpcSasl& message) {
  if (state_ != State::kNegotiating || ++negotiation_steps_ > kNegotiationStepsMax)
    return fail(protocol_error("a SASL message that nobody waits for"));
  switch (message.state()) {
    case pb::RpcSasl::NEGOTIATE: return negotiate(message);
    case pb::RpcSasl::CHALLENGE: return answer_challenge(message.token());
    case pb::RpcSasl::SUCCESS: return finish_negotiation(message.token());
    default: return fail(protocol_error("a SASL message of a client"));
  }
}

Status Connection::negotiate(const pb::RpcSasl& message) {
  if (negotiation_steps_ != 1) return fail(protocol_error("its SASL offer twice"));
  const auto& auths = message.auths();
  const auto chosen = std::find_if(auths.begin(), auths.end(), [](const pb::RpcSasl::Auth& auth) {
    return auth.method() == kMethod && auth.mechanism() == kMechanism;
  });
  if (chosen == auths.end())
    return fail(ErrorCode::kUnsupported,
                fmt::format("Hadoop RPC: the server takes {}; we have {} by {} (hadoop.security.sasl.mechanism)",
                            offers_of(message), kMethod, kMechanism));
  digest_protocol_ = chosen->protocol();
  digest_server_ = chosen->server_id();
  pb::RpcSasl reply;
  reply.set_state(pb::RpcSasl::INITIATE);
  if (!chosen->challenge().empty()) {
    MY_TRY(*reply.mutable_token(), make_response(chosen->challenge()));
  } else {
    reply.set_token("");
  }
  *reply.add_auths() = *chosen;
  reply.mutable_auths(0)->clear_challenge();
  send_sasl(reply);
  offered_ = true;
  return {};
}

Result<std::string> Connection::make_response(const std::string& challenge) {
  MY_TRY(SaslDigestClient client, SaslDigestClient::answer({.challenge = challenge,
                                                            .token = *options_.token,
                                                            .protocol = digest_protocol_,
                                                            .server_id = digest_server_,
                                                            .cnonce = options_.cnonce}));
  sasl_ = std::move(client);
  return sasl_->response();
}

Status Connection::answer_challenge(const std::string& challenge) {
  if (!offered_ || sasl_) return fail(protocol_error("a SASL challenge out of turn"));
  pb::RpcSasl reply;
  reply.set_state(pb::RpcSasl::RESPONSE);
  MY_TRY(*reply.mutable_token(), make_response(challenge));
  send_sasl(reply);
  return {};
}

// A server that calls it a success without the proof that it knows the token is not believed.
Status Connection::finish_negotiation(const std::string& proof) {
  if (!sasl_) return fail(ErrorCode::kUnauthenticated, "Hadoop RPC: the server did not prove that it knows the token");
  MY_TRY_VOID(sasl_->check_proof(proof));
  state_ = State::kReady;
  if (sasl_->protection() != SaslProtection::kAuthentication) {
    MY_TRY(sending_, sasl_->make_sending_layer());
    MY_TRY(receiving_, sasl_->make_receiving_layer());
  }
  return send_context();
}

}  // namespace modelyard::hadoop::rpc
