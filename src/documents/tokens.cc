// SPDX-License-Identifier: Apache-2.0
#include "documents/tokens.h"

#include <sqlite3.h>

#include <cstdint>
#include <cstring>

namespace modelyard::documents {
namespace {

int create_tokenizer(void*, const char**, int, Fts5Tokenizer** out) {
  // Without state: any address that is not null does.
  static char nothing;
  *out = reinterpret_cast<Fts5Tokenizer*>(&nothing);
  return SQLITE_OK;
}

void delete_tokenizer(Fts5Tokenizer*) {}

int cut_tokens(Fts5Tokenizer*, void* context, int flags, const char* text, int size,
               int (*give)(void*, int, const char*, int, int, int)) {
  const bool is_document = (flags & FTS5_TOKENIZE_DOCUMENT) != 0;
  const char* const end = text + size;
  for (const char* at = text; at < end;) {
    const void* stop = memchr(at, kTokenEnd, static_cast<size_t>(end - at));
    const char* const token_end = stop != nullptr ? static_cast<const char*>(stop) : end;
    if (token_end > at) {
      const int colocated = is_document && *at == '\x01' ? FTS5_TOKEN_COLOCATED : 0;
      const int code = give(context, colocated, at, static_cast<int>(token_end - at), static_cast<int>(at - text),
                            static_cast<int>(token_end - text));
      if (code != SQLITE_OK) return code;
    }
    at = token_end + 1;
  }
  return SQLITE_OK;
}

fts5_api* api_of(sqlite3* handle) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle, "SELECT fts5(?1)", -1, &statement, nullptr) != SQLITE_OK) return nullptr;
  sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", nullptr);
  sqlite3_step(statement);
  sqlite3_finalize(statement);
  return api;
}

}  // namespace

void append_field_prefix(std::string& out, std::string_view field) {
  uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : field) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  hash ^= hash >> 32;
  out.push_back('\x01');
  for (int i = 0; i < 5; ++i) {
    out.push_back(static_cast<char>('0' + (hash & 63)));  // '0'..'o': no quote, no control character
    hash >>= 6;
  }
}

std::string sensor_token(std::string_view sensor) {
  std::string token = "\x02s";
  for (const char c : sensor.substr(0, 200)) token.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  return token;
}

std::string_view alert_token(bool alert) {
  return alert ? "\x02"
                 "a1"
               : "\x02"
                 "a0";
}

bool register_tokenizer(sqlite3* handle) {
  fts5_api* api = api_of(handle);
  if (api == nullptr) return false;
  fts5_tokenizer tokenizer{create_tokenizer, delete_tokenizer, cut_tokens};
  return api->xCreateTokenizer(api, "modelyard", nullptr, &tokenizer, nullptr) == SQLITE_OK;
}

}  // namespace modelyard::documents
