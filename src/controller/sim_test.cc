// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/sim/world.h"

namespace modelyard::controller::sim {
namespace {

// The long run is controller_sim; this many are part of every test run.
TEST(Simulation, TwoHundredHistoriesKeepEveryPromise) {
  int64_t crashes = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Result result = World(seed, {}).run();
    EXPECT_EQ(result.violation, "") << "replay: controller_sim --seed " << seed << " --trace";
    crashes += result.crashes;
  }
  EXPECT_GT(crashes, 200) << "the controller dies often enough to mean something";
}

TEST(Simulation, TheSameSeedIsTheSameHistory) {
  const auto lines_of = [](uint64_t seed) {
    std::vector<std::string> lines;
    Settings settings;
    settings.trace = [&](const std::string& line) { lines.push_back(line); };
    World(seed, settings).run();
    return lines;
  };
  const auto first = lines_of(7);
  EXPECT_GT(first.size(), 20u);
  EXPECT_EQ(first, lines_of(7));
  EXPECT_NE(first, lines_of(8));
}

}  // namespace
}  // namespace modelyard::controller::sim
