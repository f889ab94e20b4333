// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

struct sqlite3;

// The terms of the full-text index. What FTS5 gets, in documents as in queries, is a list of ready tokens, each ended
// by kTokenEnd; the tokenizer "modelyard" only cuts it. Kinds of tokens:
//   word            of any value
//   \1 HHHHH word   the same word as one of a field; HHHHH is the hash of the field's name. It shares the word's
//   position, so a
//                   phrase of such tokens is a phrase inside that field
//   \2 s NAME       the document's source:type
//   \2 a 0|1        whether it is an alert: every document has one of the two
//   \3              between values, so that no phrase spans two of them
namespace modelyard::documents {

inline constexpr char kTokenEnd = '\x1f';

// "\1HHHHH"
void append_field_prefix(std::string& out, std::string_view field);
// Without kTokenEnd.
std::string sensor_token(std::string_view sensor);
std::string_view alert_token(bool alert);
inline constexpr std::string_view kGapToken = "\x03";

// Makes the tokenizer known to this connection: before any use of the table of words.
bool register_tokenizer(sqlite3* handle);

}  // namespace modelyard::documents
