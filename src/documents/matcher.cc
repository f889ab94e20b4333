// SPDX-License-Identifier: Apache-2.0
#include "documents/documents.h"
#include "documents/index_text.h"
#include "documents/words.h"

namespace modelyard::documents {
namespace {

// Looks for each term's phrase in each value, one value after the other.
class Finder {
 public:
  explicit Finder(const std::vector<Term>& terms) : terms_(terms), found_(terms.size(), false) {}

  void look(std::string_view field, std::string_view text) {
    words_.clear();
    cutter_.cut(text.substr(0, kIndexedValueBytesMax), [&](std::string_view word) { words_.emplace_back(word); });
    for (size_t i = 0; i < terms_.size(); ++i) {
      if (!found_[i] && (terms_[i].field.empty() || terms_[i].field == field)) found_[i] = has_phrase(terms_[i]);
    }
  }
  bool all() const {
    for (size_t i = 0; i < terms_.size(); ++i) {
      if (found_[i] == terms_[i].negated) return false;
    }
    return true;
  }

 private:
  bool has_phrase(const Term& term) const {
    const size_t count = term.words.size();
    for (size_t begin = 0; begin + count <= words_.size(); ++begin) {
      size_t i = 0;
      while (i < count && equal(words_[begin + i], term.words[i], term.is_prefix && i + 1 == count)) ++i;
      if (i == count) return true;
    }
    return false;
  }
  static bool equal(std::string_view word, std::string_view wanted, bool is_prefix) {
    return is_prefix ? word.starts_with(wanted) : word == wanted;
  }

  const std::vector<Term>& terms_;
  std::vector<bool> found_;
  std::vector<std::string> words_;
  WordCutter cutter_;
};

}  // namespace

bool Matcher::matches(const News::Item& item) const {
  if (!sensor_.empty() && item.sensor != sensor_) return false;
  if (alert_ && item.alert != *alert_) return false;
  if (terms_.empty()) return true;
  Finder finder(terms_);
  DocumentReader reader;
  const Status status = reader.each_value(
      item.json, &finder,
      [](void* self, std::string_view field, std::string_view text) { static_cast<Finder*>(self)->look(field, text); });
  return status.has_value() && finder.all();
}

}  // namespace modelyard::documents
