// SPDX-License-Identifier: Apache-2.0
#include "stellar/eval/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <thread>

#include "stellar/functions/registry.h"
#include "stellar/json_value.h"
#include "stellar/testing/fixture.h"

namespace modelyard::stellar {
namespace {

// Knows one model, "dga", and lets its calls be carried out.
class FakeWorld final : public Capabilities {
 public:
  const Clock& clock() const override { return time; }
  bool has_models() const override { return true; }
  std::optional<ModelEndpoint> find_endpoint(std::string_view name, std::optional<std::string_view> version) override {
    if (name != "dga" || (version && *version != "1.0")) return std::nullopt;
    return ModelEndpoint{"dga", "1.0", "http://node1:36161", {{"apply", "classify"}}};
  }
  FakeClock time;
};

class NoVariables final : public VariableSource {
 public:
  Value get(const Variable&) override { return {}; }
};

std::shared_ptr<const Program> must_compile(std::string_view text) {
  const auto program = compile(text, FunctionRegistry::standard());
  EXPECT_TRUE(program) << render(program.error(), text);
  return program ? *program : nullptr;
}

Value answer_of(Arena& arena, std::string_view word) {
  MapObject* map = make_map(arena, MapObject::Order::kInserted);
  put(*map, "is_malicious", make_string(arena, word));
  return Value::map(map);
}

constexpr std::string_view kCall =
    "MAP_GET('is_malicious', MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('dga'), {'host' : host, 'none' : null, 'n' : 1.5}))";

TEST(Suspension, HandsOutTheCallAndGoesOnWithItsAnswer) {
  FakeWorld world;
  const auto program = must_compile(kCall);
  const Value host = Value::string("yahoo.com");
  SlotVariables variables({&host, 1});
  Frame frame;
  Outcome outcome = frame.start(*program, variables, world);
  ASSERT_TRUE(outcome.pending());
  const CallRequest& call = frame.call();
  EXPECT_EQ(call.kind, CallRequest::Kind::kModel);
  EXPECT_EQ(call.model, "dga");
  EXPECT_EQ(call.version, "1.0");
  EXPECT_EQ(call.url, "http://node1:36161");
  EXPECT_EQ(call.function, "apply");
  EXPECT_EQ(call.path, "classify");
  auto query = call.query;
  std::sort(query.begin(), query.end());
  ASSERT_EQ(query.size(), 2u) << "a null argument is left out";
  EXPECT_EQ(query[0], (std::pair<std::string_view, std::string_view>("host", "yahoo.com")));
  EXPECT_EQ(query[1], (std::pair<std::string_view, std::string_view>("n", "1.5")));
  outcome = frame.resume(answer_of(frame.arena(), "legit"));
  ASSERT_TRUE(outcome.done());
  EXPECT_EQ(outcome.value.text(), "legit");
}

TEST(Suspension, TwoHundredFramesWaitAtTheSameTimeAndKeepTheirOrder) {
  FakeWorld world;
  const auto program = must_compile(kCall);
  constexpr int kFrames = 200;
  std::deque<Frame> frames;
  std::vector<std::string> hosts;
  for (int i = 0; i < kFrames; ++i) hosts.push_back("host" + std::to_string(i));
  const SteadyTime began = world.time.now();
  for (int i = 0; i < kFrames; ++i) {
    const Value host = Value::string(hosts[static_cast<size_t>(i)]);
    SlotVariables variables({&host, 1});
    ASSERT_TRUE(frames.emplace_back().start(*program, variables, world).pending());
  }
  world.time.advance(milliseconds(100));  // the model's answers arrive, the last one first
  std::vector<std::string> results(kFrames);
  for (int i = kFrames; i-- > 0;) {
    Frame& frame = frames[static_cast<size_t>(i)];
    const std::string host(frame.call().query.front().second == "1.5" ? frame.call().query.back().second
                                                                      : frame.call().query.front().second);
    const Outcome outcome = frame.resume(answer_of(frame.arena(), "for " + host));
    ASSERT_TRUE(outcome.done());
    results[static_cast<size_t>(i)] = outcome.value.text();
  }
  EXPECT_LT(world.time.now() - began, milliseconds(1000));
  for (int i = 0; i < kFrames; ++i) EXPECT_EQ(results[static_cast<size_t>(i)], "for host" + std::to_string(i));
}

TEST(Suspension, WorksInsideLambdasOfLambdas) {
  FakeWorld world;
  const auto program = must_compile(
      "MAP([[1, 2], [3]], row -> REDUCE(FILTER(row, x -> MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('dga'), {'x' : x, 'n' : "
      "LENGTH(row)}) != null), (s, y) -> s + y, 0))");
  NoVariables none;
  Frame frame;
  int calls = 0;
  // The model fails for 2: a failed call is null.
  const Outcome outcome = evaluate_blocking(frame, *program, none, world, [&](const CallRequest& call, Arena& arena) {
    ++calls;
    const bool fails = std::any_of(call.query.begin(), call.query.end(),
                                   [](const auto& pair) { return pair.first == "x" && pair.second == "2"; });
    return fails ? Value::null() : answer_of(arena, "ok");
  });
  ASSERT_TRUE(outcome.done());
  std::string text;
  append_json(text, outcome.value);
  EXPECT_EQ(text, "[1,3]");
  EXPECT_EQ(calls, 3);
}

TEST(Suspension, WaitingCostsNothingOfTheTimeLimit) {
  FakeWorld world;
  const auto program =
      must_compile("REDUCE(MAP(list, x -> MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('dga'), {'x' : x})), (s, x) -> s + 1, 0)");
  Arena arena;
  ListObject* list = make_list(arena);
  for (int i = 0; i < 1000; ++i) append(*list, Value::integer(i));
  const Value value = Value::list(list);
  SlotVariables variables({&value, 1});
  Frame frame({.own_time = milliseconds(50)});
  const Outcome outcome = evaluate_blocking(frame, *program, variables, world, [&](const CallRequest&, Arena& to) {
    world.time.advance(milliseconds(100));
    return answer_of(to, "ok");
  });
  ASSERT_TRUE(outcome.done()) << frame.error().message;
  EXPECT_EQ(outcome.value.as_integral(), 1000);
}

TEST(Suspension, EndpointsAndModelsThatAreNotThere) {
  FakeWorld world;
  NoVariables none;
  Frame frame;
  const auto run = [&](std::string_view text) {
    const auto program = must_compile(text);
    const Outcome outcome = frame.start(*program, none, world);
    return outcome.failed()          ? frame.error().message
           : outcome.pending()       ? std::string("pending")
           : outcome.value.is_null() ? "null"
                                     : "value";
  };
  EXPECT_EQ(run("MAAS_GET_ENDPOINT('other')"), "null");
  EXPECT_EQ(run("MAAS_GET_ENDPOINT('dga', '2.0')"), "null");
  EXPECT_EQ(run("MAAS_GET_ENDPOINT('dga', '1.0')"), "value");
  EXPECT_EQ(run("MAAS_MODEL_APPLY(MAAS_GET_ENDPOINT('other'), {})"), "null");
  EXPECT_EQ(run("MAAS_MODEL_APPLY('text', {})"), "null");
  EXPECT_EQ(run("MAAS_MODEL_APPLY({'url' : 'x'})"), "MAAS_MODEL_APPLY: takes at least 2 arguments, not 1");
  EXPECT_EQ(run("MAAS_MODEL_APPLY({'url' : 'x'}, 'apply', {})"), "pending");
  Capabilities nothing;
  const auto program = must_compile("MAAS_GET_ENDPOINT('dga')");
  EXPECT_TRUE(frame.start(*program, none, nothing).failed());
  EXPECT_EQ(frame.error().message, "MAAS_GET_ENDPOINT: no model registry is connected here");
}

TEST(Suspension, AFrameCanBeGivenUpAndStartedAgain) {
  FakeWorld world;
  NoVariables none;
  Frame frame;
  const auto waiting = must_compile(kCall);
  const auto plain = must_compile("1 + 1");
  EXPECT_TRUE(frame.start(*waiting, none, world).pending());
  EXPECT_EQ(frame.start(*plain, none, world).value.as_integral(), 2);
  EXPECT_TRUE(frame.start(*waiting, none, world).pending());
  EXPECT_TRUE(frame.resume_with_error("the model is gone").failed());
  EXPECT_EQ(frame.error().message, "the model is gone");
}

TEST(Programs, AreSharedByThreads) {
  const auto program =
      must_compile("if a in ['x', 'y'] and REGEXP_MATCH(b, 'b+') then TO_UPPER(b) else JOIN([a, b], '-')");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Capabilities capabilities;
      Frame frame;
      const std::vector<Value> values = {Value::string(t % 2 == 0 ? "x" : "z"), Value::string("bbb")};
      SlotVariables variables(values);
      for (int i = 0; i < 2000; ++i) {
        const Outcome outcome = frame.start(*program, variables, capabilities);
        if (!outcome.done() || outcome.value.text() != (t % 2 == 0 ? "BBB" : "z-bbb")) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// --- texts and values that mean harm: each ends with a value or an error that names the bound

std::string repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

struct Hostile {
  const char* name;
  std::string expression;
  std::string result;
  std::string variables = "{}";
  Limits limits = {};
};
class HostileTexts : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileTexts, EndWithAValueOrANamedBound) {
  const Hostile& row = GetParam();
  EXPECT_EQ(testing::run(row.expression, row.variables, row.limits), row.result);
}

std::string numbers(int count) {
  std::string list = "{\"l\":[";
  for (int i = 0; i < count; ++i) list += (i > 0 ? "," : "") + std::to_string(i);
  return list + "]}";
}
const std::string kTooDeep = "error: limit reached: depth (nested deeper than 1000 levels)";
// A function of lambdas that grows what it is given, so that it never ends by itself.
const std::string kEndless = "REDUCE(l, (a, i) -> REDUCE(l, (b, j) -> REDUCE(l, (c, k) -> c + 1, b), a), 0)";

INSTANTIATE_TEST_SUITE_P(
    Rows, HostileTexts,
    ::testing::Values(
        Hostile{"parentheses_10000", repeat("(", 10000) + "1" + repeat(")", 10000), kTooDeep},
        Hostile{"lists_10000", repeat("[", 10000) + repeat("]", 10000), kTooDeep},
        Hostile{"lambdas_10000", repeat("x -> ", 10000) + "x", kTooDeep},
        Hostile{"nots_10000", repeat("not(", 10000) + "true" + repeat(")", 10000), kTooDeep},
        Hostile{"calls_10000", repeat("ABS(", 10000) + "1" + repeat(")", 10000), kTooDeep},
        Hostile{"in_10000", repeat("'a' in ", 10000) + "'a'", kTooDeep},
        Hostile{"open_10000", repeat("{'a' : [(", 10000), kTooDeep},
        Hostile{"parentheses_300", repeat("(", 300) + "1" + repeat(")", 300), "1"},
        Hostile{"long_and", "true" + repeat(" and true", 20000), "true"},
        Hostile{"long_sum", "1" + repeat(" + 1", 20000), "20001"},
        Hostile{"long_else_if", repeat("if false then 1 else ", 20000) + "2", "2"},
        Hostile{"long_ternary", repeat("false ? 1 : ", 20000) + "2", "2"},
        Hostile{"long_comparison", "1" + repeat(" == 1", 5000), "false"},
        Hostile{"text_too_long", std::string(2 << 20, ' ') + "1",
                "error: limit reached: text (longer than 1048576 bytes)"},
        Hostile{"backtracking", "REGEXP_MATCH('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '(a+)+$')",
                "error: limit reached: regex effort"},
        Hostile{"backtracking_replace", "REGEXP_REPLACE(s, '(x+x+)+[yz]', '-')", "error: limit reached: regex effort",
                "{\"s\":\"" + repeat("x", 60) + "\"}"},
        Hostile{"regex_nesting", "REGEXP_MATCH('a', p)",
                "error: REGEXP_MATCH: pattern '" + repeat("(", 300) + "': nested too deep",
                "{\"p\":\"" + repeat("(", 300) + "\"}"},
        Hostile{"list_100000", "REDUCE(MAP(l, x -> x * 2), (s, x) -> s + x, 0L)", "9999900000", numbers(100000)},
        Hostile{"list_in_itself", "TO_STRING(LIST_ADD(l, l))", "error: limit reached: depth", R"({"l":[]})"},
        Hostile{"list_equal_to_itself", "LIST_ADD(l, l) == LIST_ADD(l, [l])", "true", R"({"l":[]})"},
        Hostile{"list_changed_under_a_lambda", "MAP(l, x -> LIST_ADD(l, x))",
                "error: the list was changed while a lambda ran over it", R"({"l":[1]})"},
        Hostile{"nested_by_reduce", "TO_STRING(REDUCE(l, (s, x) -> [s], []))", "error: limit reached: depth",
                numbers(5000)},
        Hostile{"self_application", "REDUCE([x -> MAP([x], x)], (s, f) -> MAP([f], f), 1)",
                "error: limit reached: depth"},
        Hostile{"steps", kEndless, "error: limit reached: steps", numbers(500), {.steps = 100000}},
        Hostile{"time", kEndless, "error: limit reached: time", numbers(3000), {.own_time = milliseconds(20)}},
        Hostile{"memory",
                "REDUCE(l, (s, x) -> JOIN([s, s], ''), 'aaaaaaaa')",
                "error: limit reached: memory",
                numbers(60),
                {.memory_bytes = 1 << 20}},
        Hostile{"result", "FILL_LEFT('a', 'b', 2147483647)", "error: limit reached: result"},
        Hostile{"format_width", "FORMAT('%999999999d', 1)", "error: limit reached: result"},
        Hostile{"lowest_integer", "-2147483648 / -1", "-2147483648"},
        Hostile{"lowest_long", "-9223372036854775808L / -1", "-9223372036854775808"},
        Hostile{"long_overflow", "9223372036854775807L + 1", "-9223372036854775808"},
        Hostile{"integer_product", "2147483647 * 2147483647", "1"},
        Hostile{"long_product", "9223372036854775807L * 3", "9223372036854775805"},
        Hostile{"beyond_long", "9223372036854775808L", "error: this Long does not fit 64 bits"},
        Hostile{"round_infinity", "ROUND(1e400)", "9.223372036854776E18"},
        Hostile{"smallest_double", "4.9e-324 / 2", "0.0"}, Hostile{"index_at_the_edge", "GET([1], 2147483647)", "null"},
        Hostile{"substring_at_the_edge", "SUBSTRING('abc', -2147483648, 2147483647)",
                "error: SUBSTRING: from -2147483648 to 2147483647 is outside of a text of 3 characters"},
        Hostile{"odd_date", "TO_EPOCH_TIMESTAMP('99999999999999', 'yyyyyyyyyyyyyy')", "null"},
        Hostile{"odd_time", "DATE_FORMAT('yyyy', 9223372036854775807L, 'UTC')", "\"292278994\""}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace modelyard::stellar
