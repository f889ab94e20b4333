// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/regex.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <list>
#include <unordered_map>

#include "base/strings.h"
#include "stellar/functions/java_regex.h"
#include "stellar/value.h"

namespace modelyard::stellar {
namespace {

constexpr uint32_t kHeapKibibytes = 64 * 1024;
constexpr size_t kCached = 256;

// What a match needs beside the pattern, once per thread.
struct Scratch {
  pcre2_match_data* data = nullptr;
  uint32_t pairs = 0;
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(size_t{32} << 10, size_t{1} << 20, nullptr);
  std::vector<Regex::Group> groups;

  Scratch() {
    pcre2_set_heap_limit(context, kHeapKibibytes);
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~Scratch() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  void ensure(uint32_t wanted) {
    if (wanted <= pairs) return;
    pcre2_match_data_free(data);
    data = pcre2_match_data_create(wanted, nullptr);
    pairs = wanted;
  }
};
Scratch& scratch() {
  thread_local Scratch made;
  return made;
}

}  // namespace

RegexSubject::RegexSubject(std::string_view text) : text_(text.data() == nullptr ? std::string_view("") : text) {
  if (is_valid_utf8(text_)) return;
  copy_ = text_;
  for (size_t i = 0; i + 2 < copy_.size(); ++i) {
    if (copy_[i] == '\xED' && static_cast<uint8_t>(copy_[i + 1]) >= 0xA0) copy_.replace(i, 3, "\xEF\xBF\xBD");
  }
  if (!is_valid_utf8(copy_)) {
    for (char& c : copy_) c = static_cast<uint8_t>(c) < 0x80 ? c : '?';
  }
  text_ = copy_;
}

Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view pattern, Use use) {
  auto translated = translate_java_regex(pattern);
  if (!translated) return fail(std::move(translated.error()).with_context(fmt::format("pattern '{}'", pattern)));
  uint32_t options = PCRE2_UTF;
  if (use == Use::kWholeMatch) options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(), options,
                                   &error, &offset, nullptr);
  if (code == nullptr) {
    PCRE2_UCHAR text[160];
    pcre2_get_error_message(error, text, sizeof text);
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("pattern '{}': {}", pattern, reinterpret_cast<const char*>(text)));
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  std::shared_ptr<Regex> regex(new Regex);
  regex->code_ = code;
  uint32_t count = 0;
  pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &count);
  regex->groups_ = static_cast<int>(count);
  return std::shared_ptr<const Regex>(std::move(regex));
}

Regex::~Regex() { pcre2_code_free(static_cast<pcre2_code*>(code_)); }

Result<std::shared_ptr<const Regex>> Regex::cached(std::string_view pattern, Use use) {
  struct Entry {
    std::string key;
    std::shared_ptr<const Regex> regex;
  };
  thread_local std::list<Entry> newest_first;
  thread_local std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;
  std::string key(pattern);
  key += use == Use::kFind ? 'f' : 'm';
  if (const auto found = by_key.find(key); found != by_key.end()) {
    newest_first.splice(newest_first.begin(), newest_first, found->second);
    return found->second->regex;
  }
  auto made = compile(pattern, use);
  if (!made) return made;
  newest_first.push_front({std::move(key), *made});
  by_key.emplace(newest_first.front().key, newest_first.begin());
  if (newest_first.size() > kCached) {
    by_key.erase(newest_first.back().key);
    newest_first.pop_back();
  }
  return made;
}

const std::vector<Regex::Group>* Regex::match(const RegexSubject& subject_text, size_t from, uint32_t effort) const {
  const std::string_view subject = subject_text.text();
  Scratch& s = scratch();
  const auto* code = static_cast<const pcre2_code*>(code_);
  s.ensure(static_cast<uint32_t>(groups_) + 1);
  pcre2_set_match_limit(s.context, effort);
  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
  const uint32_t options = PCRE2_NO_UTF_CHECK;
  int count = pcre2_match(code, text, subject.size(), from, options, s.data, s.context);
  if (count == PCRE2_ERROR_JIT_STACKLIMIT)
    count = pcre2_match(code, text, subject.size(), from, options | PCRE2_NO_JIT, s.data, s.context);
  if (count == PCRE2_ERROR_MATCHLIMIT || count == PCRE2_ERROR_HEAPLIMIT || count == PCRE2_ERROR_DEPTHLIMIT ||
      count == PCRE2_ERROR_NOMEMORY) {
    throw BoundReached{"regex effort"};
  }
  if (count < 0) return nullptr;
  const PCRE2_SIZE* places = pcre2_get_ovector_pointer(s.data);
  s.groups.assign(static_cast<size_t>(groups_) + 1, Group{});
  for (int i = 0; i < count && i <= groups_; ++i) {
    if (places[2 * i] != PCRE2_UNSET) s.groups[static_cast<size_t>(i)] = {places[2 * i], places[2 * i + 1]};
  }
  return &s.groups;
}

int Regex::group_named(std::string_view name) const {
  const int number = pcre2_substring_number_from_name(static_cast<const pcre2_code*>(code_),
                                                      reinterpret_cast<PCRE2_SPTR>(std::string(name).c_str()));
  return number > 0 ? number : -1;
}

}  // namespace modelyard::stellar
