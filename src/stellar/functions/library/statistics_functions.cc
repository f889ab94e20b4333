// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "base/strings.h"
#include "stellar/eval/operators.h"
#include "stellar/functions/helpers.h"
#include "stellar/functions/sketches/statistics.h"
#include "stellar/json_value.h"

namespace modelyard::stellar {
namespace {

Statistics* statistics_of(Value value) {
  return value.kind() == Kind::kOpaque ? dynamic_cast<Statistics*>(&value.opaque()) : nullptr;
}

Statistics* new_statistics(Call& call, uint32_t window) {
  auto* made = call.arena.make<Statistics>(window);
  made->arena = &call.arena;
  return made;
}

// The statistics of the first argument; null pointer for null, and after call.fail() for anything else.
Statistics* first_statistics(Call& call) {
  if (call.at(0).is_null()) return nullptr;
  Statistics* found = statistics_of(call[0]);
  if (found == nullptr) call.wrong_kind(0, "statistics object of STATS_INIT");
  return found;
}

Value stats_init(Call& call) {
  if (call.size() == 0 || call[0].is_null()) return Value::opaque(new_statistics(call, 0));
  const std::optional<int32_t> window = to_integer(call[0]);
  if (!window) return call.fail("the window is no number");
  return Value::opaque(new_statistics(call, static_cast<uint32_t>(std::max(0, *window))));
}

bool add_one(Call& call, Statistics& statistics, Value value) {
  if (value.is_null()) return true;
  const std::optional<double> number = to_double(value);
  if (!number) {
    call.fail(fmt::format("a {} is no number", to_string(value.kind())));
  } else if (!statistics.add(*number)) {
    call.fail("the sum of squares leaves the range of a Double");
  }
  return !call.failed;
}

Value stats_add(Call& call) {
  Statistics* statistics = first_statistics(call);
  if (call.failed) return {};
  if (statistics == nullptr) statistics = new_statistics(call, 0);
  call.arena.charge(16 * call.size());
  for (size_t i = 1; i < call.size(); ++i) {
    const bool collection = for_each_item(call[i], [&](Value item) {
      if (!call.failed) add_one(call, *statistics, item);
    });
    if (!collection) add_one(call, *statistics, call[i]);
    if (call.failed) return {};
  }
  return Value::opaque(statistics);
}

Value stats_merge(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return {};
  if (!call[0].is_collection()) return call.wrong_kind(0, "list of statistics");
  Statistics* merged = nullptr;
  for_each_item(call[0], [&](Value member) {
    const Statistics* other = statistics_of(member);
    if (other == nullptr) return;
    if (merged == nullptr) {
      merged = static_cast<Statistics*>(other->copy_into(call.arena));
    } else {
      merged->merge(*other);
    }
  });
  return merged == nullptr ? Value::null() : Value::opaque(merged);
}

template <double (Statistics::*Get)() const>
Value get(Call& call) {
  const Statistics* statistics = first_statistics(call);
  if (call.failed) return {};
  return Value::double_number(statistics == nullptr ? std::nan("") : (statistics->*Get)());
}

// A percentile as each kind of statistics takes it; nothing after call.fail().
std::optional<double> percentile(Call& call, const Statistics& statistics, double p) {
  if (std::isnan(p) || p < 0 || p > 100 || (p == 0 && statistics.windowed())) {
    call.fail(fmt::format("{} is no percentile of 0 to 100", p));
    return std::nullopt;
  }
  return statistics.percentile(p);
}

Value stats_percentile(Call& call) {
  if (!has_arguments(call, 2)) return {};
  const Statistics* statistics = first_statistics(call);
  if (call.failed) return {};
  const std::optional<double> p = to_double(call[1]);
  if (statistics == nullptr || !p) return Value::double_number(std::nan(""));
  const auto result = percentile(call, *statistics, *p);
  return result ? Value::double_number(*result) : Value::null();
}

// The first bound that is not below the value; bounds that decrease on the way are an error.
template <typename Bound>
Value bin_of(Call& call, double value, size_t size, Bound bound) {
  double last = -HUGE_VAL;
  for (size_t i = 0; i < size; ++i) {
    const std::optional<double> next = bound(i);
    if (!next) return call.failed ? Value::null() : call.fail("a bound is no number");
    if (last > *next) return call.fail("the bounds decrease");
    if (value <= *next) return Value::integer(static_cast<int32_t>(i));
    last = *next;
  }
  return Value::integer(static_cast<int32_t>(size));
}

Value stats_bin(Call& call) {
  if (!has_arguments(call, 2)) return {};
  const Statistics* statistics = first_statistics(call);
  if (call.failed) return {};
  const std::optional<double> value = to_double(call[1]);
  if (statistics == nullptr || !value) return Value::integer(-1);
  std::vector<double> bounds = {25, 50, 75};
  const Value wanted = call.at(2);
  if (wanted.is_string()) {
    const std::string name = to_lower_ascii(wanted.text());
    if (name == "quintile") {
      bounds = {20, 40, 60, 80};
    } else if (name == "decile") {
      bounds = {10, 20, 30, 40, 50, 60, 70, 80, 90};
    } else if (name != "quartile") {
      return call.fail(fmt::format("'{}' is none of QUARTILE, QUINTILE and DECILE", wanted.text()));
    }
  } else if (wanted.is_list()) {
    bounds.clear();
    for (const Value item : wanted.list()) {
      const auto bound = to_double(item);
      if (!bound) return call.fail("a bound is no number");
      bounds.push_back(*bound);
    }
  } else if (!wanted.is_null()) {
    return call.wrong_kind(2, "list");
  }
  return bin_of(call, *value, bounds.size(), [&](size_t i) { return percentile(call, *statistics, bounds[i]); });
}

Value bin(Call& call) {
  if (!has_arguments(call, 2)) return {};
  if (call[0].is_null() || call[1].is_null()) return Value::integer(-1);
  if (!is_list(call, 1)) return {};
  const ListObject& bounds = call[1].list();
  if (bounds.size == 0) return Value::integer(-1);
  const std::optional<double> value = to_double(call[0]);
  if (!value) return call.fail("the value is no number");
  return bin_of(call, *value, bounds.size, [&](size_t i) { return to_double(bounds.items[i]); });
}

Value it_entropy(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return Value::double_number(0);
  if (!call[0].is_map()) return call.wrong_kind(0, "multiset");
  double total = 0;
  for (const auto& entry : entries_of(call[0].map())) {
    if (!entry.value.is_number()) return call.fail("a count is no number");
    total += number_of(entry.value);
  }
  double entropy = 0;
  for (const auto& entry : entries_of(call[0].map())) {
    const double share = number_of(entry.value) / total;
    if (share > 0) entropy -= share * std::log2(share);
  }
  return Value::double_number(entropy);
}

// --- MIN and MAX: the running best is converted to the kind of the next item and compared there; the item itself is
// kept.

std::optional<int> compare_as(Value best, Value next) {
  const auto sign = [](auto a, auto b) { return a < b ? -1 : a > b ? 1 : 0; };
  switch (next.kind()) {
    case Kind::kString: {
      std::string text;
      append_text(text, best);
      return compare_utf16(text, next.text());
    }
    case Kind::kBoolean: {
      const auto converted = to_boolean(best);
      return converted ? std::optional<int>(sign(*converted, next.as_boolean())) : std::nullopt;
    }
    case Kind::kByte:
    case Kind::kShort:
    case Kind::kInteger: {
      const auto converted = to_integer(best);
      return converted ? std::optional<int>(sign(int64_t{*converted}, next.as_integral())) : std::nullopt;
    }
    case Kind::kLong: {
      const auto converted = to_long(best);
      return converted ? std::optional<int>(sign(*converted, next.as_integral())) : std::nullopt;
    }
    case Kind::kFloat: {
      const auto converted = to_float(best);
      return converted ? std::optional<int>(sign(static_cast<double>(*converted), next.as_double())) : std::nullopt;
    }
    case Kind::kDouble: {
      const auto converted = to_double(best);
      return converted ? std::optional<int>(sign(*converted, next.as_double())) : std::nullopt;
    }
    default: return std::nullopt;
  }
}

Value extreme(Call& call, int wanted) {
  if (!has_arguments(call, 1)) return {};
  if (const Statistics* statistics = statistics_of(call[0]))
    return Value::double_number(wanted < 0 ? statistics->min() : statistics->max());
  if (!call[0].is_collection()) return call.wrong_kind(0, "list");
  Value best;
  for_each_item(call[0], [&](Value item) {
    if (item.is_null() || call.failed) return;
    if (best.is_null()) {
      best = item;
      return;
    }
    const std::optional<int> order = compare_as(best, item);
    if (!order) {
      call.fail(fmt::format("cannot compare a {} with a {}", to_string(best.kind()), to_string(item.kind())));
    } else if (*order == -wanted) {
      best = item;
    }
  });
  return call.failed ? Value::null() : best;
}
Value min(Call& call) { return extreme(call, -1); }
Value max(Call& call) { return extreme(call, 1); }

void add_getter(FunctionRegistry& registry, std::string_view name, std::string_view description, Value (*run)(Call&),
                std::string_view example, std::string_view result) {
  registry.add({.name = name,
                .category = "statistics",
                .description = description,
                .parameters = {{"stats", "stats", "of STATS_INIT or STATS_ADD; null gives NaN"}},
                .returns = "double",
                .examples = {{example, result}},
                .run = run});
}

}  // namespace

void register_statistics_functions(FunctionRegistry& registry) {
  registry.add({.name = "STATS_INIT",
                .category = "statistics",
                .description = "New statistics: of all values, or of the last ones.",
                .parameters = {{"window", "int", "how many of the last values count; 0 (default) all of them", true}},
                .returns = "stats",
                .examples = {{"STATS_COUNT(STATS_INIT())", "0.0"}},
                .run = stats_init});
  registry.add({.name = "STATS_ADD",
                .category = "statistics",
                .description = "Adds values to statistics, which are changed and returned.",
                .parameters = {{"stats", "stats", "null makes new ones"},
                               {"values", "number", "numbers or lists of them; nulls are left out", true, true}},
                .returns = "stats",
                .examples = {{"STATS_SUM(STATS_ADD(STATS_INIT(), 1, [2, 3]))", "6.0"}},
                .run = stats_add});
  registry.add({.name = "STATS_MERGE",
                .category = "statistics",
                .description = "Statistics of all the members' values.",
                .parameters = {{"list", "list<stats>", "anything else in it is left out"}},
                .returns = "stats",
                .examples = {{"STATS_MEAN(STATS_MERGE([STATS_ADD(null, 1), STATS_ADD(null, 3)]))", "2.0"}},
                .run = stats_merge});
  add_getter(registry, "STATS_COUNT", "The number of values.", get<&Statistics::count>,
             "STATS_COUNT(STATS_ADD(null, 1, 2))", "2.0");
  add_getter(registry, "STATS_SUM", "The sum.", get<&Statistics::sum>, "STATS_SUM(STATS_ADD(null, 1, 2))", "3.0");
  add_getter(registry, "STATS_SUM_LOGS", "The sum of natural logarithms.", get<&Statistics::sum_logs>,
             "STATS_SUM_LOGS(STATS_ADD(null, 1))", "0.0");
  add_getter(registry, "STATS_SUM_SQUARES", "The sum of squares.", get<&Statistics::sum_squares>,
             "STATS_SUM_SQUARES(STATS_ADD(null, 1, 2))", "5.0");
  add_getter(registry, "STATS_MIN", "The least value.", get<&Statistics::min>, "STATS_MIN(STATS_ADD(null, 1, 2))",
             "1.0");
  add_getter(registry, "STATS_MAX", "The greatest value.", get<&Statistics::max>, "STATS_MAX(STATS_ADD(null, 1, 2))",
             "2.0");
  add_getter(registry, "STATS_MEAN", "The mean.", get<&Statistics::mean>, "STATS_MEAN(STATS_ADD(null, 1, 2))", "1.5");
  add_getter(registry, "STATS_GEOMETRIC_MEAN", "The geometric mean.", get<&Statistics::geometric_mean>,
             "ROUND(STATS_GEOMETRIC_MEAN(STATS_ADD(null, 1, 4)))", "2.0");
  add_getter(registry, "STATS_QUADRATIC_MEAN", "The root of the mean square.", get<&Statistics::quadratic_mean>,
             "STATS_QUADRATIC_MEAN(STATS_ADD(null, 3, 3))", "3.0");
  add_getter(registry, "STATS_VARIANCE", "The sample variance.", get<&Statistics::variance>,
             "STATS_VARIANCE(STATS_ADD(null, 1, 3))", "2.0");
  add_getter(registry, "STATS_POPULATION_VARIANCE", "The variance of the population.",
             get<&Statistics::population_variance>, "STATS_POPULATION_VARIANCE(STATS_ADD(null, 1, 3))", "1.0");
  add_getter(registry, "STATS_SD", "The sample's standard deviation.", get<&Statistics::deviation>,
             "STATS_SD(STATS_ADD(null, 2, 4, 4, 4, 6))", "1.4142135623730951");
  add_getter(registry, "STATS_SKEWNESS", "The unbiased skewness; NaN below three values.", get<&Statistics::skewness>,
             "STATS_SKEWNESS(STATS_ADD(null, 1, 2, 3))", "0.0");
  add_getter(registry, "STATS_KURTOSIS", "The unbiased kurtosis; NaN below four values.", get<&Statistics::kurtosis>,
             "IS_NAN(STATS_KURTOSIS(STATS_ADD(null, 1, 2, 3)))", "true");
  registry.add({.name = "STATS_PERCENTILE",
                .category = "statistics",
                .description = "A percentile: by t-digest, or exact in a window.",
                .parameters = {{"stats", "stats", "null gives NaN"}, {"p", "number", "0 to 100"}},
                .returns = "double",
                .examples = {{"STATS_PERCENTILE(STATS_ADD(null, [1, 2, 3, 4, 5]), 50)", "3.0"},
                             {"STATS_PERCENTILE(STATS_ADD(null, 1), 101)", "error"}},
                .run = stats_percentile});
  registry.add(
      {.name = "STATS_BIN",
       .category = "statistics",
       .description = "The bin of a value among percentiles.",
       .parameters = {{"stats", "stats", "null gives -1"},
                      {"value", "number", "null gives -1"},
                      {"bounds", "list<number>", "percentiles, or QUARTILE (default), QUINTILE, DECILE", true}},
       .returns = "int",
       .examples = {{"STATS_BIN(STATS_ADD(null, [1, 2, 3, 4, 5]), 3)", "1"}},
       .run = stats_bin});
  registry.add({.name = "BIN",
                .category = "statistics",
                .description = "The index of the first bound that is not below a value; their number where all are.",
                .parameters = {{"value", "number", "null gives -1"},
                               {"bounds", "list<number>", "not decreasing; null and an empty list give -1"}},
                .returns = "int",
                .examples = {{"BIN(5, [1, 5, 9])", "1"}, {"BIN(10, [1, 5, 9])", "3"}},
                .run = bin,
                .reads_only = true});
  registry.add({.name = "IT_ENTROPY",
                .category = "statistics",
                .description = "Base-2 entropy of a multiset's counts.",
                .parameters = {{"multiset", "multiset", "a map of counts"}},
                .returns = "double",
                .examples = {{"IT_ENTROPY(MULTISET_INIT(['a', 'b', 'c', 'd']))", "2.0"}},
                .run = it_entropy});
  registry.add({.name = "MIN",
                .category = "core",
                .description = "The smallest item, nulls left out; each is compared in the kind of the next.",
                .parameters = {{"list", "list", "a list, a set or statistics"}},
                .returns = "any",
                .examples = {{"MIN([3, 1, null])", "1"}, {"MIN(['a', 1])", "error"}},
                .run = min});
  registry.add({.name = "MAX",
                .category = "core",
                .description = "The largest item, nulls left out; each is compared in the kind of the next.",
                .parameters = {{"list", "list", "a list, a set or statistics"}},
                .returns = "any",
                .examples = {{"MAX([2, 1.5])", "2"}, {"MAX(['10', 2, '9'])", "\"9\""}},
                .run = max});
}

}  // namespace modelyard::stellar
