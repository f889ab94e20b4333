// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/digest_md5.h"
#include "base/result.h"
#include "hadoop/security/tokens.h"

// DIGEST-MD5 as Hadoop speaks it with a token: the response to a challenge, the server's proof, and the layers for
// integrity and privacy (RFC 2831, 2.3 and 2.4). No I/O. What is laid over base/digest_md5.h: the names that Hadoop
// gives the directives, and the layers.
namespace modelyard::hadoop {

// What a token's holder and the server agreed on (hadoop.rpc.protection: authentication, integrity, privacy).
enum class SaslProtection { kAuthentication, kIntegrity, kPrivacy };

// RC4 is what OpenSSL hides and Hadoop's privacy needs: of the ciphers that Java offers it is the only one that is
// neither DES nor cut to 56 bits. It protects from readers on the way as far as RC4 does; who needs more runs YARN
// behind a network that is closed.
class Rc4 {
 public:
  explicit Rc4(std::string_view key);
  // In place; the stream goes on from call to call.
  void apply(char* bytes, size_t size);

 private:
  std::array<unsigned char, 256> state_{};
  unsigned char i_ = 0;
  unsigned char j_ = 0;
};

// One direction of a layer: keys, sequence number, cipher stream. kAuthentication: messages pass as they are.
class SaslLayer {
 public:
  enum class Direction { kClientToServer, kServerToClient };
  static Result<SaslLayer> make(SaslProtection protection, const std::array<unsigned char, 16>& ha1,
                                Direction direction);

  // Any number of calls in the order in which the messages are sent. An empty message is an empty message.
  Result<std::string> wrap(std::string_view message);
  // kProtocol: cut, forged, repeated or out of order; the layer is not usable after that.
  Result<std::string> unwrap(std::string_view wrapped);

 private:
  SaslLayer(SaslProtection protection, std::string integrity_key);
  Result<std::string> mac(std::string_view message) const;

  SaslProtection protection_;
  std::string integrity_key_;
  std::unique_ptr<Rc4> cipher_;
  uint32_t sequence_ = 0;
  bool broken_ = false;
};

// The client's side of one negotiation.
struct SaslDigestRequest {
  std::string_view challenge;
  const Token& token;
  std::string protocol;   // of the server's offer: digest-uri is "PROTOCOL/SERVER_ID"
  std::string server_id;  // "default"
  std::string cnonce;     // ours
};

class SaslDigestClient {
 public:
  // Takes the strongest protection that the server offers. kProtocol: the challenge is none. kUnsupported: no
  // protection or no cipher that we know, no MD5 on this machine.
  static Result<SaslDigestClient> answer(const SaslDigestRequest& request);

  const std::string& response() const { return answer_.message; }
  SaslProtection protection() const { return protection_; }
  // What the server takes in one wrapped message, without the layer's own bytes.
  size_t message_max() const { return message_max_; }
  // The server's last message. kUnauthenticated: it does not know the token's password.
  Status check_proof(std::string_view message) const { return check_digest_md5_rspauth(message, answer_); }
  Result<SaslLayer> make_sending_layer() const;
  Result<SaslLayer> make_receiving_layer() const;

 private:
  DigestMd5Answer answer_;
  SaslProtection protection_ = SaslProtection::kAuthentication;
  size_t message_max_ = 0;
};

// The names that a token gives a DIGEST-MD5 user: base64 of its two halves.
std::string sasl_user(const Token& token);
std::string sasl_password(const Token& token);

}  // namespace modelyard::hadoop
