// SPDX-License-Identifier: Apache-2.0
#include "json/json.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "json/tree.h"

namespace modelyard::json {
namespace {

// The reader reports nesting before its own recursion grows.
class DepthGuard {
 public:
  explicit DepthGuard(size_t max) : max_(max) {}
  bool operator()(int depth, Tree::parse_event_t, Tree&) {
    if (static_cast<size_t>(depth) > max_) too_deep = true;
    return !too_deep;
  }
  bool too_deep = false;

 private:
  size_t max_;
};

}  // namespace

std::string describe_place(std::string_view text, size_t offset, std::string_view source, std::string_view message) {
  offset = std::min(offset, text.size());
  const std::string_view before = text.substr(0, offset);
  const size_t line_number = 1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  std::string_view line = text.substr(line_start, text.find('\n', line_start) - line_start);
  size_t column = offset - line_start;
  constexpr size_t kWindow = 60;
  const size_t cut = column > kWindow ? column - kWindow : 0;
  line = line.substr(std::min(cut, line.size()), 2 * kWindow);
  return fmt::format("{}{}{}:{}: {}\n  {}\n  {:>{}}", source, source.empty() ? "" : ":", line_number, column + 1,
                     message, to_valid_utf8(line), '^', column - cut + 1);
}

Result<Tree> parse(std::string_view text, const ParseOptions& options) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  DepthGuard guard(options.depth_max);
  try {
    Tree tree = Tree::parse(
        text.begin(), text.end(),
        [&](int depth, Tree::parse_event_t event, Tree& value) { return guard(depth, event, value); }, true,
        options.comments);
    if (guard.too_deep) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}{}nested deeper than {} levels", options.source,
                                                           options.source.empty() ? "" : ": ", options.depth_max));
    }
    return tree;
  } catch (const Tree::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while …": the part after the
    // place.
    std::string_view what = error.what();
    if (const size_t at = what.find(": "); at != std::string_view::npos) what.remove_prefix(at + 2);
    return fail(ErrorCode::kInvalidArgument,
                describe_place(text, error.byte > 0 ? error.byte - 1 : 0, options.source, to_valid_utf8(what)));
  } catch (const Tree::exception& error) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", options.source, error.what()));
  }
}

std::string dump(const Tree& tree) { return tree.dump(-1, ' ', false, Tree::error_handler_t::replace); }
std::string dump_pretty(const Tree& tree) { return tree.dump(2, ' ', false, Tree::error_handler_t::replace); }

namespace {
const Tree* member(const Tree& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}
}  // namespace

std::string get_string(const Tree& object, std::string_view key, std::string_view fallback) {
  const Tree* value = member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string(fallback);
}

int64_t get_int(const Tree& object, std::string_view key, int64_t fallback) {
  const Tree* value = member(object, key);
  return value != nullptr && value->is_number_integer() ? value->get<int64_t>() : fallback;
}

bool get_bool(const Tree& object, std::string_view key, bool fallback) {
  const Tree* value = member(object, key);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : fallback;
}

Result<std::string> require_string(const Tree& object, std::string_view key) {
  const Tree* value = member(object, key);
  if (value == nullptr) return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is missing", key));
  if (!value->is_string()) return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" must be a string", key));
  return value->get<std::string>();
}

Result<int64_t> require_int(const Tree& object, std::string_view key) {
  const Tree* value = member(object, key);
  if (value == nullptr) return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is missing", key));
  if (!value->is_number_integer())
    return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" must be a whole number", key));
  return value->get<int64_t>();
}

}  // namespace modelyard::json
