// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What a stream hands to the store, and its form on the wire: the body of POST /api/v1/documents.
namespace modelyard::documents {

// One event. `json` is one flat object: its values are strings, numbers, booleans or null (an array or object is
// allowed and searched through). The store files it by its `source:type` and `is_alert`.
struct Document {
  std::string id;  // 1..256 bytes, unique in the store: the same event always gets the same id
  std::string json;
};

// Documents and the place in their source up to which everything is told by them. Stored whole or not at all.
struct Batch {
  std::string sensor;  // whose stream this is (its documents say their own source:type: error documents are among them)
  std::string source;  // "file:/var/log/squid/access.log"; empty = no offset is kept
  int64_t offset = 0;  // grows with each batch of a source
  // The offset that this batch continues from. When given, a writer that was overtaken by another is refused.
  std::optional<int64_t> after;
  std::string position;  // what the source wants to find beside its offset; the store only keeps it (at most 4 KiB)
  std::vector<Document> documents;
};

struct BatchLimits {
  size_t documents_max = 10'000;
  size_t document_bytes_max = size_t{48} << 20;
};

// {"sensor","source","offset","after"?,"position"?,"documents":[{"id","document":{…}}]}. Unknown members are ignored. A
// document's own bytes are kept as they came, white space between its members aside. kInvalidArgument names the member
// or the document that is wrong; kResourceExhausted names the limit. Thread-safe; fuzzed by
// fuzz/documents_fuzz.cc.
Result<Batch> batch_from_json(std::string_view body, const BatchLimits& limits = {});

// The inverse, appended to out.
void append_json(std::string& out, const Batch& batch);

}  // namespace modelyard::documents
