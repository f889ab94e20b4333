// SPDX-License-Identifier: Apache-2.0
#include "cli/up_server.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "cli/controller_host.h"
#include "cli/machine.h"
#include "controller/runner_routes.h"
#include "http/server.h"
#include "io/file.h"
#include "payloads/directory_store.h"
#include "registry/embedded.h"

namespace modelyard::cli {
namespace {

constexpr size_t kSocketPathMax = 107;  // sun_path of unix(7), without its end
constexpr seconds kRunnersLeaveWithin{1};

// The runners' socket. Where DATA/control.sock is too long for a socket address, a short path that the same folder
// always gets.
Result<std::string> runner_socket(const std::filesystem::path& data) {
  std::string path = (data / "control.sock").string();
  if (path.size() <= kSocketPathMax) return path;
  const std::filesystem::path folder = fmt::format("/tmp/modelyard-{}", ::getuid());
  MY_TRY_VOID(io::make_folder(folder, 0700));
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::getuid() ||
      (info.st_mode & 077) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{} must be a folder of this user with mode 700", folder.string()));
  }
  return (folder / (sha256_hex(data.string()).substr(0, 16) + ".sock")).string();
}

// One `up`, from its parts to its end. Members are destroyed in the reverse order: what uses before what is used.
class UpServer {
 public:
  explicit UpServer(const UpOptions& options)
      : options_(options),
        host_({.data = options.data,
               .listen_host = options.listen_host,
               .port = options.port,
               .token = options.token,
               .version = options.version,
               .keep_models = options.keep_models}) {}

  // The parts that can refuse: folder, registry, documents, payloads.
  Status open() {
    MY_TRY_VOID(io::make_folder(options_.data, 0700));
    MY_TRY(socket_, runner_socket(options_.data));
    MY_TRY(registry_, registry::EmbeddedRegistry::open(options_.data));
    MY_TRY(payloads_, payloads::open_directory_store(options_.data / "payloads"));
    MY_TRY(documents_, documents::Store::open({.folder = options_.data / "documents", .retention = options_.retention},
                                              system_clock()));
    return {};
  }

  Status run(const std::function<Status(const std::string& url)>& on_ready) {
    ControllerHost::Parts parts{
        .payloads = *payloads_,
        .documents = documents_.get(),
        .open = [this](std::string) -> io::Task<Result<registry::Registry*>> { co_return registry_.get(); },
        .close = {},
        .make_launcher =
            [this](io::Loop& loop) { return make_local_launcher(loop, options_.data, options_.runner, {}); },
        .stop_launcher = stop_local_launcher,
        .fetch = {},
        .controller = {.socket = socket_, .host = host_names().front()},
        .on_made = [this](controller::Controller& controller) { return start_runner_server(controller); },
        .on_stopped = [this]() -> io::Task<void> {
          if (runner_server_) co_await runner_server_->stop(system_clock().now() + kRunnersLeaveWithin);
        }};
    return host_.run(std::move(parts), on_ready);
  }

 private:
  Status start_runner_server(controller::Controller& controller) {
    controller::add_runner_routes(runner_router_, controller);
    runner_server_ = std::make_unique<http::Server>(host_.controller_loop(), runner_router_,
                                                    http::ServerOptions{.unix_path = socket_});
    return runner_server_->start();
  }

  const UpOptions& options_;
  std::string socket_;
  std::unique_ptr<registry::EmbeddedRegistry> registry_;
  std::unique_ptr<payloads::PayloadStore> payloads_;
  std::unique_ptr<documents::Store> documents_;
  ControllerHost host_;
  http::Router runner_router_;
  std::unique_ptr<http::Server> runner_server_;
};

}  // namespace

Status run_up(const UpOptions& options, const std::function<Status(const std::string& url)>& on_ready) {
  UpServer server(options);
  MY_TRY_VOID(server.open());
  return server.run(on_ready);
}

}  // namespace modelyard::cli
