// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "configuration/types.h"
#include "pipeline/expression.h"
#include "pipeline/task.h"

namespace modelyard::pipeline {

// An error beside the message: it goes on, and an error document is written (4.5).
struct StageError {
  std::string text;
  std::string raw_message;  // JSON
};

// One section of enrichments/SENSOR.json, compiled: enrichment or threat intelligence (6.2, 6.3). Immutable, shared by
// threads.
//
// Groups do not see each other: every group works on the section's input message; results are joined when all are done,
// later groups win. Within a group later entries see earlier ones, a null takes a name out of sight for them, and a
// failing expression discards the whole group. When any group ran, fields that are null or empty text leave the
// message.
class EnrichmentStage {
 public:
  static EnrichmentStage compile(const configuration::EnrichmentSection& section,
                                 const stellar::MapObject* section_config, const stellar::MapObject* configuration,
                                 const configuration::Document& document, ExpressionCompiler& expressions);
  bool empty() const { return groups_.empty(); }
  Progress run(Task& task, std::vector<StageError>& errors) const;

 private:
  struct Entry {
    std::string field;
    std::string text;
    ProgramPtr program;
  };
  struct Group {
    std::string name;
    std::vector<Entry> entries;
  };
  Task::Evaluated run_group(Task& task, const Group& group) const;

  std::vector<Group> groups_;
  const stellar::MapObject* section_config_ = nullptr;
  const stellar::MapObject* configuration_ = nullptr;
};

}  // namespace modelyard::pipeline
