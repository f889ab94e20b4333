// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace modelyard::http {
class Router;
}

namespace modelyard::controller {

class Controller;

// Adds GET /runner/v1/instances/{id}/orders and PUT /runner/v1/instances/{id}/report (registry/instance_folder.h) to
// the router of the server on DATA/control.sock. That server runs on the controller's loop and is stopped before the
// controller is destroyed.
void add_runner_routes(http::Router& router, Controller& controller);

}  // namespace modelyard::controller
