// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

// Always a Double; no argument and null are NaN.
template <double (*Function)(double)>
Value apply(Call& call) {
  if (call.at(0).is_null()) return Value::double_number(__builtin_nan(""));
  if (!is_number_or_null(call, 0)) return {};
  return Value::double_number(Function(number_of(call[0])));
}

// Java's Math.round: floor(x + 1/2) computed exactly, saturating at 64 bits, back as a Double. NaN stays.
double round_half_up(double x) {
  if (std::isnan(x)) return x;
  const double floor = std::floor(x);
  return static_cast<double>(to_int64_saturating(x - floor >= 0.5 ? floor + 1 : floor));
}
double absolute(double x) { return std::fabs(x); }
double ceiling(double x) { return std::ceil(x); }
double floor_of(double x) { return std::floor(x); }
double cosine(double x) { return std::cos(x); }
double sine(double x) { return std::sin(x); }
double tangent(double x) { return std::tan(x); }
double exponential(double x) { return std::exp(x); }
double natural_log(double x) { return std::log(x); }
double decimal_log(double x) { return std::log10(x); }
double binary_log(double x) { return std::log(x) / std::log(2.0); }
double square_root(double x) { return std::sqrt(x); }

Value is_nan(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return Value::boolean(false);
  if (!is_number_or_null(call, 0)) return {};
  return Value::boolean(call[0].is_floating() && std::isnan(call[0].as_double()));
}

void add(FunctionRegistry& registry, std::string_view name, std::string_view description, Value (*run)(Call&),
         std::vector<Example> examples) {
  registry.add({.name = name,
                .category = "math",
                .description = description,
                .parameters = {{"number", "number", "null gives NaN"}},
                .returns = "double",
                .examples = std::move(examples),
                .run = run});
}

}  // namespace

void register_math_functions(FunctionRegistry& registry) {
  add(registry, "ABS", "The absolute value.", apply<absolute>, {{"ABS(-1)", "1.0"}});
  add(registry, "CEILING", "The least whole number not below.", apply<ceiling>, {{"CEILING(1.2)", "2.0"}});
  add(registry, "FLOOR", "The greatest whole number not above.", apply<floor_of>, {{"FLOOR(1.8)", "1.0"}});
  add(registry, "ROUND", "The nearest whole number, halves up, within 64 bits.", apply<round_half_up>,
      {{"ROUND(2.5)", "3.0"}, {"ROUND(-2.5)", "-2.0"}});
  add(registry, "COS", "The cosine of radians.", apply<cosine>, {{"COS(0)", "1.0"}});
  add(registry, "SIN", "The sine of radians.", apply<sine>, {{"SIN(0)", "0.0"}});
  add(registry, "TAN", "The tangent of radians.", apply<tangent>, {{"TAN(0)", "0.0"}});
  add(registry, "EXP", "e to the power.", apply<exponential>, {{"EXP(0)", "1.0"}});
  add(registry, "LN", "The natural logarithm.", apply<natural_log>, {{"LN(1)", "0.0"}});
  add(registry, "LOG10", "The logarithm to base 10.", apply<decimal_log>, {{"LOG10(100)", "2.0"}});
  add(registry, "LOG2", "The logarithm to base 2, as ln(x) / ln(2).", apply<binary_log>, {{"LOG2(1)", "0.0"}});
  add(registry, "SQRT", "The square root.", apply<square_root>, {{"SQRT(4)", "2.0"}});
  registry.add({.name = "IS_NAN",
                .category = "math",
                .description = "Whether a number is NaN.",
                .parameters = {{"number", "number", "the number"}},
                .returns = "bool",
                .examples = {{"IS_NAN(NaN)", "true"}, {"IS_NAN(1)", "false"}},
                .run = is_nan});
}

}  // namespace modelyard::stellar
