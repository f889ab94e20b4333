// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "configuration/folder.h"
#include "pipeline/message.h"

namespace modelyard::pipeline {

// What one thread's worker keeps for a parser between records: match data, buffers.
class ParserScratch {
 public:
  virtual ~ParserScratch() = default;
};

// Where a parser puts what it made of one record. Messages and errors keep their order.
class ParseOutput {
 public:
  virtual ~ParseOutput() = default;
  // An empty message to fill.
  virtual Message& add_message() = 0;
  // A part of the record could not be parsed: becomes one parser_error with `raw` as its message; other parts go on.
  virtual void add_error(std::string_view raw, std::string text) = 0;
};

struct ParseContext {
  ParserScratch* scratch;  // of make_scratch(); null if the parser has none
  const Clock& clock;
  ParseOutput& out;
};

// Turns the bytes of a record into messages. Immutable, shared by threads.
class Parser {
 public:
  virtual ~Parser() = default;
  virtual std::unique_ptr<ParserScratch> make_scratch() const { return nullptr; }
  // The error is the whole record's: one parser_error with the record as its message, whatever was added before.
  virtual Status parse(std::string_view bytes, ParseContext& context) const = 0;
  // Why the runner's message is not to be passed on; "" = it is good. The default is that original_string and timestamp
  // exist.
  virtual std::string why_invalid(const Message& message) const;
};

// What a parser is made from.
struct ParserSpec {
  const configuration::SensorConfig& sensor;
  const json::Tree& config;  // parserConfig
  // The member of parserConfig as text: numbers and booleans are spelled; `fallback` when absent or null.
  std::string text(std::string_view key, std::string_view fallback = "") const;
  bool has(std::string_view key) const;
  // kInvalidArgument with the place of parserConfig.KEY in the document.
  tl::unexpected<Error> refuse(std::string_view key, std::string_view why) const;
};

using ParserFactory = Result<std::unique_ptr<Parser>> (*)(const ParserSpec&);

// Parsers by the class names of configuration documents. One file in parsers/ = one parser.
class ParserRegistry {
 public:
  static const ParserRegistry& standard();
  void add(std::string_view class_name, ParserFactory factory) { factories_.emplace(class_name, factory); }
  const ParserFactory* find(std::string_view class_name) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, ParserFactory, std::less<>> factories_;
};

// Generated: calls register_<stem>() of each file in parsers/.
void register_all_parsers(ParserRegistry& registry);

}  // namespace modelyard::pipeline
