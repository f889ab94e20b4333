// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::json {

// The comfortable tree, for configuration, the API and other small documents: keys keep their order. Include
// json/tree.h to look inside. Hot paths read with simdjson and write with json/writer.h.
using Tree = nlohmann::ordered_json;

struct ParseOptions {
  bool comments = false;         // C and C++ style comments, as in the reference's configuration documents
  size_t depth_max = 200;        // nesting; deeper input is kInvalidArgument
  std::string_view source = "";  // named in messages: "squid.json:3:14: ..."
};

// One JSON document. The error is kInvalidArgument with source:line:column, the line and a caret under the place.
Result<Tree> parse(std::string_view text, const ParseOptions& options = {});

// "source:line:column: message", the line and a caret under the byte at `offset`: the form of every complaint.
std::string describe_place(std::string_view text, size_t offset, std::string_view source, std::string_view message);

// Compact text; invalid UTF-8 inside strings is replaced by U+FFFD.
std::string dump(const Tree& tree);
std::string dump_pretty(const Tree& tree);

// Members of an object by key. Absent and null are the fallback; another type is the fallback too: for input where a
// wrong type must be reported, use require_*.
std::string get_string(const Tree& object, std::string_view key, std::string_view fallback = "");
int64_t get_int(const Tree& object, std::string_view key, int64_t fallback = 0);
bool get_bool(const Tree& object, std::string_view key, bool fallback = false);

// kInvalidArgument "KEY is missing" / "KEY must be a string".
Result<std::string> require_string(const Tree& object, std::string_view key);
Result<int64_t> require_int(const Tree& object, std::string_view key);

}  // namespace modelyard::json
