// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;

namespace modelyard::io {

struct TlsOptions {
  std::string ca_file;           // PEM; "" = the system's authorities
  std::string certificate_file;  // PEM, of this side, with its chain; "" = none
  std::string key_file;          // PEM, not encrypted; "" = in certificate_file
  bool verify_host_name = true;
};

// What TLS connections share: authorities, our certificate, options. TLS 1.2 and later. Immutable, cheap to copy; empty
// when made by default.
class TlsContext {
 public:
  TlsContext() = default;
  explicit operator bool() const { return context_ != nullptr; }
  ssl_ctx_st* get() const { return context_.get(); }
  bool verify_host_name() const { return verify_host_name_; }

 private:
  friend Result<TlsContext> make_tls_client(const TlsOptions& options);
  std::shared_ptr<ssl_ctx_st> context_;
  bool verify_host_name_ = true;
};

// Reads the files: start-up only. kInvalidArgument names the file that cannot be used.
Result<TlsContext> make_tls_client(const TlsOptions& options);

}  // namespace modelyard::io
