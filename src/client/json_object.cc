// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <simdjson.h>

#include "base/strings.h"
#include "client/wire.h"

namespace modelyard::client {
namespace {

std::string_view kind_of(simdjson::dom::element_type type) {
  using simdjson::dom::element_type;
  switch (type) {
    case element_type::ARRAY: return "an array";
    case element_type::STRING: return "a string";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

}  // namespace

Status require_json_object(std::string& body) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto parse = [&] {
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
    return parser.parse(body.data(), body.size(), false).get(root);
  };
  simdjson::error_code error = parse();
  if (error == simdjson::UTF8_ERROR) {
    body = to_valid_utf8(body);
    error = parse();
  }
  if (error == simdjson::SUCCESS && root.is_object()) return {};
  const std::string_view start = trim_ascii(std::string_view(body).substr(0, std::min(body.find('\n'), size_t{80})));
  if (error == simdjson::SUCCESS)
    return fail(ErrorCode::kProtocol,
                fmt::format("the answer is {}, a JSON object was expected", kind_of(root.type())));
  return fail(ErrorCode::kProtocol, body.empty() ? "the answer is empty, a JSON object was expected"
                                                 : fmt::format("the answer is no JSON object ({}): {}",
                                                               simdjson::error_message(error), to_valid_utf8(start)));
}

}  // namespace modelyard::client
