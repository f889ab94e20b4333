// bench: DEPS stellar
// SPDX-License-Identifier: Apache-2.0
// Evaluations a second of the expressions of src/stellar/testdata/workload.jsonl, one thread, a warm frame; and how
// long it takes to compile a rule of 200 characters. Variables come by slot, as a stream worker passes them.
#include <benchmark/benchmark.h>

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "stellar/eval/frame.h"
#include "stellar/functions/registry.h"
#include "stellar/json_value.h"

namespace {

using namespace modelyard::stellar;

struct Workload {
  std::string name;
  std::shared_ptr<const Program> program;
  std::vector<std::vector<Value>> rows;  // by slot
};

std::vector<Workload>& workloads() {
  static std::vector<Workload> made;
  return made;
}

void evaluate(benchmark::State& state, const Workload& work) {
  Capabilities capabilities;
  Frame frame;
  size_t row = 0;
  for (auto _ : state) {
    SlotVariables variables(work.rows[row]);
    Outcome outcome = frame.start(*work.program, variables, capabilities);
    benchmark::DoNotOptimize(outcome);
    if (++row == work.rows.size()) row = 0;
  }
  state.SetItemsProcessed(state.iterations());
}

void compile_rule(benchmark::State& state) {
  const std::string rule =
      "if is_malicious == 'malicious' and (score > 50 or source in ['squid', 'bro', 'yaf']) and "
      "not(IN_SUBNET(ip_src_addr, "
      "'10.0.0.0/8')) then TO_UPPER(DOMAIN_TO_TLD(host)) else JOIN([host, 'unknown'], '-')";
  for (auto _ : state) {
    auto program = compile(rule, FunctionRegistry::standard());
    benchmark::DoNotOptimize(program);
  }
  state.SetLabel(std::to_string(rule.size()) + " characters");
}

// The variables' JSON lives as long as the process.
void load(const char* path, Arena& arena) {
  std::ifstream file(path);
  if (!file)
    std::cerr << "stellar_bench: cannot read " << path << ": give the path of workload.jsonl in MODELYARD_WORKLOAD\n";
  for (std::string line; std::getline(file, line);) {
    const auto entry = value_from_json(arena, line);
    if (!entry) continue;
    Workload work;
    work.name = get(entry->map(), "name").text();
    auto program = compile(get(entry->map(), "expr").text(), FunctionRegistry::standard());
    if (!program) continue;
    work.program = *program;
    for (const Value vars : get(entry->map(), "vars").list()) {
      std::vector<Value>& row = work.rows.emplace_back();
      for (const Variable& variable : work.program->variables()) row.push_back(get(vars.map(), variable.name));
    }
    workloads().push_back(std::move(work));
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const char* path = std::getenv("MODELYARD_WORKLOAD");
  static Arena arena;
  load(path != nullptr ? path : "src/stellar/testdata/workload.jsonl", arena);
  for (const Workload& work : workloads()) {
    benchmark::RegisterBenchmark(("stellar/" + work.name).c_str(),
                                 [&work](benchmark::State& state) { evaluate(state, work); });
  }
  benchmark::RegisterBenchmark("stellar/compile", compile_rule);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
