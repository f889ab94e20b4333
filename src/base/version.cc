// SPDX-License-Identifier: Apache-2.0
#include "base/version.h"

#include "base/strings.h"

namespace modelyard {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_separator(char c) { return c == '.' || c == '-' || c == '_' || c == '+'; }

// Takes the next run off the front; empty at the end.
std::string_view next_run(std::string_view& rest) {
  while (!rest.empty() && is_separator(rest.front())) rest.remove_prefix(1);
  if (rest.empty()) return {};
  const bool number = is_digit(rest.front());
  size_t end = 1;
  while (end < rest.size() && !is_separator(rest[end]) && is_digit(rest[end]) == number) ++end;
  const std::string_view run = rest.substr(0, end);
  rest.remove_prefix(end);
  return run;
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  while (a.size() > 1 && a.front() == '0') a.remove_prefix(1);
  while (b.size() > 1 && b.front() == '0') b.remove_prefix(1);
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

std::strong_ordering compare_runs(std::string_view a, std::string_view b) {
  const bool a_number = is_digit(a.front());
  const bool b_number = is_digit(b.front());
  if (a_number != b_number) return a_number ? std::strong_ordering::greater : std::strong_ordering::less;
  if (a_number) return compare_numbers(a, b);
  return to_lower_ascii(a).compare(to_lower_ascii(b)) <=> 0;
}

}  // namespace

std::strong_ordering compare_versions(std::string_view a, std::string_view b) {
  std::string_view rest_a = a, rest_b = b;
  while (true) {
    const std::string_view run_a = next_run(rest_a), run_b = next_run(rest_b);
    if (run_a.empty() && run_b.empty()) return a.compare(b) <=> 0;
    if (run_a.empty()) return is_digit(run_b.front()) ? std::strong_ordering::less : std::strong_ordering::greater;
    if (run_b.empty()) return is_digit(run_a.front()) ? std::strong_ordering::greater : std::strong_ordering::less;
    if (const auto order = compare_runs(run_a, run_b); order != 0) return order;
  }
}

}  // namespace modelyard
