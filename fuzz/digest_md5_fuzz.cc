// fuzz: DEPS base
// SPDX-License-Identifier: Apache-2.0
// A server's DIGEST-MD5 challenge and proof: whatever is taken can be answered, and the answer is itself a list.
#include <cstdint>

#include "base/assert.h"
#include "base/digest_md5.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<DigestMd5Challenge> challenge = parse_digest_md5_challenge(text);
  DigestMd5Request request;
  request.username = "chris";
  request.password = "secret";
  request.digest_uri = "zookeeper/zk-sasl-md5";
  request.cnonce = "OA6MHXh6VqTrRk";
  if (challenge) {
    MY_ASSERT(!challenge->nonce.empty() && !challenge->qops.empty() && challenge->maxbuf > 16);
    request.nonce = challenge->nonce;
    request.utf8 = challenge->utf8;
    if (!challenge->realms.empty()) request.realm = challenge->realms.front();
    request.qop = challenge->qops.front();
  }
  const Result<DigestMd5Answer> answer = answer_digest_md5(request);
  if (!answer) return 0;
  MY_ASSERT(answer->response.size() == 32 && answer->rspauth.size() == 32);
  const Status proof = check_digest_md5_rspauth(text, *answer);
  MY_ASSERT(!proof || text.find(answer->rspauth) != std::string_view::npos ||
            text.find('\\') != std::string_view::npos);
  return 0;
}
