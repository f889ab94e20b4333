// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/tls.h"

struct ssl_st;

namespace modelyard::io {

// TLS over a connected, non-blocking socket that it does not own. Nothing here waits: each call does what can be done
// now and says what it waits for. Of Stream's inside.
class TlsSession {
 public:
  enum class Want { kNothing, kRead, kWrite };
  struct Step {
    size_t bytes = 0;  // of the caller's; 0 in a read with kNothing: the peer has ended
    Want want = Want::kNothing;
  };

  static Result<std::unique_ptr<TlsSession>> client(const TlsContext& context, const std::string& host, int fd);
  ~TlsSession();

  Result<Step> handshake();
  Result<Step> read(char* buffer, size_t size);
  // After kWrite, the next bytes must begin with the same.
  Result<Step> write(std::string_view bytes);
  // Bytes lie ready that no readable socket will tell of.
  bool has_bytes() const;
  // Tells the peer that nothing more comes, if that can be written now.
  void say_goodbye();

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  explicit TlsSession(ssl_st* ssl, TlsContext context) : context_(std::move(context)), ssl_(ssl) {}
  Result<Step> settle(int returned, std::string_view what);

  TlsContext context_;
  std::unique_ptr<ssl_st, Free> ssl_;
  bool broken_ = false;
};

}  // namespace modelyard::io
