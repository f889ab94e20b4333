// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// SASL's DIGEST-MD5 (RFC 2831), the part that its users share: what the server's challenge says, the client's response,
// and the server's proof. Texts in, texts out; initial authentication only, without authorization identity. Layers for
// integrity and privacy build on ha1. ZooKeeper and Hadoop RPC speak it.
namespace modelyard {

struct DigestMd5Challenge {
  std::vector<std::string> realms;  // in the server's order; empty = it named none
  std::string nonce;
  std::vector<std::string> qops;     // {"auth"} when it said nothing
  std::vector<std::string> ciphers;  // of qop auth-conf: "rc4", "3des", …
  size_t maxbuf = 65'536;            // what the server can receive in one wrapped message
  bool utf8 = false;
  bool stale = false;
};
// kProtocol: longer than 2,047 bytes, not a list of directives, without a nonce or with two, of another algorithm.
Result<DigestMd5Challenge> parse_digest_md5_challenge(std::string_view text);

struct DigestMd5Request {
  std::string username;    // UTF-8
  std::string password;    // UTF-8
  std::string realm;       // "" = none is sent
  std::string digest_uri;  // "zookeeper/zk-sasl-md5"
  std::string nonce;       // the challenge's
  std::string cnonce;      // ours: at least 64 random bits in printable ASCII
  uint32_t nc = 1;         // how often the nonce was used
  std::string qop = "auth";
  std::string cipher;  // of qop auth-conf; "" = not sent
  size_t maxbuf = 0;   // what we can receive; 0 = not sent
  bool utf8 = false;   // the challenge's
};

struct DigestMd5Answer {
  std::string message;                  // the digest-response to send
  std::string response;                 // its response-value, 32 hexadecimal digits
  std::string rspauth;                  // what the server must prove itself with
  std::array<unsigned char, 16> ha1{};  // H(A1), of which the keys of the layers are made
};
// kInvalidArgument: a text that is not UTF-8, or without charset=utf-8 not ISO 8859-1. kUnsupported: this machine's
// OpenSSL has no MD5 (FIPS mode).
Result<DigestMd5Answer> answer_digest_md5(const DigestMd5Request& request);

// The server's last message, "rspauth=…". kProtocol: it is something else. kUnauthenticated: the server does not know
// the password.
Status check_digest_md5_rspauth(std::string_view message, const DigestMd5Answer& answer);

// MD5 of bytes; kUnsupported as above.
Result<std::array<unsigned char, 16>> md5(std::string_view bytes);

}  // namespace modelyard
