// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "stellar/value.h"

namespace modelyard::stellar {

// Reads RFC 8259 JSON into values of an arena. Own, because lone \udXXX escapes must survive, which other readers
// refuse. One object reads one text; texts without escapes are views of it when `borrow` is set.
class JsonReader {
 public:
  struct Options {
    bool borrow = false;    // the text outlives the values
    bool trailing = false;  // what follows the first value is ignored, as the reference's TO_JSON_* do
    int depth_max = 500;
  };
  JsonReader(Arena& arena, std::string_view text, const Options& options)
      : arena_(arena), text_(text), options_(options) {}

  // kInvalidArgument "line 1, column 5: …".
  Result<Value> read();

 private:
  bool value(Value& out);
  bool object(Value& out);
  bool array(Value& out);
  bool string(Value& out);
  bool number(Value& out);
  bool word(std::string_view text, Value made, Value& out);
  bool escape(std::string& out);
  bool hex4(char32_t& out);
  bool fail(std::string_view what);
  void blanks();
  char peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }

  Arena& arena_;
  std::string_view text_;
  Options options_;
  size_t pos_ = 0;
  int depth_ = 0;
  std::string problem_;
};

}  // namespace modelyard::stellar
