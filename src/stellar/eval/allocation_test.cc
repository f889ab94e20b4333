// SPDX-License-Identifier: Apache-2.0
// A warm frame allocates nothing for rules without string results. Sanitizers bring their own allocator, so this is not
// for them.
#ifndef MODELYARD_SANITIZED
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "stellar/eval/frame.h"
#include "stellar/functions/registry.h"
#include "stellar/json_value.h"

namespace {
std::atomic<size_t> g_allocations{0};
void* counted(size_t size) {
  ++g_allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(size_t size) { return counted(size); }
void* operator new[](size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace modelyard::stellar {
namespace {

class SteadyState : public ::testing::TestWithParam<const char*> {};

TEST_P(SteadyState, AllocatesNothing) {
  Arena arena;
  const auto given = value_from_json(
      arena, R"({"is_malicious":"legit","url":"http://www.example.co.uk:8080/a?b","host":"www.example.co.uk",
      "ip":"10.1.2.3","score":57,"values":[4,67,0,33,36,84,76,9,20,79],"a":273,"b":610,"c":243,"threshold":900.5})");
  ASSERT_TRUE(given);
  const auto program = compile(GetParam(), FunctionRegistry::standard());
  ASSERT_TRUE(program);
  std::vector<Value> values;
  for (const Variable& variable : (*program)->variables()) values.push_back(get(given->map(), variable.name));
  SlotVariables variables(values);
  Capabilities capabilities;
  Frame frame;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(frame.start(**program, variables, capabilities).done());
  const size_t before = g_allocations;
  for (int i = 0; i < 1000; ++i) frame.start(**program, variables, capabilities);
  EXPECT_EQ(g_allocations - before, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, SteadyState,
    ::testing::Values(
        "is_malicious == 'malicious'", "URL_TO_HOST(url)", "DOMAIN_REMOVE_SUBDOMAINS(host)",
        "match{ score >= 90 => 'critical', score >= 50 and not(IS_EMPTY(host)) => 'high', default => 'normal' }",
        "REDUCE(FILTER(MAP(values, x -> x * 2), y -> y > 50), (s, z) -> s + z, 0)", "IN_SUBNET(ip, '10.0.0.0/8')",
        "(a + b * 2 - c / 3.0) >= threshold", "REGEXP_MATCH(host, '.*example.*')",
        "score in [1, 2, 57] and STARTS_WITH(url, 'http')"));

}  // namespace
}  // namespace modelyard::stellar
#endif
