// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "stellar/functions/digests.h"
#include "stellar/functions/helpers.h"
#include "stellar/functions/sketches/hyperloglog.h"
#include "stellar/json_value.h"

namespace modelyard::stellar {
namespace {

template <typename T>
T* object_of(Value value) {
  return value.kind() == Kind::kOpaque ? dynamic_cast<T*>(&value.opaque()) : nullptr;
}

template <typename T, typename... Args>
T* make_object(Call& call, Args... args) {
  T* made = call.arena.make<T>(args...);
  made->arena = &call.arena;
  return made;
}

// --- HyperLogLog++

constexpr uint64_t kSeed = 0xe17a1465;

Value hllp_init(Call& call) {
  const std::optional<int32_t> p = call.at(0).is_null() ? 14 : to_integer(call[0]);
  const std::optional<int32_t> sp = call.at(1).is_null() ? 25 : to_integer(call[1]);
  if (!p || !sp || *p < 4 || *p > *sp || *sp > 32) return call.fail("takes precisions with 4 <= p <= sp <= 32");
  if (*p > 24) return call.fail("limit reached: precision (24)");
  call.arena.charge(size_t{16} << *p);
  return Value::opaque(make_object<HyperLogLog>(call, *p, *sp));
}

Value hllp_add(Call& call) {
  if (!has_arguments(call, 2)) return {};
  HyperLogLog* sketch = object_of<HyperLogLog>(call[0]);
  if (sketch == nullptr && !call[0].is_null()) return call.wrong_kind(0, "HLLP of HLLP_INIT");
  if (sketch == nullptr) {
    call.arena.charge(size_t{16} << 14);
    sketch = make_object<HyperLogLog>(call, 14, 25);
  }
  const auto add = [&](Value value) {
    std::string text;
    append_text(text, value);
    sketch->add(value.is_null() ? 0 : murmur64(text, kSeed));
  };
  for (size_t i = 1; i < call.size(); ++i) {
    if (!for_each_item(call[i], add)) add(call[i]);
  }
  return Value::opaque(sketch);
}

Value hllp_cardinality(Call& call) {
  const HyperLogLog* sketch = object_of<HyperLogLog>(call.at(0));
  return Value::long_integer(sketch == nullptr ? 0 : static_cast<int64_t>(sketch->cardinality()));
}

Value hllp_merge(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (call[0].is_null()) return {};
  if (!call[0].is_collection()) return call.wrong_kind(0, "list of HLLPs");
  HyperLogLog* merged = nullptr;
  for_each_item(call[0], [&](Value member) {
    const HyperLogLog* sketch = object_of<HyperLogLog>(member);
    if (sketch == nullptr || call.failed) {
      if (!member.is_null() && !call.failed) call.fail("a member is no HLLP");
    } else if (merged == nullptr) {
      merged = static_cast<HyperLogLog*>(sketch->copy_into(call.arena));
    } else if (merged->p() != sketch->p() || merged->sp() != sketch->sp()) {
      call.fail("the members' precisions differ");
    } else {
      merged->merge(*sketch);
    }
  });
  return merged == nullptr || call.failed ? Value::null() : Value::opaque(merged);
}

// --- Bloom filters

class Bloom final : public OpaqueObject {
 public:
  Bloom(uint64_t bits, int hashes) : bits_(bits), hashes_(hashes), words_((bits + 63) / 64) {}
  std::string_view kind() const override { return "bloom"; }
  OpaqueObject* copy_into(Arena& to) const override {
    auto* copy = to.make<Bloom>(*this);
    copy->arena = &to;
    return copy;
  }
  void add(Value value) {
    each_bit(value, [this](uint64_t bit) { words_[bit / 64] |= uint64_t{1} << bit % 64; });
  }
  bool may_hold(Value value) const {
    bool all = true;
    each_bit(value, [&](uint64_t bit) { all = all && (words_[bit / 64] >> bit % 64 & 1) != 0; });
    return all;
  }
  bool merge(const Bloom& other) {
    if (other.bits_ != bits_ || other.hashes_ != hashes_) return false;
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return true;
  }

 private:
  // The kind counts: 1 and '1' are two values.
  template <typename Visit>
  void each_bit(Value value, Visit visit) const {
    std::string text(to_string(value.kind()));
    append_text(text, value);
    const uint64_t first = murmur64(text, 1);
    const uint64_t second = murmur64(text, 2) | 1;
    for (int i = 0; i < hashes_; ++i) visit((first + static_cast<uint64_t>(i) * second) % bits_);
  }
  uint64_t bits_;
  int hashes_;
  std::vector<uint64_t> words_;
};

// As the reference does, the first option counts only beside a second one, and the second only beside a third.
Bloom* new_bloom(Call& call, bool with_options) {
  double expected = 100000;
  double chance = 0.01;
  if (with_options && call.size() > 1) expected = to_double(call[0]).value_or(expected);
  if (with_options && call.size() > 2) chance = to_double(call[1]).value_or(chance);
  if (!(expected > 0) || !(chance > 0) || !(chance < 1))
    return call.fail("takes a positive number of elements and a chance between 0 and 1"), nullptr;
  const double bits = std::max(64.0, -expected * std::log(chance) / (std::log(2.0) * std::log(2.0)));
  if (bits / 8 > static_cast<double>(call.arena.limit())) throw BoundReached{"memory"};
  call.arena.charge(static_cast<size_t>(bits / 8));
  const int hashes = std::max(1, static_cast<int>(std::lround(bits / expected * std::log(2.0))));
  return make_object<Bloom>(call, static_cast<uint64_t>(bits), std::min(hashes, 64));
}

Value bloom_init(Call& call) {
  Bloom* made = new_bloom(call, true);
  return made == nullptr ? Value::null() : Value::opaque(made);
}

Value bloom_add(Call& call) {
  if (!has_arguments(call, 1)) return {};
  Bloom* filter = object_of<Bloom>(call[0]);
  if (filter == nullptr && !call[0].is_null()) return call.wrong_kind(0, "bloom filter");
  if (filter == nullptr) filter = new_bloom(call, false);
  for (size_t i = 1; i < call.size(); ++i) {
    if (!call[i].is_null()) filter->add(call[i]);
  }
  return Value::opaque(filter);
}

Value bloom_exists(Call& call) {
  if (call.size() == 0 || call[0].is_null()) return Value::boolean(false);
  const Bloom* filter = object_of<Bloom>(call[0]);
  if (filter == nullptr) return call.wrong_kind(0, "bloom filter");
  if (call.at(1).is_null()) return Value::boolean(false);
  return Value::boolean(filter->may_hold(call[1]));
}

Value bloom_merge(Call& call) {
  if (call.size() == 0 || !call[0].is_list()) return {};
  Bloom* merged = nullptr;
  for (const Value member : call[0].list()) {
    Bloom* filter = object_of<Bloom>(member);
    if (member.is_null()) continue;
    if (filter == nullptr) return call.fail("a member is no bloom filter");
    if (merged == nullptr) {
      merged = filter;
    } else if (!merged->merge(*filter)) {
      return call.fail("the members' sizes differ");
    }
  }
  return merged == nullptr ? Value::null() : Value::opaque(merged);
}

}  // namespace

void register_sketch_functions(FunctionRegistry& registry) {
  registry.add({.name = "HLLP_INIT",
                .category = "statistics",
                .description = "A new HyperLogLog++ estimator of how many different values were added.",
                .parameters = {{"p", "int", "precision; default 14", true},
                               {"sp", "int", "precision while few values are known; default 25", true}},
                .returns = "hllp",
                .examples = {{"HLLP_CARDINALITY(HLLP_INIT())", "0"}},
                .run = hllp_init});
  registry.add({.name = "HLLP_ADD",
                .category = "statistics",
                .description = "Adds values to an estimator, which is changed and returned.",
                .parameters = {{"hllp", "hllp", "null makes a new one"},
                               {"values", "any", "values, or lists of them", false, true}},
                .returns = "hllp",
                .examples = {{"HLLP_CARDINALITY(HLLP_ADD(HLLP_INIT(), ['a', 'b', 'a']))", "2"}},
                .run = hllp_add});
  registry.add({.name = "HLLP_CARDINALITY",
                .category = "statistics",
                .description = "The estimate; 0 for anything that is no estimator.",
                .parameters = {{"hllp", "hllp", "the estimator", true}},
                .returns = "long",
                .examples = {{"HLLP_CARDINALITY(null)", "0"}},
                .run = hllp_cardinality});
  registry.add({.name = "HLLP_MERGE",
                .category = "statistics",
                .description = "One estimator of all the members' values; null for an empty list.",
                .parameters = {{"hllps", "list<hllp>", "estimators of one precision"}},
                .returns = "hllp",
                .examples = {{"HLLP_CARDINALITY(HLLP_MERGE([HLLP_ADD(null, 1), HLLP_ADD(null, 1, 2)]))", "2"}},
                .run = hllp_merge});
  registry.add(
      {.name = "BLOOM_INIT",
       .category = "core",
       .description = "A new Bloom filter.",
       .parameters = {{"expected", "int", "elements, 100000; counts only beside another argument", true},
                      {"fpp", "float", "chance of a false positive, 0.01; counts only beside a third argument", true}},
       .returns = "bloom",
       .examples = {{"BLOOM_EXISTS(BLOOM_INIT(), 'a')", "false"}},
       .run = bloom_init});
  registry.add({.name = "BLOOM_ADD",
                .category = "core",
                .description = "Adds values to a filter, which is changed and returned; nulls are left out.",
                .parameters = {{"bloom", "bloom", "null makes a new one"}, {"values", "any", "the values", true, true}},
                .returns = "bloom",
                .examples = {{"BLOOM_EXISTS(BLOOM_ADD(BLOOM_INIT(), 'a', 'b'), 'b')", "true"}},
                .run = bloom_add});
  registry.add({.name = "BLOOM_EXISTS",
                .category = "core",
                .description = "Whether a value was probably added; false for sure when it was not.",
                .parameters = {{"bloom", "bloom", "null gives false"}, {"value", "any", "null gives false", true}},
                .returns = "bool",
                .examples = {{"BLOOM_EXISTS(BLOOM_ADD(null, 1), 2)", "false"}},
                .run = bloom_exists});
  registry.add({.name = "BLOOM_MERGE",
                .category = "core",
                .description = "Merges filters of one size into the first.",
                .parameters = {{"blooms", "list<bloom>", "an empty list gives null"}},
                .returns = "bloom",
                .examples = {{"BLOOM_EXISTS(BLOOM_MERGE([BLOOM_ADD(null, 1), BLOOM_ADD(null, 2)]), 2)", "true"}},
                .run = bloom_merge});
}

}  // namespace modelyard::stellar
