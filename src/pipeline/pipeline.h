// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "configuration/folder.h"

namespace modelyard::stellar {
class FunctionRegistry;
}

namespace modelyard::pipeline {

struct Plan;

// The configuration of one sensor, compiled: parser, transformations, filter, validations, enrichment and triage, every
// expression and pattern of them. Immutable, shared by threads; workers keep it alive.
class Pipeline {
 public:
  // Refuses what cannot work before anything starts. kInvalidArgument: every problem with file:line:column, the line
  // and a caret, one below the other. kUnsupported: the configuration asks for something that this version does not
  // have. The registry must outlive the pipeline: pass stellar::FunctionRegistry::standard().
  static Result<std::shared_ptr<const Pipeline>> compile(const configuration::SensorConfig& config,
                                                         const stellar::FunctionRegistry& functions);
  explicit Pipeline(std::unique_ptr<const Plan> plan);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  const std::string& sensor() const;
  const Plan& plan() const { return *plan_; }  // for workers

 private:
  std::unique_ptr<const Plan> plan_;
};

}  // namespace modelyard::pipeline
