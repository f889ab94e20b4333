// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "configuration/types.h"
#include "pipeline/expression.h"
#include "pipeline/task.h"

namespace modelyard::pipeline {

// Changes the fields of a message (pipeline 4.3). Immutable, shared by threads; run again when an expression had to
// wait (Task).
class Transformation {
 public:
  virtual ~Transformation() = default;
  virtual Progress run(Task& task) const = 0;
};

// What one is made from: an element of fieldTransformations.
struct TransformationSpec {
  const configuration::FieldTransformation& config;
  const configuration::Document& document;
  const stellar::MapObject* parser_config;  // parserConfig as Stellar sees it; lives as long as the pipeline
  ExpressionCompiler& expressions;

  // Text of a member of `config`: a string, or any other JSON as its text; "" when absent.
  std::string text(std::string_view key) const;
  configuration::Path path_of(std::string_view key) const;  // of config.KEY
  void refuse(std::string_view why) const;                  // under the element
};

// Null when it was refused: the spec's compiler has the reason.
using TransformationFactory = std::unique_ptr<Transformation> (*)(const TransformationSpec&);

// By the names of configuration documents. One file in transformations/ = one transformation.
class TransformationRegistry {
 public:
  static const TransformationRegistry& standard();
  void add(std::string_view name, TransformationFactory factory) { factories_.emplace(name, factory); }
  const TransformationFactory* find(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, TransformationFactory, std::less<>> factories_;
};

// Generated: calls register_<stem>() of each file in transformations/.
void register_all_transformations(TransformationRegistry& registry);

// As the runner applies what a transformation worked out: a null removes the field, anything else is put.
void apply_results(Message& message, const Results& results);

}  // namespace modelyard::pipeline
