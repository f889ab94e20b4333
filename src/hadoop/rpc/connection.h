// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "hadoop/rpc/remote_exception.h"
#include "hadoop/security/sasl.h"
#include "hadoop/security/tokens.h"

namespace modelyard::hadoop::pb {
class RpcSasl;
class RpcResponseHeader;
}  // namespace modelyard::hadoop::pb

namespace modelyard::hadoop::rpc {

struct ConnectionOptions {
  std::string protocol;  // "org.apache.hadoop.yarn.api.ApplicationMasterProtocolPB"
  // With a token: SASL, method TOKEN, mechanism DIGEST-MD5. Without one: SIMPLE as `user`.
  std::optional<Token> token;
  std::string user;
  std::string client_id;  // 16 bytes by chance, one per client
  std::string cnonce;     // by chance, for the negotiation
  size_t packet_max = 16 << 20;
  size_t in_flight_max = 1'000;
};

// What a call came to. exception: the server's, and then there is no body.
struct Answer {
  std::string body;  // the response message's bytes
  std::optional<RemoteException> exception;
};

// One connection of Hadoop's RPC (IPC version 9) without its socket: bytes of the server go in, bytes for the server
// and answers come out. Several calls may be in flight; answers come in the server's order. It does no waiting and
// knows no time.
//
//   kNegotiating -> kReady -> kClosed      (without a token it begins as kReady)
//
// What ends it: feed() returned an error, or close(). Then every call in flight is lost: it may have been carried out.
// Written down by RpcHeader.proto, IpcConnectionContext.proto and Server.java of Hadoop 3.3 to 3.5.
class Connection {
 public:
  enum class State { kNegotiating, kReady, kClosed };
  explicit Connection(ConnectionOptions options);

  State state() const { return state_; }
  // Bytes that the server shall get now; empties it. The head of the connection is in the first.
  std::string take_output();
  bool has_output() const { return !output_.empty(); }

  // Any bytes of the server. An error ends the connection:
  //   kProtocol          rubbish, a forged or damaged protected message
  //   kResourceExhausted a packet above packet_max
  //   kUnsupported       no authentication in common; the text says what the server offers
  //   as to_error()      the server said FATAL; fatal() has it
  Status feed(std::string_view bytes);
  // The server's last word, if it had one.
  const std::optional<RemoteException>& fatal() const { return fatal_; }

  // Its number. kUnavailable: not ready. kResourceExhausted: too many in flight, or the request is above packet_max.
  Result<int32_t> begin_call(std::string_view method, std::string_view request);
  // Its answer, when it comes, is dropped.
  void forget(int32_t call);
  size_t in_flight() const { return in_flight_.size(); }
  // A sign of life that is not answered.
  Status ping();
  void close();

  struct Completed {
    int32_t call = 0;
    Answer answer;
  };
  std::optional<Completed> next_completed();

 private:
  Status take_packets(std::string& buffer, bool is_unwrapped);
  Status take_packet(std::string_view packet, bool is_unwrapped);
  Status take_fatal(const pb::RpcResponseHeader& header);
  Status take_answer(const pb::RpcResponseHeader& header, std::string_view rest);
  Status take_sasl(const pb::RpcSasl& message);
  Status negotiate(const pb::RpcSasl& message);
  Status answer_challenge(const std::string& challenge);
  Result<std::string> make_response(const std::string& challenge);
  Status finish_negotiation(const std::string& proof);
  Status unwrap(const pb::RpcSasl& message);
  void send_sasl(const pb::RpcSasl& message);
  Status send_packet(std::string_view packet);
  Status send_context();

  const ConnectionOptions options_;
  State state_ = State::kNegotiating;
  std::string output_;
  std::string input_;      // of the socket: whole packets are taken off its front
  std::string unwrapped_;  // the same inside protected messages
  int negotiation_steps_ = 0;
  bool offered_ = false;  // the server said what it takes, and we chose
  std::string digest_protocol_;
  std::string digest_server_;
  std::optional<SaslDigestClient> sasl_;
  std::optional<SaslLayer> sending_;
  std::optional<SaslLayer> receiving_;
  std::set<int32_t> in_flight_;
  std::set<int32_t> forgotten_;  // of in_flight_
  int32_t next_call_ = 0;
  std::deque<Completed> completed_;
  std::optional<RemoteException> fatal_;
};

}  // namespace modelyard::hadoop::rpc
