// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace modelyard::http {

enum class BodyMode {
  kBuffered,  // read whole before the handler runs; over the limit: 413, the handler does not run
  kStreamed,  // the handler pulls it with Request::read_chunk()
};

struct RouteOptions {
  BodyMode body = BodyMode::kBuffered;
  size_t body_bytes_max = size_t{1} << 20;
};

// Finds the handler of a method and path. Filled before the server starts, immutable and shareable by servers of
// several loops after. A literal segment is preferred to {name}, {name} to {rest...}. HEAD is answered by GET's handler
// without its body.
class Router {
 public:
  // pattern: "/api/v1/deployments/{name}/{version}"; the last segment may be {rest...}: one or more segments, decoded
  // one by one and joined by '/'. A pattern that was added already, or is malformed, is a mistake of ours: asserted.
  void add(std::string_view method, std::string_view pattern, Handler handler, RouteOptions options = {});

  struct Route {
    std::string method;
    std::vector<std::string> segments;  // "name", or "{name}", "{rest...}"
    Handler handler;
    RouteOptions options;
  };
  struct Match {
    const Route* route = nullptr;  // null: 404 when allow is empty, else 405
    std::string allow;             // "GET, POST"
  };
  // Sets the request's parameters on a match.
  Match find(Request& request) const;

 private:
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace modelyard::http
