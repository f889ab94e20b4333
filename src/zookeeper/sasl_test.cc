// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/sasl.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/digest_md5.h"

namespace modelyard::zookeeper {
namespace {

constexpr std::string_view kChallenge =
    "realm=\"zk-sasl-md5\",nonce=\"MPzDZ4h+9rCVTcH4cYGxD3ALNSPF33R1uUr6jOzB\",charset=utf-8,algorithm=md5-sess";

// What a server computes that knows this password.
DigestMd5Answer servers_own(std::string password) {
  DigestMd5Request request;
  request.username = "metron";
  request.password = std::move(password);
  request.realm = "zk-sasl-md5";
  request.digest_uri = "zookeeper/zk-sasl-md5";
  request.nonce = "MPzDZ4h+9rCVTcH4cYGxD3ALNSPF33R1uUr6jOzB";
  request.cnonce = "0011";
  request.utf8 = true;
  return answer_digest_md5(request).value();
}

std::unique_ptr<SaslMechanism> after_challenge() {
  auto sasl = make_digest_md5("metron", "secret", "0011");
  EXPECT_EQ(sasl->start().value(), "");
  EXPECT_TRUE(sasl->step(kChallenge).has_value());
  return sasl;
}

TEST(Sasl, DigestMd5GoesThrough) {
  auto sasl = make_digest_md5("metron", "secret", "0011");
  EXPECT_EQ(sasl->start().value(), "");
  EXPECT_EQ(sasl->step(kChallenge).value(), servers_own("secret").message);
  EXPECT_FALSE(sasl->complete());
  EXPECT_EQ(sasl->step("rspauth=" + servers_own("secret").rspauth).value(), "");
  EXPECT_TRUE(sasl->complete());
  EXPECT_EQ(sasl->step("more").error().code(), ErrorCode::kProtocol);
}

TEST(Sasl, EachFailureSaysWhose) {
  const auto code = [](std::string_view proof) { return after_challenge()->step(proof).error().code(); };
  EXPECT_EQ(code("rspauth=" + servers_own("another").rspauth), ErrorCode::kUnauthenticated);
  EXPECT_EQ(code(""), ErrorCode::kUnauthenticated);  // a server that keeps those who failed
  EXPECT_EQ(code("nonsense"), ErrorCode::kProtocol);
  const auto at_challenge = [](std::string_view challenge) {
    return make_digest_md5("metron", "secret", "0011")->step(challenge).error().code();
  };
  EXPECT_EQ(at_challenge(""), ErrorCode::kProtocol);
  EXPECT_EQ(at_challenge("\x01\x02\x03"), ErrorCode::kProtocol);
  EXPECT_EQ(at_challenge("nonce=\"a\",algorithm=md5-sess,qop=\"auth-conf\""), ErrorCode::kUnsupported);
}

TEST(Sasl, OptionsChooseTheMechanism) {
  EXPECT_EQ(make_sasl_mechanism({}, "host"), nullptr);
  SaslOptions options;
  options.mechanism = SaslOptions::Mechanism::kDigestMd5;
  options.user = "metron";
  options.password = "secret";
  const auto first = make_sasl_mechanism(options, "host"), second = make_sasl_mechanism(options, "host");
  ASSERT_NE(first, nullptr);
  EXPECT_NE(first->step(kChallenge).value(), second->step(kChallenge).value());  // a nonce of its own each time
}

}  // namespace
}  // namespace modelyard::zookeeper
