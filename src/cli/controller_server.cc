// SPDX-License-Identifier: Apache-2.0
#include "cli/controller_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "base/random.h"
#include "base/strings.h"
#include "cli/cluster.h"
#include "cli/machine.h"
#include "cli/secret_file.h"
#include "io/file.h"
#include "io/process.h"
#include "payloads/directory_store.h"
#include "payloads/hdfs/fetcher.h"
#include "registry/zookeeper/registry.h"

namespace modelyard::cli {

namespace fs = std::filesystem;
namespace zk = registry::zookeeper;

namespace {

constexpr seconds kReachWithin{10};
constexpr seconds kOpenWithin{10};
constexpr seconds kCloseWithin{1};
// A dead leader is followed by the next one after this and two ticks of ZooKeeper.
constexpr milliseconds kSession{6'000};
constexpr milliseconds kKnownWithin{5'000};

SteadyTime in(std::chrono::nanoseconds time) {
  return system_clock().now() + std::chrono::duration_cast<SteadyTime::duration>(time);
}

// What is fetched lies here meanwhile: a folder of each process, since several share DATA. Those whose process is gone
// are removed.
fs::path spool_folder(const fs::path& data) {
  const fs::path all = data / "spool";
  std::error_code error;
  for (fs::directory_iterator at(all, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const size_t dash = name.find('-');
    const auto pid = parse_int(name.substr(0, dash));
    const auto ticks = dash == std::string::npos ? std::nullopt : parse_int(name.substr(dash + 1));
    std::error_code ignored;
    if (!pid || !ticks || !io::is_process_alive(*pid, *ticks, "")) fs::remove_all(at->path(), ignored);
  }
  const auto self = io::read_process_stat(::getpid());
  return all / fmt::format("{}-{}", ::getpid(), self ? self->start_ticks : 0);
}

class ControllerServer {
 public:
  explicit ControllerServer(const ControllerServerOptions& options) : options_(options), host_(options.host) {
    secrets_.installation = options.secret;
    // One for all that this folder's controllers start: runners outlive the controller that started them.
    secrets_.application = zk::derive_application_secret(options.secret, place());
  }

  Status open() {
    MY_TRY_VOID(io::make_folder(options_.host.data, 0700));
    MY_TRY(payloads_, payloads::open_directory_store(options_.host.data / "payloads"));
    payloads::FetcherOptions fetching{
        .configuration = options_.hadoop, .bare_paths_are_local = true, .spool = spool_folder(options_.host.data)};
    MY_TRY_VOID(io::make_folder(options_.host.data / "spool"));
    MY_TRY(fetcher_, payloads::PayloadFetcher::make(*payloads_, std::move(fetching)));
    return {};
  }

  Status run(const std::function<Status(const std::string& url)>& on_ready) {
    std::vector<std::string> environment;
    if (!secrets_.application.empty()) environment.push_back("MODELYARD_ZK_SECRET=" + secrets_.application);
    ControllerHost::Parts parts{.payloads = *payloads_,
                                .documents = nullptr,
                                .open = [this](std::string url) { return open_registry(std::move(url)); },
                                .close = [this] { return close_registry(); },
                                .make_launcher =
                                    [this, environment = std::move(environment)](io::Loop& loop) {
                                      return make_local_launcher(loop, options_.host.data, options_.runner,
                                                                 environment);
                                    },
                                .stop_launcher = stop_local_launcher,
                                .fetch = [this](std::string path) { return fetch(std::move(path)); },
                                .controller = {.host = host_names().front(),
                                               .reconcile = options_.reconcile,
                                               .zookeeper = options_.quorum,
                                               .zk_root = options_.zk_root,
                                               .start_max = kKnownWithin},
                                .on_made = {},
                                .on_stopped = {}};
    return host_.run(std::move(parts), on_ready);
  }

 private:
  std::string place() const { return fmt::format("{}:{}", host_names().front(), options_.host.data.string()); }

  // On the controller's loop, as everything of the registry.
  io::Task<Result<registry::Registry*>> open_registry(std::string url) {
    zookeeper::ClientOptions session{.quorum = options_.quorum, .session_timeout = kSession};
    session.auth = zk::controller_auth(secrets_);
    MY_CO_TRY(client_, zookeeper::connect_client(host_.controller_loop(), std::move(session), Random::from_system()));
    MY_CO_TRY_VOID(co_await reach(*client_, options_.quorum, in(kReachWithin)));
    zk::RegistryOptions options{.zk_root = options_.zk_root, .secrets = secrets_, .take_over = options_.take_over};
    options.candidate.host = host_names().front();
    options.candidate.pid = ::getpid();
    options.candidate.url = std::move(url);
    options.candidate.launcher = "local";
    options.candidate.place = place();
    options.candidate.token_place = options_.token_file.empty() ? "" : "file:" + options_.token_file;
    options.candidate.version = options_.host.version;
    registry_ = std::make_unique<zk::ZookeeperRegistry>(host_.controller_loop(), *client_, std::move(options),
                                                        system_clock(), Random::from_system());
    MY_CO_TRY_VOID(co_await registry_->open(in(kOpenWithin)));
    co_return registry_.get();
  }

  io::Task<void> close_registry() {
    if (registry_) co_await registry_->stop();
    if (client_) co_await client_->close(in(kCloseWithin));
  }

  io::Task<Result<controller::FetchedPayload>> fetch(std::string path) {
    MY_CO_TRY(auto stored, co_await fetcher_->fetch(host_.controller_loop(), std::move(path)));
    co_return controller::FetchedPayload{std::move(stored.digest), std::move(stored.pin)};
  }

  const ControllerServerOptions& options_;
  zk::Secrets secrets_;
  std::unique_ptr<payloads::PayloadStore> payloads_;
  ControllerHost host_;
  std::unique_ptr<payloads::PayloadFetcher> fetcher_;
  std::unique_ptr<zookeeper::Client> client_;
  std::unique_ptr<zk::ZookeeperRegistry> registry_;
};

}  // namespace

Result<std::string> installation_secret(const fs::path& data) {
  const fs::path file = data / "zk-secret";
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    MY_TRY_VOID(io::make_folder(data, 0700));
    // Whole before it has its name, and whoever names it first has made it for all.
    const fs::path made = data / fmt::format(".zk-secret-{}", random_hex(8));
    {
      MY_TRY(const io::UniqueFd fd, io::open_file(made, O_WRONLY | O_CREAT | O_EXCL, 0600));
      const std::string secret = random_hex(32) + "\n";
      const ssize_t written = ::write(fd.get(), secret.data(), secret.size());
      if (written != static_cast<ssize_t>(secret.size()) || ::fsync(fd.get()) != 0)
        return fail(errno_error(written < 0 ? errno : ENOSPC, "writing " + made.string()));
    }
    const int linked = ::link(made.c_str(), file.c_str());
    const int why = errno;
    ::unlink(made.c_str());
    if (linked != 0 && why != EEXIST) return fail(errno_error(why, "making " + file.string()));
  }
  return read_secret_file("the installation's secret", file.string(), 16);
}

Status run_controller(const ControllerServerOptions& options,
                      const std::function<Status(const std::string& url)>& on_ready) {
  ControllerServer server(options);
  MY_TRY_VOID(server.open());
  return server.run(on_ready);
}

}  // namespace modelyard::cli
