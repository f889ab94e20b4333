// SPDX-License-Identifier: Apache-2.0
#include "base/digest_md5.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace modelyard {
namespace {

// RFC 2831, section 4.
DigestMd5Request imap_example() {
  DigestMd5Request request;
  request.username = "chris";
  request.password = "secret";
  request.realm = "elwood.innosoft.com";
  request.digest_uri = "imap/elwood.innosoft.com";
  request.nonce = "OA6MG9tEQGm2hh";
  request.cnonce = "OA6MHXh6VqTrRk";
  request.utf8 = true;
  return request;
}

TEST(DigestMd5, AnswersAsTheExampleOfTheRfc) {
  const DigestMd5Answer answer = answer_digest_md5(imap_example()).value();
  EXPECT_EQ(answer.response, "d388dad90d4bbd760a152321f2143af7");
  EXPECT_EQ(answer.rspauth, "ea40f60335c427b5527b84dbabcdfffd");
  EXPECT_EQ(answer.message,
            "charset=utf-8,username=\"chris\",realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",nc=00000001,"
            "cnonce=\"OA6MHXh6VqTrRk\",digest-uri=\"imap/elwood.innosoft.com\","
            "response=d388dad90d4bbd760a152321f2143af7,qop=auth");
  EXPECT_TRUE(check_digest_md5_rspauth("rspauth=ea40f60335c427b5527b84dbabcdfffd", answer).has_value());
}

TEST(DigestMd5, AnswersAsTheSecondExampleOfTheRfc) {
  DigestMd5Request request = imap_example();
  request.digest_uri = "acap/elwood.innosoft.com";
  request.nonce = "OA9BSXrbuRhWay";
  request.cnonce = "OA9BSuZWMSpW8m";
  const DigestMd5Answer answer = answer_digest_md5(request).value();
  EXPECT_EQ(answer.response, "6084c6db3fede7352c551284490fd0fc");
  EXPECT_EQ(answer.rspauth, "2f0b3d7c3c2e486600ef710726aa2eae");
}

TEST(DigestMd5, AProofOfAnotherPasswordIsRefused) {
  const DigestMd5Answer answer = answer_digest_md5(imap_example()).value();
  const auto code = [&](std::string_view text) { return check_digest_md5_rspauth(text, answer).error().code(); };
  EXPECT_EQ(code("rspauth=ea40f60335c427b5527b84dbabcdfffe"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(code("rspauth="), ErrorCode::kUnauthenticated);
  EXPECT_EQ(code("rspauth=ea40"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(code(""), ErrorCode::kProtocol);
  EXPECT_EQ(code("nonce=\"x\""), ErrorCode::kProtocol);
  EXPECT_EQ(code("\x01\x02"), ErrorCode::kProtocol);
}

TEST(DigestMd5, OtherLayersAndOptionsAreSaid) {
  DigestMd5Request request = imap_example();
  request.qop = "auth-conf";
  request.cipher = "rc4";
  request.maxbuf = 65536;
  request.utf8 = false;
  request.realm = "";
  request.username = "a\"b\\c";
  const DigestMd5Answer answer = answer_digest_md5(request).value();
  EXPECT_EQ(answer.message.find("charset"), std::string::npos);
  EXPECT_EQ(answer.message.find("realm"), std::string::npos);
  EXPECT_EQ(answer.message.find("username=\"a\\\"b\\\\c\","), 0u);
  EXPECT_NE(answer.message.find(",maxbuf=65536,"), std::string::npos);
  EXPECT_NE(answer.message.find(",qop=auth-conf,cipher=\"rc4\""), std::string::npos);
  DigestMd5Request plain = request;
  plain.qop = "auth";
  EXPECT_NE(answer.response, answer_digest_md5(plain)->response);
  EXPECT_EQ(answer.ha1, answer_digest_md5(plain)->ha1);
}

TEST(DigestMd5, TextsAreHashedAsLatin1WhereTheyCanBe) {
  DigestMd5Request request = imap_example();
  request.password = "gr\xc3\xbc\xc3\x9f";  // of ISO 8859-1: the same response with and without charset=utf-8
  const std::string with = answer_digest_md5(request)->response;
  request.utf8 = false;
  EXPECT_EQ(answer_digest_md5(request)->response, with);
  request.password = "\xe6\xbc\xa2";
  EXPECT_EQ(answer_digest_md5(request).error().code(), ErrorCode::kInvalidArgument);
  request.utf8 = true;
  EXPECT_TRUE(answer_digest_md5(request).has_value());
  request.password = "\xff";
  EXPECT_EQ(answer_digest_md5(request).error().code(), ErrorCode::kInvalidArgument);
}

TEST(DigestMd5, ChallengesAreRead) {
  const DigestMd5Challenge zookeeper =
      parse_digest_md5_challenge(
          "realm=\"zk-sasl-md5\",nonce=\"MPzDZ4h+9rCVTcH4cYGxD3ALNSPF33R1uUr6jOzB\",charset=utf-8,algorithm=md5-sess")
          .value();
  EXPECT_EQ(zookeeper.realms, std::vector<std::string>{"zk-sasl-md5"});
  EXPECT_EQ(zookeeper.nonce, "MPzDZ4h+9rCVTcH4cYGxD3ALNSPF33R1uUr6jOzB");
  EXPECT_EQ(zookeeper.qops, std::vector<std::string>{"auth"});
  EXPECT_TRUE(zookeeper.utf8);
  const DigestMd5Challenge full =
      parse_digest_md5_challenge(
          " realm=\"a\\\"b\" , realm=c,,nonce=n,qop=\"auth,auth-int, AUTH-CONF\",cipher=\"rc4,3des\","
          "maxbuf=4096,algorithm=MD5-sess,stale=true,new=\"x\",")
          .value();
  EXPECT_EQ(full.realms, (std::vector<std::string>{"a\"b", "c"}));
  EXPECT_EQ(full.qops, (std::vector<std::string>{"auth", "auth-int", "auth-conf"}));
  EXPECT_EQ(full.ciphers, (std::vector<std::string>{"rc4", "3des"}));
  EXPECT_EQ(full.maxbuf, 4096u);
  EXPECT_FALSE(full.utf8);
  EXPECT_TRUE(full.stale);
}

struct BadRow {
  const char* name;
  std::string text;
};
class BadChallenges : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadChallenges, AreRefused) {
  const Result<DigestMd5Challenge> challenge = parse_digest_md5_challenge(GetParam().text);
  ASSERT_FALSE(challenge.has_value());
  EXPECT_EQ(challenge.error().code(), ErrorCode::kProtocol);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadChallenges,
    ::testing::Values(BadRow{"empty", ""}, BadRow{"no_nonce", "realm=\"a\",algorithm=md5-sess"},
                      BadRow{"two_nonces", "nonce=\"a\",nonce=\"b\",algorithm=md5-sess"},
                      BadRow{"no_algorithm", "nonce=\"a\""}, BadRow{"other_algorithm", "nonce=\"a\",algorithm=sha"},
                      BadRow{"open_quote", "algorithm=md5-sess,nonce=\"a"},
                      BadRow{"escape_at_end", "algorithm=md5-sess,nonce=\"a\\"},
                      BadRow{"no_value", "algorithm=md5-sess,nonce"}, BadRow{"no_name", "=a"},
                      BadRow{"no_comma", "algorithm=md5-sess nonce=\"a\""},
                      BadRow{"maxbuf_word", "nonce=\"a\",algorithm=md5-sess,maxbuf=many"},
                      BadRow{"maxbuf_small", "nonce=\"a\",algorithm=md5-sess,maxbuf=16"},
                      BadRow{"maxbuf_large", "nonce=\"a\",algorithm=md5-sess,maxbuf=16777216"},
                      BadRow{"binary", std::string("\0\1\2\xff", 4)},
                      BadRow{"too_long", "algorithm=md5-sess,nonce=\"" + std::string(2048, 'a') + "\""},
                      BadRow{"too_many", "algorithm=md5-sess,nonce=a" +
                                             [] {
                                               std::string more;
                                               for (int i = 0; i < 64; ++i) more += ",a=b";
                                               return more;
                                             }()}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace modelyard
