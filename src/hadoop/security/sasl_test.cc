// SPDX-License-Identifier: Apache-2.0
#include "hadoop/security/sasl.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace modelyard::hadoop {
namespace {

const Token kToken{"identifier", "password", "K", ""};

// What Java's own SaslServer and SaslClient (com.sun.security.sasl.digest, Java 17) said to each other for kToken with
// the server name "default": the challenge, the client's nonce, its response-value, the proof, and what each side made
// of "first" and "the third message".
struct Recorded {
  std::string name;
  std::string challenge;
  std::string cnonce;
  std::string response;
  std::string proof;
  SaslProtection protection;
  std::vector<std::string> from_client;
  std::vector<std::string> from_server;
};
void PrintTo(const Recorded& row, std::ostream* out) { *out << row.name; }

std::string challenge_of(std::string_view nonce, std::string_view qop, std::string_view ciphers) {
  return fmt::format("realm=\"default\",nonce=\"{}\",qop=\"{}\",charset=utf-8{},algorithm=md5-sess", nonce, qop,
                     ciphers.empty() ? "" : fmt::format(",cipher=\"{}\"", ciphers));
}

std::vector<Recorded> recorded() {
  return {
      {"integrity",
       challenge_of("6Woim2jVanG0lL0XRFAd7k60RNSxYHi9CZgFlQby", "auth-int", ""),
       "yFnoB8v6j4j0153iBK7SdhyO4ipIW5ftVvSpfqdn",
       "75786ef67b2925bba996b74859cff48e",
       "rspauth=03f02c6799e9f5eed1a9b30079f55f5f",
       SaslProtection::kIntegrity,
       {"66697273745f803a4b897ab91ef55a000100000000",
        "746865207468697264206d657373616765c9bd39ccdd8b10473027000100000001"},
       {"66697273744cca31f253f47d4c5a9f000100000000",
        "746865207468697264206d657373616765940d473f119eb68c4512000100000001"}},
      {"privacy",
       challenge_of("ySxLaeIxioRmT3P8AODFHgS93pRuFG2DFxfBpNqz", "auth-conf", "3des,rc4,des,rc4-56,rc4-40"),
       "G94Q/FCZ5nZxilUZE267Zn+bTQTfhuAAcj50S3/Z",
       "df18af671d427ff99390f2cf3bddb828",
       "rspauth=f5503d408d6237e7d5c22083ce7e3d3c",
       SaslProtection::kPrivacy,
       {"1eb95e7fa5d17a7a16766380f94dd0000100000000",
        "ff4ef565745de4c4db33e2915dd09c317179493d6907f997ccc83d000100000001"},
       {"9f76a06e5a5e91c58f357a1ec38da4000100000000",
        "d44828230cad1388a20f71e9c35103dfd6a1698ead1387f5d51fbe000100000001"}},
  };
}

std::string from_hex(std::string_view text) {
  std::string out;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return out;
}

Result<SaslDigestClient> answer(const std::string& challenge, const std::string& cnonce = "cnonce") {
  return SaslDigestClient::answer(
      {.challenge = challenge, .token = kToken, .protocol = "", .server_id = "default", .cnonce = cnonce});
}

class JavaSasl : public testing::TestWithParam<Recorded> {};

TEST_P(JavaSasl, TheNegotiationIsTheSame) {
  const SaslDigestClient client = answer(GetParam().challenge, GetParam().cnonce).value();
  EXPECT_EQ(client.protection(), GetParam().protection);
  EXPECT_NE(client.response().find("response=" + GetParam().response), std::string::npos) << client.response();
  EXPECT_NE(client.response().find("username=\"aWRlbnRpZmllcg==\",realm=\"default\""), std::string::npos);
  EXPECT_NE(client.response().find("digest-uri=\"/default\""), std::string::npos);
  EXPECT_TRUE(client.check_proof(GetParam().proof));
  EXPECT_EQ(client.check_proof("rspauth=03f02c6799e9f5eed1a9b30079f55f50").error().code(), ErrorCode::kUnauthenticated);
}

TEST_P(JavaSasl, MessagesAreWrappedTheSame) {
  const SaslDigestClient client = answer(GetParam().challenge, GetParam().cnonce).value();
  SaslLayer sending = client.make_sending_layer().value();
  SaslLayer receiving = client.make_receiving_layer().value();
  const std::string_view plain[] = {"first", "the third message"};
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(to_hex(sending.wrap(plain[i]).value()), GetParam().from_client[i]);
    EXPECT_EQ(sending.wrap("").value(), "");
    EXPECT_EQ(receiving.unwrap(from_hex(GetParam().from_server[i])).value(), plain[i]);
    EXPECT_EQ(receiving.unwrap("").value(), "");
  }
}

TEST_P(JavaSasl, EveryTamperedBitIsNoticed) {
  const SaslDigestClient client = answer(GetParam().challenge, GetParam().cnonce).value();
  const std::string good = from_hex(GetParam().from_server[0]);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    SaslLayer receiving = client.make_receiving_layer().value();
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(receiving.unwrap(bad).error().code(), ErrorCode::kProtocol) << bit;
    EXPECT_FALSE(receiving.unwrap(good)) << "usable after a bad message";
  }
}

TEST_P(JavaSasl, RepeatedSkippedAndCutMessagesAreRefused) {
  const SaslDigestClient client = answer(GetParam().challenge, GetParam().cnonce).value();
  const std::string first = from_hex(GetParam().from_server[0]);
  const auto fresh = [&] { return client.make_receiving_layer().value(); };
  SaslLayer repeated = fresh();
  ASSERT_TRUE(repeated.unwrap(first));
  EXPECT_EQ(repeated.unwrap(first).error().code(), ErrorCode::kProtocol);
  EXPECT_EQ(fresh().unwrap(from_hex(GetParam().from_server[1])).error().code(), ErrorCode::kProtocol);
  for (size_t cut = 1; cut < first.size(); ++cut) EXPECT_FALSE(fresh().unwrap(first.substr(0, cut))) << cut;
  // What we sent ourselves does not come back as the server's.
  EXPECT_FALSE(fresh().unwrap(from_hex(GetParam().from_client[0])));
}

INSTANTIATE_TEST_SUITE_P(Rows, JavaSasl, testing::ValuesIn(recorded()),
                         [](const auto& info) { return info.param.name; });

TEST(Sasl, TheStrongestOfferedProtectionIsTaken) {
  const std::tuple<const char*, const char*, SaslProtection> rows[] = {
      {"auth", "", SaslProtection::kAuthentication},
      {"auth,auth-int", "", SaslProtection::kIntegrity},
      {"auth,auth-int,auth-conf", "3des,rc4", SaslProtection::kPrivacy},
      {"auth-int,auth-conf", "3des", SaslProtection::kIntegrity},
  };
  for (const auto& [qop, ciphers, expected] : rows)
    EXPECT_EQ(answer(challenge_of("n", qop, ciphers)).value().protection(), expected) << qop;
}

TEST(Sasl, WhatWeCannotDoIsSaid) {
  const Error cipher = answer(challenge_of("n", "auth-conf", "3des,des")).error();
  EXPECT_EQ(cipher.code(), ErrorCode::kUnsupported);
  EXPECT_NE(cipher.message().find("3des, des"), std::string::npos) << cipher.message();
  EXPECT_EQ(answer(challenge_of("n", "auth-quantum", "")).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(answer(challenge_of("n", "auth", "") + ",maxbuf=20").error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(answer("realm=\"x\"").error().code(), ErrorCode::kProtocol);
}

TEST(Sasl, WithoutProtectionMessagesPassAsTheyAre) {
  const SaslDigestClient client = answer(challenge_of("n", "auth", "")).value();
  EXPECT_EQ(client.make_sending_layer()->wrap("x").value(), "x");
  EXPECT_EQ(client.make_receiving_layer()->unwrap("x").value(), "x");
}

// The stream of key "Key" over "Plaintext", the example in common use for the cipher; RFC 6229 has the first row's.
TEST(Rc4, MakesTheKnownStreams) {
  std::string zeros(16, '\0');
  Rc4 cipher("\x01\x02\x03\x04\x05");
  cipher.apply(zeros.data(), 8);
  cipher.apply(zeros.data() + 8, 8);
  EXPECT_EQ(to_hex(zeros), "b2396305f03dc027ccc3524a0a1118a8");
  std::string text = "Plaintext";
  Rc4("Key").apply(text.data(), text.size());
  EXPECT_EQ(to_hex(text), "bbf316e8d940af0ad3");
}

}  // namespace
}  // namespace modelyard::hadoop
