// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "zookeeper/client.h"

namespace modelyard::zookeeper {

// One authentication exchange of one connection, the client's side: the server's tokens in, ours out, no I/O. The
// session machine puts the tokens into packets. DIGEST-MD5 is here; GSSAPI would be another of these, with the host
// that make_sasl_mechanism() gets for its service's principal.
class SaslMechanism {
 public:
  virtual ~SaslMechanism() = default;
  // What to send first.
  virtual Result<std::string> start() = 0;
  // The server's token; what to send next is ignored once complete(). kProtocol, kUnauthenticated (it does not know the
  // password, or refuses ours), kUnsupported.
  virtual Result<std::string> step(std::string_view token) = 0;
  // The server has proved itself, so it has taken us too.
  virtual bool complete() const = 0;
};

// DIGEST-MD5 (RFC 2831), authentication only. cnonce: random printable ASCII.
std::unique_ptr<SaslMechanism> make_digest_md5(std::string user, std::string password, std::string cnonce);

// Null where the options name no mechanism.
std::unique_ptr<SaslMechanism> make_sasl_mechanism(const SaslOptions& options, std::string_view host);

}  // namespace modelyard::zookeeper
