// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/client.h"

// How a model is called: what goes on the wire and what counts as an answer. Pure.
namespace modelyard::client {

// A url taken apart once, for all calls of its instance.
struct Target {
  http::Origin origin;
  std::string prefix;            // path before "/function", one trailing '/' dropped
  std::optional<Error> why_not;  // it cannot be called
};
std::shared_ptr<const Target> make_target(std::string_view url);

// An alias first, then the text itself as a path. One leading '/' is dropped.
std::string_view function_path(const std::map<std::string, std::string>& functions, const std::string& function);

// "/prefix/function?query". Bytes that cannot stand in a target are percent-encoded.
std::string request_target(const Target& target, std::string_view path, std::string_view query);

// As Java's URLEncoder; null values are left out.
std::string encode_arguments(const std::vector<std::pair<std::string, std::optional<std::string>>>& arguments);

// Whether the text is one JSON object; otherwise what it is instead. Bytes that are not UTF-8 are replaced first.
Status require_json_object(std::string& body);

}  // namespace modelyard::client
