// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hadoop/security/sasl.h"
#include "hadoop/security/tokens.h"

namespace modelyard::hadoop::pb {
class RpcRequestHeader;
class RpcSasl;
}  // namespace modelyard::hadoop::pb

// For tests: the server's side of Hadoop's RPC, as far as our client speaks it.
namespace modelyard::hadoop::testing {

struct ServerOptions {
  std::vector<Token> tokens;  // what it knows; empty = SIMPLE
  std::string qop = "auth";
  std::string ciphers = "3des,rc4,des,rc4-56,rc4-40";
  std::string mechanism = "DIGEST-MD5";
  bool challenge_with_offer = true;  // false: CHALLENGE comes after INITIATE
  size_t wrapped_max = 0;            // cuts its protected packets so small; 0 = whole
  size_t maxbuf = 65'536;
  bool wrong_proof = false;
};

// Bytes in, calls and bytes out. Anything that a client must not send is an error.
class ServerMachine {
 public:
  explicit ServerMachine(ServerOptions options) : options_(std::move(options)) {}

  struct Call {
    int32_t id = 0;
    std::string protocol;
    std::string method;
    std::string body;
    std::string token_identifier;  // of who calls
  };
  Status feed(std::string_view bytes);
  std::string take_output();
  std::optional<Call> next_call();

  void reply(int32_t call, std::string_view body);
  void refuse(int32_t call, std::string_view class_name, std::string_view text, int detail = 1, bool fatal = false);
  // True: nothing is sent any more, it ends the connection.
  bool is_over() const { return over_; }
  int pings() const { return pings_; }
  const std::string& protocol() const { return protocol_; }
  const std::string& user() const { return user_; }

 private:
  Status take_packets(std::string& buffer);
  Status take_packet(std::string_view packet);
  Status take_sasl(const pb::RpcSasl& message);
  Status finish(const std::string& response);
  void send_sasl(const pb::RpcSasl& message);
  void send(std::string_view packet);
  std::string challenge() const;

  ServerOptions options_;
  bool has_head_ = false;
  bool has_context_ = false;
  bool over_ = false;
  std::string input_;
  std::string unwrapped_;
  std::string output_;
  std::string protocol_;
  std::string user_;
  std::string identifier_;
  std::optional<SaslLayer> sending_;
  std::optional<SaslLayer> receiving_;
  std::deque<Call> calls_;
  std::set<int32_t> seen_;
  int pings_ = 0;
};

}  // namespace modelyard::hadoop::testing
