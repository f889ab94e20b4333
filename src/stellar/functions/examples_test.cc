// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "stellar/testing/fixture.h"

namespace modelyard::stellar {
namespace {

class Examples : public ::testing::TestWithParam<const Function*> {};

TEST_P(Examples, AreWhatTheFunctionGives) {
  const Function& function = *GetParam();
  EXPECT_FALSE(function.description.empty());
  EXPECT_FALSE(function.category.empty());
  EXPECT_TRUE(function.run != nullptr || function.intrinsic != Intrinsic::kNone);
  for (const Example& example : function.examples) {
    const std::string got = testing::run(example.expression, example.variables.empty() ? "{}" : example.variables);
    if (example.result.starts_with("error")) {
      EXPECT_TRUE(got.starts_with("error")) << example.expression << " gives " << got;
    } else {
      EXPECT_EQ(got, example.result) << example.expression;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Functions, Examples, ::testing::ValuesIn(FunctionRegistry::standard().all()),
                         [](const auto& row) { return std::string(row.param->name); });

TEST(Reference, HoldsEveryFunction) {
  const std::string reference = render_reference(FunctionRegistry::standard());
  for (const Function* function : FunctionRegistry::standard().all()) {
    EXPECT_NE(reference.find("### " + std::string(function->name) + "\n"), std::string::npos) << function->name;
    EXPECT_TRUE(render_help(*function).starts_with(function->name));
  }
}

}  // namespace
}  // namespace modelyard::stellar
