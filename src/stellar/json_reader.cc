// SPDX-License-Identifier: Apache-2.0
#include "stellar/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "stellar/eval/numbers.h"
#include "stellar/eval/utf16.h"

namespace modelyard::stellar {

Result<Value> JsonReader::read() {
  try {
    Value out;
    blanks();
    if (value(out)) {
      blanks();
      if (pos_ == text_.size() || options_.trailing) return out;
      fail("more text after the value");
    }
  } catch (const BoundReached& bound) {
    return modelyard::fail(ErrorCode::kResourceExhausted, fmt::format("limit reached: {}", bound.bound));
  }
  return modelyard::fail(ErrorCode::kInvalidArgument, problem_);
}

bool JsonReader::fail(std::string_view what) {
  const std::string_view before = text_.substr(0, pos_);
  const size_t line = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  problem_ = fmt::format("line {}, column {}: {}", line, pos_ - start + 1, what);
  return false;
}

void JsonReader::blanks() {
  while (pos_ < text_.size() &&
         (text_[pos_] == ' ' || text_[pos_] == '\t' || text_[pos_] == '\n' || text_[pos_] == '\r'))
    ++pos_;
}

bool JsonReader::word(std::string_view expected, Value made, Value& out) {
  if (text_.substr(pos_, expected.size()) != expected) return fail("expected a value");
  pos_ += expected.size();
  const char after = peek();
  if ((after >= 'a' && after <= 'z') || (after >= 'A' && after <= 'Z') || (after >= '0' && after <= '9') ||
      after == '_')
    return fail("expected a value");
  out = made;
  return true;
}

bool JsonReader::value(Value& out) {
  switch (peek()) {
    case '{': return object(out);
    case '[': return array(out);
    case '"': return string(out);
    case 't': return word("true", Value::boolean(true), out);
    case 'f': return word("false", Value::boolean(false), out);
    case 'n': return word("null", {}, out);
    default: return number(out);
  }
}

bool JsonReader::object(Value& out) {
  if (++depth_ > options_.depth_max) return fail(fmt::format("nested deeper than {} levels", options_.depth_max));
  MapObject* map = make_map(arena_, MapObject::Order::kInserted);
  out = Value::map(map);
  ++pos_;
  blanks();
  if (peek() == '}') return ++pos_, --depth_, true;
  while (true) {
    Value key;
    Value item;
    if (peek() != '"') return fail("expected a key in quotes");
    if (!string(key)) return false;
    blanks();
    if (peek() != ':') return fail("expected ':'");
    ++pos_;
    blanks();
    if (!value(item)) return false;
    put(*map, key, item);
    blanks();
    if (peek() == '}') return ++pos_, --depth_, true;
    if (peek() != ',') return fail("expected ',' or '}'");
    ++pos_;
    blanks();
  }
}

bool JsonReader::array(Value& out) {
  if (++depth_ > options_.depth_max) return fail(fmt::format("nested deeper than {} levels", options_.depth_max));
  ListObject* list = make_list(arena_);
  out = Value::list(list);
  ++pos_;
  blanks();
  if (peek() == ']') return ++pos_, --depth_, true;
  while (true) {
    Value item;
    if (!value(item)) return false;
    append(*list, item);
    blanks();
    if (peek() == ']') return ++pos_, --depth_, true;
    if (peek() != ',') return fail("expected ',' or ']'");
    ++pos_;
    blanks();
  }
}

bool JsonReader::string(Value& out) {
  const size_t start = ++pos_;
  size_t end = start;
  while (end < text_.size() && text_[end] != '"' && text_[end] != '\\' && static_cast<uint8_t>(text_[end]) >= 0x20)
    ++end;
  if (end < text_.size() && text_[end] == '"') {
    const std::string_view plain = text_.substr(start, end - start);
    if (!is_valid_utf8(plain)) return fail("the text is not UTF-8");
    out = options_.borrow ? Value::string(plain) : make_string(arena_, plain);
    pos_ = end + 1;
    return true;
  }
  std::string built;
  while (true) {
    const size_t from = pos_;
    while (pos_ < text_.size() && text_[pos_] != '"' && text_[pos_] != '\\' &&
           static_cast<uint8_t>(text_[pos_]) >= 0x20)
      ++pos_;
    const std::string_view plain = text_.substr(from, pos_ - from);
    if (!is_valid_utf8(plain)) return fail("the text is not UTF-8");
    built += plain;
    if (pos_ == text_.size()) return fail("this text has no closing quote");
    if (text_[pos_] == '"') break;
    if (text_[pos_] != '\\') return fail("a control character in a text: write it as an escape");
    ++pos_;
    if (!escape(built)) return false;
  }
  ++pos_;
  out = make_string(arena_, built);
  return true;
}

bool JsonReader::escape(std::string& out) {
  const char c = peek();
  ++pos_;
  switch (c) {
    case '"':
    case '\\':
    case '/': out += c; return true;
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case 'u': {
      char32_t unit = 0;
      if (!hex4(unit)) return false;
      append_unit(out, static_cast<char16_t>(unit));
      return true;
    }
    default: return fail("no such escape in a text");
  }
}

bool JsonReader::hex4(char32_t& out) {
  uint32_t unit = 0;
  const char* from = text_.data() + pos_;
  const char* end = text_.data() + std::min(pos_ + 4, text_.size());
  const auto [stopped, error] = std::from_chars(from, end, unit, 16);
  if (error != std::errc() || stopped != from + 4) return fail("\\u takes four hexadecimal digits");
  pos_ += 4;
  out = unit;
  return true;
}

bool JsonReader::number(Value& out) {
  const size_t start = pos_;
  const auto digits = [this] {
    const size_t from = pos_;
    while (peek() >= '0' && peek() <= '9') ++pos_;
    return pos_ > from;
  };
  if (peek() == '-') ++pos_;
  if (peek() == '0') {
    ++pos_;
    if (peek() >= '0' && peek() <= '9') return fail("a number does not start with 0");
  } else if (!digits()) {
    return fail("expected a value");
  }
  bool whole = true;
  if (peek() == '.') {
    whole = false;
    ++pos_;
    if (!digits()) return fail("expected digits after the point");
  }
  if (peek() == 'e' || peek() == 'E') {
    whole = false;
    ++pos_;
    if (peek() == '+' || peek() == '-') ++pos_;
    if (!digits()) return fail("expected digits of the exponent");
  }
  const std::string_view text = text_.substr(start, pos_ - start);
  if (whole) {
    int64_t integral = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), integral).ec == std::errc()) {
      const bool narrow = integral >= INT32_MIN && integral <= INT32_MAX;
      out = narrow ? Value::integer(static_cast<int32_t>(integral)) : Value::long_integer(integral);
      return true;
    }
  }
  out = Value::double_number(parse_decimal(text));
  return true;
}

}  // namespace modelyard::stellar
