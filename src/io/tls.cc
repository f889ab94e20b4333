// SPDX-License-Identifier: Apache-2.0
#include "io/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "io/socket.h"
#include "io/tls_session.h"

namespace modelyard::io {
namespace {

constexpr size_t kPieceMax = 1 << 20;  // OpenSSL counts in int

std::string openssl_text() {
  const unsigned long number = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(number);
  ERR_clear_error();
  return reason != nullptr ? reason : number != 0 ? fmt::format("OpenSSL error {:x}", number) : "unknown reason";
}

Error bad_file(std::string_view what, const std::string& file) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("TLS: {} {} cannot be used: {}", what, file, openssl_text()));
}

// The answers of a peer that wants another certificate of us, or another version (RFC 8446, 6.2).
bool is_refusal(int reason) {
  constexpr int kAlert = 1000;  // SSL_AD_REASON_OFFSET
  constexpr int kRefusals[] = {40, 42, 43, 44, 45, 46, 48, 49, 51, 70, 71, 116};
  return std::any_of(std::begin(kRefusals), std::end(kRefusals), [&](int alert) { return reason == kAlert + alert; });
}

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL.
int bio_fd(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  while (true) {
    const ssize_t sent = ::send(bio_fd(bio), bytes, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return static_cast<int>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) BIO_set_retry_write(bio);
    return -1;
  }
}

int bio_read(BIO* bio, char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  while (true) {
    const ssize_t got = ::recv(bio_fd(bio), bytes, static_cast<size_t>(size), MSG_DONTWAIT);
    if (got > 0) return static_cast<int>(got);
    if (got == 0) {
      BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
      return 0;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) BIO_set_retry_read(bio);
    return -1;
  }
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO* make_bio(int fd) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "socket");
    MY_ASSERT(made != nullptr && BIO_meth_set_write(made, bio_write) == 1 && BIO_meth_set_read(made, bio_read) == 1 &&
              BIO_meth_set_ctrl(made, bio_control) == 1);
    return made;
  }();
  BIO* bio = BIO_new(method);
  MY_ASSERT(bio != nullptr);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

Status load_files(SSL_CTX* context, const TlsOptions& options) {
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) return fail(bad_file("the system's authorities", ""));
  } else if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
    return fail(bad_file("the file of authorities", options.ca_file));
  }
  if (options.certificate_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
    return fail(bad_file("the certificate", options.certificate_file));
  const std::string& key = options.key_file.empty() ? options.certificate_file : options.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) return fail(bad_file("the key", key));
  if (SSL_CTX_check_private_key(context) != 1) return fail(bad_file("the key", key));
  return {};
}

}  // namespace

Result<TlsContext> make_tls_client(const TlsOptions& options) {
  ERR_clear_error();
  TlsContext out;
  out.context_ = std::shared_ptr<SSL_CTX>(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX* context = out.context_.get();
  if (context == nullptr) return fail(ErrorCode::kUnsupported, fmt::format("TLS: {}", openssl_text()));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // An encrypted key is refused: nobody is there to be asked for its password.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  out.verify_host_name_ = options.verify_host_name;
  MY_TRY_VOID(load_files(context, options));
  return out;
}

void TlsSession::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }
TlsSession::~TlsSession() = default;

Result<std::unique_ptr<TlsSession>> TlsSession::client(const TlsContext& context, const std::string& host, int fd) {
  ERR_clear_error();
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) return fail(ErrorCode::kResourceExhausted, fmt::format("TLS: {}", openssl_text()));
  std::unique_ptr<TlsSession> session(new TlsSession(ssl, context));
  BIO* bio = make_bio(fd);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_connect_state(ssl);
  const bool is_address = literal_address(host, 0).has_value();
  bool good = is_address || SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
  if (context.verify_host_name()) {
    X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    good = good && (is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1
                               : X509_VERIFY_PARAM_set1_host(param, host.data(), host.size()) == 1);
  }
  if (!good) return fail(ErrorCode::kInvalidArgument, fmt::format("TLS: {} is not a host's name", host));
  return session;
}

Result<TlsSession::Step> TlsSession::settle(int returned, std::string_view what) {
  const int saved = errno;
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_NONE: return Step{static_cast<size_t>(returned), Want::kNothing};
    case SSL_ERROR_ZERO_RETURN: return Step{0, Want::kNothing};
    case SSL_ERROR_WANT_READ: return Step{0, Want::kRead};
    case SSL_ERROR_WANT_WRITE: return Step{0, Want::kWrite};
    case SSL_ERROR_SYSCALL: {
      broken_ = true;
      ERR_clear_error();
      const char* why = saved != 0 ? std::strerror(saved) : "the peer closed the connection";
      return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", what, why));
    }
    default: break;
  }
  broken_ = true;
  const unsigned long number = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(number);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ERR_clear_error();
    const char* why = X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
    return fail(ErrorCode::kUnauthenticated, fmt::format("{}: the peer's certificate is refused: {}", what, why));
  }
  const std::string text = openssl_text();
  if (is_refusal(reason))
    return fail(ErrorCode::kUnauthenticated, fmt::format("{}: the peer refuses us: {}", what, text));
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return fail(ErrorCode::kUnavailable, fmt::format("{}: the peer closed the connection", what));
  return fail(ErrorCode::kProtocol, fmt::format("{}: {}", what, text));
}

Result<TlsSession::Step> TlsSession::handshake() {
  ERR_clear_error();
  errno = 0;
  MY_TRY(Step step, settle(SSL_do_handshake(ssl_.get()), "beginning TLS"));
  if (step.want == Want::kNothing && SSL_is_init_finished(ssl_.get()) == 0)
    return fail(ErrorCode::kUnavailable, "beginning TLS: the peer closed the connection");
  return step;
}

Result<TlsSession::Step> TlsSession::read(char* buffer, size_t size) {
  ERR_clear_error();
  errno = 0;
  return settle(SSL_read(ssl_.get(), buffer, static_cast<int>(std::min(size, kPieceMax))), "reading");
}

Result<TlsSession::Step> TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  errno = 0;
  const int size = static_cast<int>(std::min(bytes.size(), kPieceMax));
  const Result<Step> step = settle(SSL_write(ssl_.get(), bytes.data(), size), "writing");
  if (step || step.error().code() != ErrorCode::kUnavailable) return step;
  // A peer that refuses our certificate says so and closes: its word lies unread.
  char byte;
  const Result<Step> word = settle(SSL_peek(ssl_.get(), &byte, 1), "writing");
  return !word && word.error().code() == ErrorCode::kUnauthenticated ? word : step;
}

bool TlsSession::has_bytes() const { return SSL_has_pending(ssl_.get()) == 1; }

void TlsSession::say_goodbye() {
  if (broken_ || SSL_is_init_finished(ssl_.get()) == 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace modelyard::io
