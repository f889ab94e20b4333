// SPDX-License-Identifier: Apache-2.0
// The batch form alone, for comparing the engine with recorded answers:
//   testdata/compare.py testdata/cases-sample.jsonl build/bin/stellar_batch
#include <iostream>

#include "stellar/batch.h"

int main() {
  std::ios::sync_with_stdio(false);
  modelyard::stellar::Capabilities capabilities;
  run_batch(std::cin, std::cout, modelyard::stellar::FunctionRegistry::standard(), capabilities);
  return 0;
}
