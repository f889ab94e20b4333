// SPDX-License-Identifier: Apache-2.0
// The guide's examples run; the reference of functions in docs/ is the generated one (MODELYARD_REWRITE=1 writes it).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "stellar/testing/fixture.h"

namespace modelyard::stellar {
namespace {

const std::string kDocs = MODELYARD_SOURCE_DIR "/docs/stellar/";

TEST(Guide, ItsExamplesGiveWhatItSays) {
  std::ifstream file(kDocs + "guide.md");
  ASSERT_TRUE(file.is_open());
  bool inside = false;
  int run = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("```")) {
      inside = line == "```stellar";
      continue;
    }
    const size_t arrow = line.rfind(" => ");
    if (!inside || arrow == std::string::npos) continue;
    ++run;
    EXPECT_EQ(testing::run(trim_ascii(std::string_view(line).substr(0, arrow))), line.substr(arrow + 4)) << line;
  }
  EXPECT_GT(run, 20);
}

TEST(Reference, InTheDocumentationIsTheGeneratedOne) {
  const std::string path = kDocs + "functions.md";
  const std::string generated = render_reference(FunctionRegistry::standard());
  if (std::getenv("MODELYARD_REWRITE") != nullptr) std::ofstream(path) << generated;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == generated)
      << "a function changed: run stellar_test with MODELYARD_REWRITE=1 and look at the difference in " << path;
}

}  // namespace
}  // namespace modelyard::stellar
