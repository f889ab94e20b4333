// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "documents/documents.h"

namespace modelyard::documents {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
  bool is_time;  // hours
};
constexpr Unit kUnits[] = {
    {"h", 1, true},
    {"d", 24, true},
    {"w", 7 * 24, true},
    {"KB", 1000, false},
    {"MB", 1000 * 1000, false},
    {"GB", 1000 * 1000 * 1000, false},
    {"TB", int64_t{1000} * 1000 * 1000 * 1000, false},
    {"KiB", int64_t{1} << 10, false},
    {"MiB", int64_t{1} << 20, false},
    {"GiB", int64_t{1} << 30, false},
    {"TiB", int64_t{1} << 40, false},
};
constexpr int64_t kNumberMax = 1'000'000;

}  // namespace

Result<Retention> retention_from(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_int(text.substr(0, digits));
  for (const Unit& unit : kUnits) {
    if (text.substr(digits) != unit.name || !number || *number < 1 || *number > kNumberMax) continue;
    Retention retention;
    if (unit.is_time) {
      retention.days = (*number * unit.factor + 23) / 24;
    } else {
      retention.bytes = *number * unit.factor;
    }
    return retention;
  }
  return fail(ErrorCode::kInvalidArgument,
              "'" + std::string(text.substr(0, 100)) +
                  "' does not say how much to keep: give days (7d, 2w) or a size (500MiB, 10GiB)");
}

}  // namespace modelyard::documents
