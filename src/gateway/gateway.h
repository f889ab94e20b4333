// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "http/router.h"

namespace modelyard::client {
class ModelClient;
}

namespace modelyard::gateway {

struct GatewayOptions {
  std::chrono::milliseconds deadline{2'000};  // of one call, its second try included
  size_t body_bytes_max = size_t{16} << 20;
};

// Adds GET and POST /models/{name}[/versions/{version}]/{function}: one call to a model. The function is looked up as
// an alias first, then taken as a path; the query's bytes and the body pass whole; an answer with status 200 comes back
// as it is. Errors as in docs/api.md: 404 unknown model or version, 503 while the registry was never reached, 504
// deadline, 502 any other failed call. The client must outlive the router's servers and be of their loop.
void add_routes(http::Router& router, client::ModelClient& client, GatewayOptions options = {});

}  // namespace modelyard::gateway
