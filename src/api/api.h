// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "io/task.h"

namespace modelyard::http {
class Router;
}
namespace modelyard::controller {
class Controller;
}
namespace modelyard::payloads {
class PayloadStore;
}
namespace modelyard::documents {
class Store;
}

namespace modelyard::api {

struct Parts {
  io::Loop& loop;             // of the HTTP server: handlers run there
  io::Loop& controller_loop;  // the controller is called there alone
  controller::Controller& controller;
  payloads::PayloadStore& payloads;
  documents::Store* documents;  // null: none are kept here, and their routes say so
  const Clock& clock;
};

struct Options {
  std::filesystem::path data;
  std::string version;  // of the program
  std::string host;     // this machine's name
  // Called with a new payload's pin (payloads/store.h) once its deployment is stored: to be held until every collection
  // has run whose list of wanted payloads is older. May be empty: then the pin goes at once.
  std::function<void(std::shared_ptr<const void> pin)> on_deployed;
  // More lines for /metrics, called on the loop. May be empty.
  std::function<void(std::string& out)> more_metrics;
};

// The routes of docs/api.md but for the console and the gateway's. No handler waits on the loop for the disk or for
// another loop's work: it suspends. Owned by whoever makes the server; what Parts names outlives it. start() and stop()
// are awaited on the HTTP loop: start() before the server serves, stop() before it is destroyed and after the server
// stopped.
class Api {
 public:
  Api(const Parts& parts, Options options);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Before the server starts. The router must not be used after this is gone.
  void add_routes(http::Router& router);

  io::Task<void> start();
  io::Task<void> stop();

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace modelyard::api
