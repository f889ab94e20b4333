// fuzz: DEPS documents
// SPDX-License-Identifier: Apache-2.0
// Any bytes as the body of a bulk request, as a document and as a query; an expression made of a query must be one that
// SQLite reads.
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "documents/batch.h"
#include "documents/index_text.h"
#include "documents/query.h"
#include "documents/tokens.h"

using namespace modelyard::documents;

namespace {

sqlite3_stmt* open_words() {
  sqlite3* handle = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_open(":memory:", &handle) != SQLITE_OK || !register_tokenizer(handle)) abort();
  sqlite3_exec(handle, "CREATE VIRTUAL TABLE words USING fts5(tokens, content='', tokenize='modelyard')", nullptr,
               nullptr, nullptr);
  sqlite3_prepare_v2(handle, "SELECT rowid FROM words WHERE words MATCH ?", -1, &statement, nullptr);
  return statement;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static DocumentReader reader;
  static sqlite3_stmt* const words = open_words();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto batch = batch_from_json(text)) {
    std::string again;
    append_json(again, *batch);
    for (const Document& document : batch->documents) (void)reader.read(document, batch->sensor);
  }
  (void)reader.read({"id", std::string(text)}, "sensor");
  const auto terms = parse_query(text, [](std::string_view name) { return name.size() % 2 == 1; });
  if (!terms) return 0;
  const std::string match = match_expression(*terms, text.substr(0, size / 2), static_cast<int>(size % 3) - 1);
  if (match.empty()) return 0;
  sqlite3_bind_text(words, 1, match.data(), static_cast<int>(match.size()), SQLITE_STATIC);
  if (sqlite3_step(words) != SQLITE_DONE) abort();
  sqlite3_reset(words);
  return 0;
}
