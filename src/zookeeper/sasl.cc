// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/sasl.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/digest_md5.h"
#include "base/random.h"

namespace modelyard::zookeeper {
namespace {

// The names that ZooKeeper's servers give themselves, all of them (ZooKeeperSaslServer).
constexpr std::string_view kService = "zookeeper";
constexpr std::string_view kServerName = "zk-sasl-md5";
constexpr size_t kCnonceBytes = 16;

class DigestMd5 final : public SaslMechanism {
 public:
  DigestMd5(std::string user, std::string password, std::string cnonce)
      : user_(std::move(user)), password_(std::move(password)), cnonce_(std::move(cnonce)) {}

  Result<std::string> start() override { return std::string(); }

  Result<std::string> step(std::string_view token) override {
    if (complete_) return fail(ErrorCode::kProtocol, "the server goes on after the end of the authentication");
    if (!answer_) return respond(token);
    // A server that keeps those who failed sends an empty token instead of its proof.
    if (token.empty()) return fail(ErrorCode::kUnauthenticated, "SASL: the server refuses the user or its password");
    if (Status status = check_digest_md5_rspauth(token, *answer_); !status)
      return fail(std::move(status).error().with_context("SASL"));
    complete_ = true;
    return std::string();
  }

  bool complete() const override { return complete_; }

 private:
  Result<std::string> respond(std::string_view token) {
    MY_TRY(DigestMd5Challenge challenge, parse_digest_md5_challenge(token));
    if (std::find(challenge.qops.begin(), challenge.qops.end(), "auth") == challenge.qops.end())
      return fail(ErrorCode::kUnsupported, "SASL: the server wants more than authentication");
    DigestMd5Request request;
    request.username = user_;
    request.password = password_;
    request.realm = challenge.realms.empty() ? std::string() : challenge.realms.front();
    request.digest_uri = fmt::format("{}/{}", kService, kServerName);
    request.nonce = std::move(challenge.nonce);
    request.cnonce = cnonce_;
    request.utf8 = challenge.utf8;
    MY_TRY(answer_, answer_digest_md5(request));
    return answer_->message;
  }

  std::string user_, password_, cnonce_;
  std::optional<DigestMd5Answer> answer_;
  bool complete_ = false;
};

}  // namespace

std::unique_ptr<SaslMechanism> make_digest_md5(std::string user, std::string password, std::string cnonce) {
  return std::make_unique<DigestMd5>(std::move(user), std::move(password), std::move(cnonce));
}

std::unique_ptr<SaslMechanism> make_sasl_mechanism(const SaslOptions& options, std::string_view /*host*/) {
  if (options.mechanism == SaslOptions::Mechanism::kNone) return nullptr;
  return make_digest_md5(options.user, options.password, random_hex(kCnonceBytes));
}

}  // namespace modelyard::zookeeper
