// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "configuration/types.h"
#include "pipeline/expression.h"
#include "pipeline/task.h"

namespace modelyard::pipeline {

// Which messages of a parser go on (4.4). Immutable, shared by threads.
class Filter {
 public:
  virtual ~Filter() = default;
  // kDone with `keep` set, or kPending, or kFailed.
  virtual Progress run(Task& task, bool& keep) const = 0;

  // filterClassName STELLAR (parserConfig filter.query), BRO (bro.filter.source.key and
  // bro.filter.source.known.protocols), or none, DEFAULT. Null: every message is kept, or what is asked for was
  // refused.
  static std::unique_ptr<Filter> compile(const configuration::ParserConfig& config, ExpressionCompiler& expressions);
};

}  // namespace modelyard::pipeline
