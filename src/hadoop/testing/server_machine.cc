// SPDX-License-Identifier: Apache-2.0
#include "hadoop/testing/server_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hadoop/proto/hadoop.pb.h"
#include "hadoop/security/writable.h"

namespace modelyard::hadoop::testing {
namespace {

constexpr std::string_view kNonce = "a nonce for tests";
constexpr uint32_t kCallSasl = static_cast<uint32_t>(-33);

tl::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::kProtocol, fmt::format("the client sent {}", what));
}

std::string packet_of(const pb::RpcResponseHeader& header, std::string_view body) {
  std::string rest;
  append_delimited(rest, header.SerializeAsString());
  rest.append(body);
  std::string out;
  append_int32(out, static_cast<uint32_t>(rest.size()));
  return out + rest;
}

std::string directive(std::string_view message, std::string_view name) {
  const std::string head = fmt::format("{}=\"", name);
  const size_t at = message.find(head);
  if (at == std::string_view::npos) return "";
  message.remove_prefix(at + head.size());
  return std::string(message.substr(0, message.find('"')));
}

}  // namespace

std::string ServerMachine::take_output() { return std::exchange(output_, {}); }

std::optional<ServerMachine::Call> ServerMachine::next_call() {
  if (calls_.empty()) return std::nullopt;
  Call out = std::move(calls_.front());
  calls_.pop_front();
  return out;
}

Status ServerMachine::feed(std::string_view bytes) {
  input_.append(bytes);
  if (!has_head_) {
    if (input_.size() < 7) return {};
    const std::string expected = std::string("hrpc\x09\0", 6) + (options_.tokens.empty() ? '\0' : '\xdf');
    if (input_.substr(0, 7) != expected) return wrong("another head");
    input_.erase(0, 7);
    has_head_ = true;
  }
  return take_packets(input_);
}

Status ServerMachine::take_packets(std::string& buffer) {
  while (buffer.size() >= 4) {
    const uint32_t size = int32_at(buffer);
    if (size > (1U << 20)) return wrong("too long a packet");
    if (buffer.size() - 4 < size) break;
    const std::string packet = buffer.substr(4, size);
    buffer.erase(0, 4 + size);
    MY_TRY_VOID(take_packet(packet));
  }
  return {};
}

Status ServerMachine::take_packet(std::string_view packet) {
  MY_TRY(const std::string_view head, take_delimited(packet));
  pb::RpcRequestHeader header;
  if (!header.ParseFromArray(head.data(), static_cast<int>(head.size())) || header.rpc_kind() != 2 ||
      !header.has_call_id() || !header.has_client_id())
    return wrong("a damaged header");
  if (header.call_id() == -33) {
    MY_TRY(const std::string_view body, take_delimited(packet));
    pb::RpcSasl message;
    if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return wrong("a damaged SASL message");
    return take_sasl(message);
  }
  if (header.call_id() == -4) {
    ++pings_;
    return {};
  }
  if (header.client_id().size() != 16) return wrong("no identity");
  if (header.call_id() == -3) {
    MY_TRY(const std::string_view body, take_delimited(packet));
    pb::IpcConnectionContext context;
    if (has_context_ || !context.ParseFromArray(body.data(), static_cast<int>(body.size())))
      return wrong("a damaged context");
    has_context_ = true;
    protocol_ = context.protocol();
    user_ = context.user_info().effective_user();
    return {};
  }
  if (!has_context_) return wrong("a call without a context");
  if (!options_.tokens.empty() && identifier_.empty()) return wrong("a call without a token");
  MY_TRY(const std::string_view request, take_delimited(packet));
  pb::RequestHeader named;
  if (!named.ParseFromArray(request.data(), static_cast<int>(request.size())) || named.protocol_version() != 1)
    return wrong("a damaged request");
  MY_TRY(const std::string_view body, take_delimited(packet));
  if (!seen_.insert(header.call_id()).second) return wrong("a number twice");
  calls_.push_back({header.call_id(), named.protocol_name(), named.method_name(), std::string(body), identifier_});
  return {};
}

std::string ServerMachine::challenge() const {
  return fmt::format(
      "realm=\"default\",nonce=\"{}\",qop=\"{}\",charset=utf-8,cipher=\"{}\",maxbuf={},algorithm=md5-sess", kNonce,
      options_.qop, options_.ciphers, options_.maxbuf);
}

Status ServerMachine::take_sasl(const pb::RpcSasl& message) {
  pb::RpcSasl answer;
  switch (message.state()) {
    case pb::RpcSasl::NEGOTIATE: {
      answer.set_state(pb::RpcSasl::NEGOTIATE);
      pb::RpcSasl::Auth& auth = *answer.add_auths();
      auth.set_method("TOKEN");
      auth.set_mechanism(options_.mechanism);
      auth.set_protocol("");
      auth.set_server_id("default");
      if (options_.challenge_with_offer) auth.set_challenge(challenge());
      send_sasl(answer);
      return {};
    }
    case pb::RpcSasl::INITIATE:
      if (message.auths_size() != 1 || message.auths(0).has_challenge() || message.auths(0).server_id() != "default")
        return wrong("another choice than was offered");
      if (options_.challenge_with_offer) return finish(message.token());
      if (!message.token().empty()) return wrong("a response before the challenge");
      answer.set_state(pb::RpcSasl::CHALLENGE);
      answer.set_token(challenge());
      send_sasl(answer);
      return {};
    case pb::RpcSasl::RESPONSE: return finish(message.token());
    case pb::RpcSasl::WRAP: {
      if (!receiving_) return wrong("a protected packet");
      MY_TRY(const std::string plain, receiving_->unwrap(message.token()));
      unwrapped_.append(plain);
      return take_packets(unwrapped_);
    }
    default: return wrong("a SASL message of a server");
  }
}

Status ServerMachine::finish(const std::string& response) {
  const std::string user = directive(response, "username");
  const auto token = std::find_if(options_.tokens.begin(), options_.tokens.end(),
                                  [&](const Token& known) { return sasl_user(known) == user; });
  if (token == options_.tokens.end()) {
    refuse(-33, "org.apache.hadoop.security.token.SecretManager$InvalidToken", "not found in AMRMTokenSecretManager.",
           15, true);
    return {};
  }
  const bool privacy = response.find("qop=auth-conf") != std::string::npos;
  const bool integrity = response.find("qop=auth-int") != std::string::npos;
  DigestMd5Request request;
  request.username = sasl_user(*token);
  request.password = sasl_password(*token);
  request.realm = "default";
  request.digest_uri = "/default";
  request.nonce = kNonce;
  request.cnonce = directive(response, "cnonce");
  request.qop = privacy ? "auth-conf" : integrity ? "auth-int" : "auth";
  request.utf8 = true;
  MY_TRY(const DigestMd5Answer answer, answer_digest_md5(request));
  if (response.find("response=" + answer.response) == std::string::npos) {
    refuse(-33, "javax.security.sasl.SaslException",
           "DIGEST-MD5: digest response format violation. Mismatched response.", 15, true);
    return {};
  }
  pb::RpcSasl success;
  success.set_state(pb::RpcSasl::SUCCESS);
  success.set_token("rspauth=" + (options_.wrong_proof ? std::string(32, '0') : answer.rspauth));
  send_sasl(success);
  identifier_ = token->identifier;
  if (!privacy && !integrity) return {};
  const SaslProtection protection = privacy ? SaslProtection::kPrivacy : SaslProtection::kIntegrity;
  MY_TRY(sending_, SaslLayer::make(protection, answer.ha1, SaslLayer::Direction::kServerToClient));
  MY_TRY(receiving_, SaslLayer::make(protection, answer.ha1, SaslLayer::Direction::kClientToServer));
  return {};
}

void ServerMachine::send_sasl(const pb::RpcSasl& message) {
  pb::RpcResponseHeader header;
  header.set_call_id(kCallSasl);
  header.set_status(0);
  std::string body;
  append_delimited(body, message.SerializeAsString());
  output_.append(packet_of(header, body));
}

void ServerMachine::send(std::string_view packet) {
  if (!sending_) {
    output_.append(packet);
    return;
  }
  while (!packet.empty()) {
    const std::string_view part = packet.substr(0, options_.wrapped_max == 0 ? packet.size() : options_.wrapped_max);
    packet.remove_prefix(part.size());
    pb::RpcSasl message;
    message.set_state(pb::RpcSasl::WRAP);
    message.set_token(sending_->wrap(part).value());
    send_sasl(message);
  }
}

void ServerMachine::reply(int32_t call, std::string_view body) {
  pb::RpcResponseHeader header;
  header.set_call_id(static_cast<uint32_t>(call));
  header.set_status(0);
  header.set_server_ipc_version(9);
  std::string message;
  append_delimited(message, body);
  send(packet_of(header, message));
}

void ServerMachine::refuse(int32_t call, std::string_view class_name, std::string_view text, int detail, bool fatal) {
  pb::RpcResponseHeader header;
  header.set_call_id(static_cast<uint32_t>(call));
  header.set_status(fatal ? 2 : 1);
  header.set_exception_class(std::string(class_name));
  header.set_error_text(fmt::format("{}: {}\n\tat org.apache.hadoop.Server.run(Server.java:1)\n", class_name, text));
  header.set_error_detail(detail);
  over_ = over_ || fatal;
  send(packet_of(header, ""));
}

}  // namespace modelyard::hadoop::testing
