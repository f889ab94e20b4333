// SPDX-License-Identifier: Apache-2.0
#include "sensor/tap_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "io/file.h"

namespace modelyard::sensor {
namespace {
constexpr size_t kWaitingBytesMax = size_t{4} << 20;  // of a viewer; what comes while it has more is not shown
constexpr size_t kViewersMax = 8;
}  // namespace

struct TapServer::Viewer {
  Viewer(std::shared_ptr<const pipeline::Pipeline> pipeline, stellar::Capabilities& capabilities, const Clock& clock,
         const pipeline::WorkerOptions& options, io::Executor executor)
      : worker(std::move(pipeline), capabilities, clock, options), changed(executor) {}

  pipeline::Worker worker;
  std::string waiting;  // lines
  bool closed = false;
  io::Event changed;
};

Result<std::filesystem::path> tap_socket(const std::string& sensor) {
  const char* const runtime = getenv("XDG_RUNTIME_DIR");
  const std::filesystem::path folder = runtime != nullptr && *runtime == '/'
                                           ? std::filesystem::path(runtime) / "modelyard"
                                           : std::filesystem::path("/tmp/modelyard-" + std::to_string(getuid()));
  MY_TRY_VOID(io::make_folder(folder));
  struct stat info {};
  if (lstat(folder.c_str(), &info) != 0) return fail(errno_error(errno, "looking at '" + folder.string() + "'"));
  if (!S_ISDIR(info.st_mode) || info.st_uid != getuid() || (info.st_mode & 077) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                "'" + folder.string() + "' is not a folder of this user alone: remove it");
  }
  const std::filesystem::path path = folder / ("sensor-" + sensor + ".sock");
  if (path.string().size() > 107)
    return fail(ErrorCode::kInvalidArgument, "the path '" + path.string() + "' is too long for a socket");
  return path;
}

TapServer::TapServer(io::Loop& loop, std::shared_ptr<const pipeline::Pipeline> pipeline,
                     stellar::Capabilities& capabilities, CallModel call_model, const Clock& clock)
    : loop_(loop),
      pipeline_(std::move(pipeline)),
      capabilities_(capabilities),
      call_model_(std::move(call_model)),
      clock_(clock),
      scope_(loop.executor()) {}

TapServer::~TapServer() = default;

Status TapServer::start(const std::string& sensor) {
  MY_TRY(const std::filesystem::path path, tap_socket(sensor));
  router_.add("GET", "/tap", [this](http::Request& request) { return answer(request); });
  http::ServerOptions options;
  options.unix_path = path;
  server_ = std::make_unique<http::Server>(loop_, router_, options);
  Status status = server_->start();
  if (!status) server_.reset();
  return status;
}

io::Task<void> TapServer::stop() {
  if (server_) co_await server_->stop(clock_.now() + milliseconds(500));
  co_await scope_.stop();
}

io::Task<http::Response> TapServer::answer(http::Request& request) {
  const auto stage = pipeline::stage_from(request.query("stage").value_or("index"));
  if (!stage)
    co_return http::Response::error(Error(ErrorCode::kInvalidArgument, "stage is parse, transform, enrich or index"));
  if (viewers_.size() >= kViewersMax) {
    co_return http::Response::error(Error(ErrorCode::kUnavailable, "too many look at this sensor already"));
  }
  pipeline::WorkerOptions options;
  options.stage = *stage;
  auto viewer = std::make_shared<Viewer>(pipeline_, capabilities_, clock_, options, loop_.executor());
  co_return http::Response::streamed(
      "application/x-ndjson",
      [this, viewer](http::ResponseStream& out) -> io::Task<void> { co_await write_documents(viewer, out); });
}

io::Task<void> TapServer::write_documents(std::shared_ptr<Viewer> viewer, http::ResponseStream& out) {
  out.on_close([viewer] {
    viewer->closed = true;
    viewer->changed.notify_all();
  });
  viewers_.push_back(viewer);
  while (!viewer->closed && !out.closed()) {
    if (viewer->waiting.empty()) {
      co_await viewer->changed.wait();
      continue;
    }
    const std::string lines = std::exchange(viewer->waiting, {});
    if (!co_await out.write(lines)) break;
  }
  viewer->closed = true;
  viewers_.remove(viewer);
}

void TapServer::show(const pipeline::Record& record) {
  for (const auto& viewer : viewers_) {
    if (!viewer->worker.can_accept() || viewer->waiting.size() > kWaitingBytesMax) continue;
    viewer->worker.accept(record);
    pump(viewer);
  }
}

void TapServer::pump(const std::shared_ptr<Viewer>& viewer) {
  for (pipeline::ModelCall& call : viewer->worker.take_calls()) scope_.spawn(call_one(viewer, std::move(call)));
  while (pipeline::FinishedRecord* done = viewer->worker.finished()) {
    for (const pipeline::OutputDocument& document : done->documents) {
      viewer->waiting += document.json;
      viewer->waiting += '\n';
    }
    viewer->worker.release_finished();
  }
  if (!viewer->waiting.empty()) viewer->changed.notify_all();
}

io::Task<void> TapServer::call_one(std::shared_ptr<Viewer> viewer, pipeline::ModelCall call) {
  const uint64_t id = call.id;
  const auto answer = co_await call_model_(std::move(call));
  viewer->worker.answer(id, answer ? std::optional<std::string_view>(*answer) : std::nullopt);
  pump(viewer);
}

}  // namespace modelyard::sensor
