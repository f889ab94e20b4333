// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "controller/sim/world.h"

namespace {

constexpr const char* kUsage =
    "usage: controller_sim [--seeds N] [--first N] | --seed N [--trace]\n"
    "  Runs N histories (default 10000) of the controller's core with crashes, lost answers and delays.\n"
    "  A history that breaks a promise is printed with its number: --seed NUMBER --trace replays it.\n";

modelyard::controller::sim::Result run(int64_t seed, bool trace) {
  modelyard::controller::sim::Settings settings;
  if (trace) settings.trace = [](const std::string& line) { std::printf("%s\n", line.c_str()); };
  return modelyard::controller::sim::World(static_cast<uint64_t>(seed), settings).run();
}

}  // namespace

int main(int argc, char** argv) {
  int64_t seeds = 10'000;
  int64_t first = 1;
  bool trace = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = i + 1 < argc ? modelyard::parse_int(argv[i + 1]) : std::nullopt;
    if (argument == "--trace") {
      trace = true;
    } else if ((argument == "--seeds" || argument == "--first" || argument == "--seed") && value) {
      (argument == "--seeds" ? seeds : first) = *value;
      if (argument == "--seed") seeds = 1;
      ++i;
    } else {
      std::fputs(kUsage, argument == "--help" ? stdout : stderr);
      return argument == "--help" ? 0 : 2;
    }
  }
  int64_t failed = 0, events = 0, crashes = 0, launches = 0, placements = 0, depositions = 0;
  for (int64_t seed = first; seed < first + seeds; ++seed) {
    const auto result = run(seed, trace);
    events += result.events;
    crashes += result.crashes;
    launches += result.launches;
    placements += result.placements;
    depositions += result.depositions;
    if (result.violation.empty()) continue;
    if (++failed <= 20)
      fmt::print("seed {}: {} (replay: controller_sim --seed {} --trace)\n", seed, result.violation, seed);
  }
  fmt::print("{} events, {} crashes of the controller, {} changes of the leader, {} launches, {} placements\n", events,
             crashes, depositions, launches, placements);
  fmt::print("{} passed, {} failed\n", seeds - failed, failed);
  return failed == 0 ? 0 : 1;
}
