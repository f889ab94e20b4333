// fuzz: DEPS hadoop
// SPDX-License-Identifier: Apache-2.0
// Hadoop's token files and the texts of tokens: what is read is written and read again as the same; container ids.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "hadoop/security/tokens.h"
#include "hadoop/yarn/ids.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::hadoop;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto credentials = parse_credentials(bytes)) {
    for (const auto version : {CredentialsVersion::kWritable, CredentialsVersion::kProtobuf})
      MY_ASSERT(parse_credentials(write_credentials(*credentials, version)).value() == *credentials);
    MY_ASSERT(credentials->for_workers().find(kAmRmToken) == nullptr);
  }
  if (const auto token = token_from_url_string(bytes))
    MY_ASSERT(token_from_url_string(to_url_string(*token)).value() == *token);
  if (const auto id = yarn::parse_container_id(bytes)) MY_ASSERT(yarn::parse_container_id(id->text()) == id);
  if (const auto id = yarn::parse_application_id(bytes)) MY_ASSERT(yarn::parse_application_id(id->text()) == id);
  return 0;
}
