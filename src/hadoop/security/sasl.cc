// SPDX-License-Identifier: Apache-2.0
#include "hadoop/security/sasl.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <numeric>

#include "base/base64.h"
#include "hadoop/security/writable.h"

namespace modelyard::hadoop {
namespace {

constexpr size_t kMacBytes = 10;
constexpr std::string_view kMessageType{"\0\1", 2};
constexpr size_t kTrailerBytes = 6;  // type and sequence number
constexpr size_t kMaxBuffer = 65'536;
constexpr size_t kCipherBlock = 16;  // more than any cipher's padding

std::string_view view(const std::array<unsigned char, 16>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<std::string> derive_key(const std::array<unsigned char, 16>& ha1, std::string_view label) {
  MY_TRY(const auto key, md5(fmt::format("{}{}", view(ha1), label)));
  return std::string(view(key));
}

struct Labels {
  std::string_view integrity;
  std::string_view privacy;
};

// RFC 2831, 2.3 and 2.4.
constexpr Labels labels_of(SaslLayer::Direction direction) {
  if (direction == SaslLayer::Direction::kClientToServer)
    return {"Digest session key to client-to-server signing key magic constant",
            "Digest H(A1) to client-to-server sealing key magic constant"};
  return {"Digest session key to server-to-client signing key magic constant",
          "Digest H(A1) to server-to-client sealing key magic constant"};
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Result<SaslProtection> choose(const DigestMd5Challenge& challenge) {
  if (contains(challenge.qops, "auth-conf")) {
    if (contains(challenge.ciphers, "rc4")) return SaslProtection::kPrivacy;
    if (!contains(challenge.qops, "auth-int") && !contains(challenge.qops, "auth"))
      return fail(ErrorCode::kUnsupported,
                  fmt::format("the server wants privacy with one of the ciphers {}; we have rc4",
                              fmt::join(challenge.ciphers, ", ")));
  }
  if (contains(challenge.qops, "auth-int")) return SaslProtection::kIntegrity;
  if (contains(challenge.qops, "auth")) return SaslProtection::kAuthentication;
  return fail(ErrorCode::kUnsupported, fmt::format("the server offers the protections {}; we know auth, auth-int and "
                                                   "auth-conf",
                                                   fmt::join(challenge.qops, ", ")));
}

std::string_view qop_of(SaslProtection protection) {
  switch (protection) {
    case SaslProtection::kAuthentication: return "auth";
    case SaslProtection::kIntegrity: return "auth-int";
    case SaslProtection::kPrivacy: return "auth-conf";
  }
  return "auth";
}

}  // namespace

Rc4::Rc4(std::string_view key) {
  std::iota(state_.begin(), state_.end(), static_cast<unsigned char>(0));
  unsigned j = 0;
  for (unsigned i = 0; i < 256; ++i) {
    j = (j + state_[i] + static_cast<unsigned char>(key[i % key.size()])) & 255;
    std::swap(state_[i], state_[j]);
  }
}

void Rc4::apply(char* bytes, size_t size) {
  for (size_t n = 0; n < size; ++n) {
    i_ = static_cast<unsigned char>(i_ + 1);
    j_ = static_cast<unsigned char>(j_ + state_[i_]);
    std::swap(state_[i_], state_[j_]);
    bytes[n] = static_cast<char>(static_cast<unsigned char>(bytes[n]) ^ state_[(state_[i_] + state_[j_]) & 255]);
  }
}

SaslLayer::SaslLayer(SaslProtection protection, std::string integrity_key)
    : protection_(protection), integrity_key_(std::move(integrity_key)) {}

Result<SaslLayer> SaslLayer::make(SaslProtection protection, const std::array<unsigned char, 16>& ha1,
                                  Direction direction) {
  const Labels labels = labels_of(direction);
  MY_TRY(std::string integrity_key, derive_key(ha1, labels.integrity));
  SaslLayer layer(protection, std::move(integrity_key));
  if (protection == SaslProtection::kPrivacy) {
    MY_TRY(const std::string key, derive_key(ha1, labels.privacy));
    layer.cipher_ = std::make_unique<Rc4>(key);
  }
  return layer;
}

Result<std::string> SaslLayer::mac(std::string_view message) const {
  std::string numbered;
  numbered.reserve(message.size() + 4);
  append_int32(numbered, sequence_);
  numbered.append(message);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (HMAC(EVP_md5(), integrity_key_.data(), static_cast<int>(integrity_key_.size()),
           reinterpret_cast<const unsigned char*>(numbered.data()), numbered.size(), digest.data(), &size) == nullptr)
    return fail(ErrorCode::kUnsupported, "this machine's OpenSSL has no HMAC-MD5, which DIGEST-MD5 needs");
  return std::string(reinterpret_cast<const char*>(digest.data()), kMacBytes);
}

Result<std::string> SaslLayer::wrap(std::string_view message) {
  if (protection_ == SaslProtection::kAuthentication || message.empty()) return std::string(message);
  MY_TRY(const std::string code, mac(message));
  std::string out;
  out.reserve(message.size() + kMacBytes + kTrailerBytes);
  out.append(message).append(code);
  if (cipher_) cipher_->apply(out.data(), out.size());
  out.append(kMessageType);
  append_int32(out, sequence_++);
  return out;
}

Result<std::string> SaslLayer::unwrap(std::string_view wrapped) {
  if (protection_ == SaslProtection::kAuthentication || wrapped.empty()) return std::string(wrapped);
  const auto refuse = [this](std::string_view why) {
    broken_ = true;
    return fail(ErrorCode::kProtocol, fmt::format("a protected message of the server {}", why));
  };
  if (broken_) return refuse("came after a bad one");
  if (wrapped.size() < kMacBytes + kTrailerBytes) return refuse("is too short");
  const std::string_view trailer = wrapped.substr(wrapped.size() - kTrailerBytes);
  if (!trailer.starts_with(kMessageType)) return refuse("has an unknown type");
  if (int32_at(trailer.substr(2)) != sequence_) return refuse("is repeated or out of order");
  std::string out(wrapped.substr(0, wrapped.size() - kTrailerBytes));
  if (cipher_) cipher_->apply(out.data(), out.size());
  const std::string got = out.substr(out.size() - kMacBytes);
  out.resize(out.size() - kMacBytes);
  MY_TRY(const std::string code, mac(out));
  if (CRYPTO_memcmp(code.data(), got.data(), kMacBytes) != 0) return refuse("is forged or damaged");
  ++sequence_;
  return out;
}

std::string sasl_user(const Token& token) { return base64_encode(token.identifier); }
std::string sasl_password(const Token& token) { return base64_encode(token.password); }

Result<SaslDigestClient> SaslDigestClient::answer(const SaslDigestRequest& request) {
  MY_TRY(const DigestMd5Challenge challenge, parse_digest_md5_challenge(request.challenge));
  SaslDigestClient client;
  MY_TRY(client.protection_, choose(challenge));
  constexpr size_t kOverhead = kMacBytes + kTrailerBytes + kCipherBlock;
  if (challenge.maxbuf <= 2 * kOverhead)
    return fail(ErrorCode::kUnsupported,
                fmt::format("the server takes messages of {} bytes at most", challenge.maxbuf));
  client.message_max_ = challenge.maxbuf - kOverhead;
  DigestMd5Request digest;
  digest.username = sasl_user(request.token);
  digest.password = sasl_password(request.token);
  digest.realm = challenge.realms.empty() ? "" : challenge.realms.front();
  digest.digest_uri = fmt::format("{}/{}", request.protocol, request.server_id);
  digest.nonce = challenge.nonce;
  digest.cnonce = request.cnonce;
  digest.qop = qop_of(client.protection_);
  if (client.protection_ == SaslProtection::kPrivacy) digest.cipher = "rc4";
  digest.maxbuf = kMaxBuffer;
  digest.utf8 = challenge.utf8;
  Result<DigestMd5Answer> answer = answer_digest_md5(digest);
  OPENSSL_cleanse(digest.password.data(), digest.password.size());
  if (!answer) return fail(std::move(answer).error());
  client.answer_ = std::move(*answer);
  return client;
}

Result<SaslLayer> SaslDigestClient::make_sending_layer() const {
  return SaslLayer::make(protection_, answer_.ha1, SaslLayer::Direction::kClientToServer);
}

Result<SaslLayer> SaslDigestClient::make_receiving_layer() const {
  return SaslLayer::make(protection_, answer_.ha1, SaslLayer::Direction::kServerToClient);
}

}  // namespace modelyard::hadoop
