// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <string>

#include "base/clock.h"
#include "http/router.h"
#include "http/server.h"
#include "io/task.h"
#include "pipeline/worker.h"
#include "sensor/driver.h"

namespace modelyard::sensor {

// Where a running sensor of that name can be tapped: a socket in a folder of this user alone,
// $XDG_RUNTIME_DIR/modelyard or /tmp/modelyard-UID. kPermissionDenied when the folder is somebody else's.
Result<std::filesystem::path> tap_socket(const std::string& sensor);

// Shows the documents of stages that end inside a running sensor. While somebody looks, each record goes through a
// worker of its own at the wanted stage, beside the real one: nothing of the stream waits for a viewer, and one that is
// too slow misses records. On the socket: GET /tap?stage=parse, one document a line, without end. Confined to the
// driver's loop; what it is given outlives it.
class TapServer {
 public:
  TapServer(io::Loop& loop, std::shared_ptr<const pipeline::Pipeline> pipeline, stellar::Capabilities& capabilities,
            CallModel call_model, const Clock& clock);
  ~TapServer();

  // kConflict when another sensor of that name runs: then this one cannot be tapped.
  Status start(const std::string& sensor);
  io::Task<void> stop();

  // A record that the stream takes in.
  void offer(const pipeline::Record& record) {
    if (!viewers_.empty()) show(record);
  }

 private:
  struct Viewer;
  void show(const pipeline::Record& record);
  void pump(const std::shared_ptr<Viewer>& viewer);
  io::Task<void> call_one(std::shared_ptr<Viewer> viewer, pipeline::ModelCall call);
  io::Task<http::Response> answer(http::Request& request);
  io::Task<void> write_documents(std::shared_ptr<Viewer> viewer, http::ResponseStream& out);

  io::Loop& loop_;
  const std::shared_ptr<const pipeline::Pipeline> pipeline_;
  stellar::Capabilities& capabilities_;
  const CallModel call_model_;
  const Clock& clock_;
  io::Scope scope_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
  std::list<std::shared_ptr<Viewer>> viewers_;
};

}  // namespace modelyard::sensor
