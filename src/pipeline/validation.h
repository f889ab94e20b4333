// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "configuration/types.h"
#include "pipeline/expression.h"
#include "pipeline/task.h"

namespace modelyard::pipeline {

// One of the field validations of global.json, which every sensor's messages have to pass (4.7). Immutable, shared by
// threads.
//
//   NOT_EMPTY                      no input is null or blank
//   REGEX_MATCH (config.pattern)   every input matches whole, null passes
//   STELLAR (config.condition)     the expression over the message, of `input` alone when given, is true
//   IP (config.type)               IPV4, IPV6 or a list of both (the default). DOMAIN EMAIL URL INTEGER DATE
//   (config.format).
//                                  Every input is valid, null passes. (The reference passes IP as soon as one input is
//                                  valid.)
class Validation {
 public:
  virtual ~Validation() = default;
  // kDone with `valid` set, or kPending, or kFailed.
  virtual Progress run(Task& task, bool& valid) const = 0;
  const std::vector<std::string>& input() const { return input_; }
  const std::string& name() const { return name_; }

  static std::vector<std::unique_ptr<Validation>> compile(const configuration::GlobalConfig& global,
                                                          ExpressionCompiler& expressions);

 protected:
  Validation(std::string name, std::vector<std::string> input) : name_(std::move(name)), input_(std::move(input)) {}
  const std::string name_;
  const std::vector<std::string> input_;
};

}  // namespace modelyard::pipeline
