// SPDX-License-Identifier: Apache-2.0
#include "configuration/position.h"

#include <algorithm>

namespace modelyard::configuration {
namespace {

// Walks over JSON that a real parser has accepted already: no checks but for the end of the text.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  size_t at() const { return at_; }
  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  void step() { ++at_; }

  void skip_blanks() {
    while (!done()) {
      const char c = peek();
      if (c == '/' && at_ + 1 < text_.size()) {
        const bool block = text_[at_ + 1] == '*';
        const size_t end = text_.find(block ? "*/" : "\n", at_ + 2);
        at_ = end == std::string_view::npos ? text_.size() : end + (block ? 2 : 1);
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        step();
      } else {
        return;
      }
    }
  }

  // The decoded text is only needed to compare keys, so escapes other than \" and \\ are left as they are.
  std::string string() {
    std::string out;
    step();
    while (!done() && peek() != '"') {
      if (peek() == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\')) step();
      out.push_back(peek());
      step();
    }
    step();
    return out;
  }

  void skip_value() {
    skip_blanks();
    int depth = 0;
    do {
      skip_blanks();
      const char c = peek();
      if (c == '"') {
        string();
      } else if (c == '{' || c == '[') {
        ++depth;
        step();
      } else if (c == '}' || c == ']') {
        --depth;
        step();
      } else if (c == ',' || c == ':') {
        step();
      } else {
        while (!done() && std::string_view(",:]} \t\r\n/").find(peek()) == std::string_view::npos) step();
      }
    } while (depth > 0 && !done());
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// Moves to the member or item `step` of the container that begins here. False: there is none.
bool enter(Walker& walker, const std::string& step, Position& found) {
  walker.skip_blanks();
  const bool object = walker.peek() == '{';
  if (!object && walker.peek() != '[') return false;
  walker.step();
  bool any = false;
  Walker end = walker;
  for (size_t index = 0;; ++index) {
    walker.skip_blanks();
    if (walker.done() || walker.peek() == '}' || walker.peek() == ']') break;
    Position here{walker.at(), walker.at()};
    std::string name = std::to_string(index);
    if (object) {
      name = walker.string();
      walker.skip_blanks();
      walker.step();  // the colon
      walker.skip_blanks();
      here.value = walker.at();
    }
    if (name == step) {  // the last of equal keys is the one that counts
      found = here;
      end = walker;
      any = true;
    }
    walker.skip_value();
    walker.skip_blanks();
    if (walker.peek() == ',') walker.step();
  }
  walker = end;
  return any;
}

size_t utf8_length(unsigned code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

}  // namespace

Position locate(std::string_view text, const Path& path) {
  Walker walker(text);
  walker.skip_blanks();
  Position found{walker.at(), walker.at()};
  for (const std::string& step : path) {
    if (!enter(walker, step, found)) break;
  }
  return found;
}

size_t locate_inside_string(std::string_view text, size_t quote, size_t inside) {
  if (quote >= text.size() || text[quote] != '"') return quote;
  size_t at = quote + 1;
  for (size_t decoded = 0; decoded < inside && at < text.size() && text[at] != '"';) {
    if (text[at] != '\\' || at + 1 >= text.size()) {
      ++at;
      ++decoded;
    } else if (text[at + 1] == 'u' && at + 6 <= text.size()) {
      const unsigned code =
          static_cast<unsigned>(std::strtoul(std::string(text.substr(at + 2, 4)).c_str(), nullptr, 16));
      const bool pair = code >= 0xd800 && code < 0xdc00;
      decoded += pair ? 4 : utf8_length(code);
      at += pair ? 12 : 6;
    } else {
      at += 2;
      ++decoded;
    }
  }
  return std::min(at, text.size());
}

}  // namespace modelyard::configuration
