// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/digests.h"
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

Value hash(Call& call) {
  if (call.size() < 2 || call.size() > 3) return call.fail(fmt::format("takes 2 or 3 arguments, not {}", call.size()));
  if (call[1].is_null()) return {};
  if (!call[1].is_string()) return call.wrong_kind(1, "string");
  if (call[0].is_null()) {
    const auto digest = hex_digest(call[1].text(), "");
    if (!digest)
      return call.fail(fmt::format("there is no algorithm '{}'; GET_HASHES_AVAILABLE lists them", call[1].text()));
    return call.string(std::string(digest->size(), '0'));
  }
  if (!call[0].is_string())
    return call.fail(
        fmt::format("argument 1 is a {}; only texts are hashed: convert it with TO_STRING", to_string(call[0].kind())));
  std::string_view charset = "UTF-8";
  if (call.at(2).is_map()) {
    const Value wanted = get(call[2].map(), "charset");
    if (wanted.is_string()) charset = wanted.text();
  }
  const auto bytes = encode_charset(call[0].text(), charset);
  if (!bytes) return call.fail(fmt::format("there is no charset '{}'", charset));
  const auto digest = hex_digest(call[1].text(), *bytes);
  if (!digest)
    return call.fail(fmt::format("there is no algorithm '{}'; GET_HASHES_AVAILABLE lists them", call[1].text()));
  // The reference reads the digits back in the same charset.
  return call.string(*decode_charset(*digest, charset));
}

Value hashes_available(Call& call) {
  ListObject* names = make_list(call.arena, digest_names().size());
  for (const std::string_view name : digest_names()) append(*names, Value::string(name));
  return Value::list(names);
}

}  // namespace

void register_hash_functions(FunctionRegistry& registry) {
  registry.add(
      {.name = "HASH",
       .category = "string",
       .description = "The hexadecimal digest of a text; of null a run of zeros of that length.",
       .parameters = {{"value", "string", "the text"},
                      {"algorithm", "string", "MD5, SHA-256 …; null gives null"},
                      {"config", "map", "charset: of the text's bytes, and of the digest's digits", true}},
       .returns = "string",
       .examples = {{"HASH('abc', 'MD5')", "\"900150983cd24fb0d6963f7d28e17f72\""}, {"HASH('abc', 'NONE')", "error"}},
       .run = hash});
  registry.add({.name = "GET_HASHES_AVAILABLE",
                .category = "string",
                .description = "The algorithms that HASH knows.",
                .parameters = {},
                .returns = "list<string>",
                .examples = {{"'SHA-256' in GET_HASHES_AVAILABLE()", "true"}},
                .run = hashes_available});
}

}  // namespace modelyard::stellar
