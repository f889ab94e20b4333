// SPDX-License-Identifier: Apache-2.0
#include "io/tls.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

#include "base/assert.h"
#include "io/file.h"
#include "io/stream.h"

namespace modelyard::io {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

// An authority, and certificates of it, as PEM files.
class Authority {
 public:
  Authority()
      : folder_(TemporaryFolder::make("modelyard-tls-").value()),
        key_(EVP_EC_gen("P-256"), EVP_PKEY_free),
        certificate_(make("authority", "", key_.get(), nullptr, key_.get())) {
    write_certificate("ca.pem", certificate_.get());
  }
  // NAME.pem and NAME.key
  void issue(const std::string& name, const std::string& alternative) {
    const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    write_certificate(name + ".pem", make(name, alternative, key.get(), certificate_.get(), key_.get()).get());
    std::FILE* out = std::fopen(file(name + ".key").c_str(), "w");
    MY_ASSERT(out != nullptr && PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(out);
  }
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }

 private:
  static Certificate make(const std::string& name, const std::string& alternative, EVP_PKEY* key, X509* issuer,
                          EVP_PKEY* issuer_key) {
    Certificate made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), issuer != nullptr ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* by = issuer != nullptr ? issuer : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(by));
    extend(made.get(), by, NID_basic_constraints, issuer != nullptr ? "CA:FALSE" : "critical,CA:TRUE");
    if (!alternative.empty()) extend(made.get(), by, NID_subject_alt_name, alternative.c_str());
    MY_ASSERT(X509_sign(made.get(), issuer_key, EVP_sha256()) > 0);
    return made;
  }
  static void extend(X509* certificate, X509* issuer, int what, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    MY_ASSERT(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  void write_certificate(const std::string& name, X509* certificate) const {
    std::FILE* out = std::fopen(file(name).c_str(), "w");
    MY_ASSERT(out != nullptr && PEM_write_X509(out, certificate) == 1);
    std::fclose(out);
  }

  TemporaryFolder folder_;
  Key key_;
  Certificate certificate_;
};

class TlsTest : public ::testing::Test {
 public:
  TlsTest() {
    authority_.issue("server", "DNS:node1.test,DNS:*.many.test,IP:127.0.0.1");
    authority_.issue("client", "DNS:client.test");
    stranger_.issue("client", "DNS:client.test");
    options_.ca_file = authority_.file("ca.pem");
  }

  // A server's end in blocking calls on a thread, over a socket pair; `script` gets the session after its handshake, or
  // null where that failed.
  void serve(bool wants_certificate, std::function<void(SSL*)> script) {
    play([this, wants_certificate, script = std::move(script)](int fd) {
      const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
      MY_ASSERT(
          SSL_CTX_use_certificate_file(context.get(), authority_.file("server.pem").c_str(), SSL_FILETYPE_PEM) == 1 &&
          SSL_CTX_use_PrivateKey_file(context.get(), authority_.file("server.key").c_str(), SSL_FILETYPE_PEM) == 1 &&
          SSL_CTX_load_verify_file(context.get(), authority_.file("ca.pem").c_str()) == 1);
      if (wants_certificate)
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
      const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
      SSL_set_fd(ssl.get(), fd);
      script(SSL_accept(ssl.get()) == 1 ? ssl.get() : nullptr);
    });
  }
  void play(std::function<void(int)> script) {
    int pair[2];
    MY_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    ours_ = UniqueFd(pair[0]);
    server_ =
        std::thread([fd = std::make_shared<UniqueFd>(pair[1]), script = std::move(script)] { script(fd->get()); });
  }
  void TearDown() override {
    if (server_.joinable()) server_.join();
  }

  // "ok" and what was read to the end, or the error's code.
  std::string talk(const std::string& host = "node1.test", std::string say = "hello",
                   std::chrono::milliseconds patience = seconds(10)) {
    return run_blocking(loop_, converse(*this, host, std::move(say), patience));
  }
  static Task<std::string> converse(TlsTest& test, std::string host, std::string say,
                                    std::chrono::milliseconds patience) {
    const SteadyTime deadline = system_clock().now() + patience;
    const Result<TlsContext> context = make_tls_client(test.options_);
    if (!context) co_return context.error().message();
    Stream stream(test.loop_.executor(), std::move(test.ours_), AF_UNIX);
    Status status = co_await stream.secure(*context, host, deadline);
    if (status) status = co_await stream.write_all(say.substr(0, 2), say.substr(2), deadline);
    std::string heard;
    std::vector<char> buffer(10'000);
    while (status) {
      const Result<size_t> got = co_await stream.read_some(buffer.data(), buffer.size(), deadline);
      if (!got) status = fail(got.error());
      if (!got || *got == 0) break;
      heard.append(buffer.data(), *got);
    }
    if (!status) test.text_ = status.error().message();
    co_return status ? "ok " + heard : std::string(to_string(status.error().code()));
  }

  Authority authority_, stranger_;
  TlsOptions options_;
  Loop loop_;
  UniqueFd ours_;
  std::thread server_;
  std::string text_;
};

void echo(SSL* ssl, size_t bytes) {
  if (ssl == nullptr) return;
  std::string all(bytes, '\0');
  for (size_t have = 0; have < bytes;) {
    const int got = SSL_read(ssl, all.data() + have, static_cast<int>(bytes - have));
    if (got <= 0) return;
    have += static_cast<size_t>(got);
  }
  SSL_write(ssl, all.data(), static_cast<int>(bytes));
  SSL_shutdown(ssl);
}
auto echo_of(size_t bytes) {
  return [bytes](SSL* ssl) { echo(ssl, bytes); };
}

TEST_F(TlsTest, BytesGoThroughBothWays) {
  serve(false, echo_of(5));
  EXPECT_EQ(talk(), "ok hello") << text_;
}

TEST_F(TlsTest, ManyBytesGoThroughASlowSocket) {
  std::string much(3 << 20, '\0');
  for (size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 2654435761u >> 24);
  serve(false, echo_of(much.size()));
  EXPECT_TRUE(talk("node1.test", much) == "ok " + much) << text_;
}

TEST_F(TlsTest, NamesAreJudged) {
  const std::pair<const char*, const char*> rows[] = {
      {"node1.test", "ok hello"},       {"NODE1.test", "ok hello"},        {"a.many.test", "ok hello"},
      {"127.0.0.1", "ok hello"},        {"node2.test", "unauthenticated"}, {"a.b.many.test", "unauthenticated"},
      {"127.0.0.2", "unauthenticated"}, {"server", "unauthenticated"},     {"::1", "unauthenticated"}};
  for (const auto& [host, expected] : rows) {
    serve(false, echo_of(5));
    EXPECT_EQ(talk(host), expected) << host << ": " << text_;
    TearDown();
  }
  options_.verify_host_name = false;
  serve(false, echo_of(5));
  EXPECT_EQ(talk("node2.test"), "ok hello") << text_;
}

TEST_F(TlsTest, AStrangeAuthorityIsRefused) {
  options_.ca_file = stranger_.file("ca.pem");
  serve(false, echo_of(5));
  EXPECT_EQ(talk(), "unauthenticated");
  EXPECT_NE(text_.find("certificate is refused"), std::string::npos) << text_;
}

TEST_F(TlsTest, OurCertificateIsShown) {
  options_.certificate_file = authority_.file("client.pem");
  options_.key_file = authority_.file("client.key");
  serve(true, echo_of(5));
  EXPECT_EQ(talk(), "ok hello") << text_;
  TearDown();
  options_.certificate_file = stranger_.file("client.pem");
  options_.key_file = stranger_.file("client.key");
  serve(true, echo_of(5));
  EXPECT_EQ(talk(), "unauthenticated") << text_;
  TearDown();
  options_.certificate_file = options_.key_file = "";
  serve(true, echo_of(5));
  EXPECT_EQ(talk(), "unauthenticated") << text_;
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreNamed) {
  const auto error = [&](TlsOptions options) { return make_tls_client(options).error(); };
  TlsOptions options = options_;
  options.ca_file = "/nonexistent/ca.pem";
  EXPECT_EQ(error(options).code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(error(options).message().find("/nonexistent/ca.pem"), std::string::npos);
  options = options_;
  options.certificate_file = authority_.file("client.key");
  EXPECT_NE(error(options).message().find("client.key"), std::string::npos);
  options.certificate_file = authority_.file("client.pem");
  EXPECT_NE(error(options).message().find("the key"), std::string::npos);
  options.key_file = stranger_.file("client.key");
  EXPECT_NE(error(options).message().find("the key"), std::string::npos);
}

TEST_F(TlsTest, APeerThatDoesNotSpeakTls) {
  play([](int fd) {
    const std::string_view plain = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    (void)!::write(fd, plain.data(), plain.size());
    char sink[4096];
    while (::read(fd, sink, sizeof sink) > 0) {
    }
  });
  EXPECT_EQ(talk(), "protocol") << text_;
}

TEST_F(TlsTest, APeerThatGoes) {
  play([](int) {});
  EXPECT_EQ(talk(), "unavailable") << text_;
}

TEST_F(TlsTest, APeerThatSaysNothing) {
  play([](int fd) {
    char sink[4096];
    while (::read(fd, sink, sizeof sink) > 0) {
    }
  });
  EXPECT_EQ(talk("node1.test", "hello", std::chrono::milliseconds(30)), "deadline") << text_;
}

TEST_F(TlsTest, AnEndWithoutGoodbyeIsNotAnEnd) {
  serve(false, [](SSL* ssl) {
    if (ssl != nullptr) SSL_write(ssl, "part", 4);
  });
  EXPECT_EQ(talk(), "unavailable") << text_;
}

// One side's deadline does not touch the other's.
Task<void> wait_to_write(Stream& stream, bool& writable) {
  writable = (co_await stream.wait_writable(system_clock().now() + seconds(10))).has_value();
}

TEST_F(TlsTest, AReadAndAWriteKeepTheirOwnDeadlines) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
  UniqueFd theirs(pair[1]);
  run_blocking(loop_, [](Loop& loop, UniqueFd fd, int other) -> Task<void> {
    Stream stream(loop.executor(), std::move(fd), AF_UNIX);
    const std::string block(1 << 16, 'x');
    while (stream.write_now(block, {}).value() != 0) {
    }
    bool writable = false;
    Scope scope(loop.executor());
    scope.spawn(wait_to_write(stream, writable));
    char byte;
    const SteadyTime begin = system_clock().now();
    const Result<size_t> got = co_await stream.read_some(&byte, 1, begin + std::chrono::milliseconds(20));
    EXPECT_EQ(got.error().code(), ErrorCode::kDeadline);
    EXPECT_FALSE(writable);
    EXPECT_EQ(scope.running(), 1u);
    std::vector<char> sink(1 << 20);
    while (::read(other, sink.data(), sink.size()) > 0) {
    }
    co_await scope.join();
    EXPECT_TRUE(writable);
  }(loop_, UniqueFd(pair[0]), theirs.get()));
}

}  // namespace
}  // namespace modelyard::io
