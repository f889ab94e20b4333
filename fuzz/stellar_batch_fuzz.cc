// fuzz: DEPS stellar
// SPDX-License-Identifier: Apache-2.0
// Any bytes as lines of the batch form: each is answered once.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "stellar/batch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace modelyard::stellar;
  static Capabilities capabilities;
  static Frame frame({.memory_bytes = 4 << 20,
                      .steps = 20'000,
                      .result_bytes = 1 << 20,
                      .regex_effort = 10'000,
                      .own_time = modelyard::milliseconds(500)});
  const std::string answer =
      answer_line({reinterpret_cast<const char*>(data), size}, frame, FunctionRegistry::standard(), capabilities);
  if (answer.empty() || answer.front() != '{' || answer.back() != '}' || answer.find('\n') != std::string::npos)
    std::abort();
  return 0;
}
