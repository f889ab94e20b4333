// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The query language of the store. Terms are separated by blanks; a document answers when it has all of them.
//
// - `yahoo`: the word in any value, whatever its case (documents/words.h says what a word is).
// - `yahoo.com`: several words, in this order in one value: names, addresses, URLs and paths are found as typed.
// - `"a b"`: the same for text with blanks; a quote left open ends with the query.
// - `yah*`: words that begin so; the * ends a term.
// - `10.1.2.*`: addresses that begin so: an IPv4 address is one word.
// - `field:"a b"`: a phrase inside a field.
// - `url:yahoo.com`: the same inside that field. Field names contain colons: of the beginnings of a term
//   that end before a colon, the longest that names a stored field is the field; none does: the term is plain text.
// - `-term`: not that one.
//
// original_string, raw_message, message and stack hold lines whose words are mostly those of other fields: a term for
// one of them looks in all values. Anything else is text. Never an error of syntax: only a query without a letter or
// digit, longer than 4,096 bytes or of more than 64 terms is refused.
namespace modelyard::documents {

struct Term {
  std::string field;               // empty = any value
  std::vector<std::string> words;  // at least one
  bool is_prefix = false;          // the last word is a beginning
  bool negated = false;
  bool operator==(const Term&) const = default;
};

inline constexpr size_t kQueryBytesMax = 4096;
inline constexpr size_t kQueryTermsMax = 64;

using IsField = std::function<bool(std::string_view)>;
// Empty text gives no terms. kInvalidArgument as above.
Result<std::vector<Term>> parse_query(std::string_view text, const IsField& is_field);

// Whether words of this field are indexed apart from the words of all values.
bool is_indexed_by_field(std::string_view field);

// The FTS5 expression for the terms and the filters (empty sensor and alert < 0: no filter); empty when there is
// nothing to ask.
std::string match_expression(const std::vector<Term>& terms, std::string_view sensor, int alert);

}  // namespace modelyard::documents
