// SPDX-License-Identifier: Apache-2.0
#include "cli/yarn_controller.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <thread>

#include "api/worker.h"
#include "cli/cluster.h"
#include "cli/hdfs_upload.h"
#include "cli/machine.h"
#include "cli/yarn_application.h"
#include "controller/yarn_launcher.h"
#include "hadoop/webhdfs.h"
#include "io/file.h"
#include "json/tree.h"
#include "payloads/directory_store.h"
#include "payloads/hdfs/fetcher.h"
#include "payloads/hdfs/publish.h"
#include "payloads/hdfs/store.h"
#include "registry/zookeeper/registry.h"
#include "runner/secret.h"

namespace modelyard::cli {

namespace zk = registry::zookeeper;

namespace {

constexpr seconds kReachWithin{60};
constexpr seconds kOpenWithin{30};
constexpr seconds kRegisterWithin{60};
constexpr seconds kCloseWithin{1};
constexpr milliseconds kSession{6'000};
constexpr milliseconds kKnownWithin{5'000};
constexpr milliseconds kUnreachableMax{60'000};
constexpr milliseconds kSilentMax{60'000};
constexpr size_t kPublishingMax = 10'000;
// In the containers of models, beside the bundle's link.
constexpr const char* kPayloadLink = "payload";

SteadyTime in(std::chrono::nanoseconds time) {
  return system_clock().now() + std::chrono::duration_cast<SteadyTime::duration>(time);
}

Result<hadoop::yarn::LocalResource> archive_at(const std::string& uri, int64_t size, int64_t modified_ms) {
  MY_TRY(hadoop::yarn::LocalResource out, hadoop::yarn::parse_local_resource(uri));
  out.size = size;
  out.timestamp_ms = modified_ms;
  out.is_archive = true;
  return out;
}

zk::Secrets secrets_of(const YarnControllerOptions& options) {
  zk::Secrets out;
  out.installation = options.credentials.secrets.at(std::string(kSecretAlias));
  out.application = zk::derive_application_secret(out.installation, options.container.application.text());
  return out;
}

class YarnController {
 public:
  explicit YarnController(YarnControllerOptions options)
      : options_(std::move(options)),
        application_(options_.container.application.text()),
        secrets_(secrets_of(options_)),
        host_(options_.host) {}

  Status open() {
    MY_TRY(file_system_, options_.configuration.file_system(options_.staging));
    hadoop::WebHdfs hdfs(file_system_, options_.rest);
    MY_TRY(staging_, hdfs.absolute(options_.staging));
    MY_TRY_VOID(place_token(hdfs));
    MY_TRY(const std::string bundle, hdfs.absolute(options_.bundle));
    MY_TRY(const hadoop::FileStatus status, hdfs.status(bundle));
    MY_TRY(bundle_, archive_at(hdfs.uri(bundle), status.size, status.modified_ms));
    MY_TRY_VOID(io::make_folder(options_.host.data, 0700));
    MY_TRY(auto local, payloads::open_directory_store(options_.host.data / "payloads"));
    payloads_ = payloads::make_hdfs_store(
        std::move(local), {.file_system = file_system_, .rest = options_.rest, .staging = staging_, .limits = {}});
    payloads::FetcherOptions fetching{.configuration = options_.configuration,
                                      .rest = options_.rest,
                                      .bare_paths_are_local = false,
                                      .spool = options_.host.data / "spool"};
    MY_TRY(fetcher_, payloads::PayloadFetcher::make(*payloads_, std::move(fetching)));
    return {};
  }

  Status run(const std::function<Status(const std::string& url)>& on_ready) {
    ControllerHost::Parts parts{
        .payloads = *payloads_,
        .documents = nullptr,
        .open = [this](std::string url) { return open_parts(std::move(url)); },
        .close = [this] { return close_parts(); },
        .make_launcher = [this](io::Loop& /*loop*/) { return std::unique_ptr<controller::Launcher>(std::move(made_)); },
        .stop_launcher = [this](controller::Launcher& /*launcher*/) { return launcher_->stop(); },
        .fetch = [this](std::string path) { return fetch(std::move(path)); },
        .controller = {.host = "",
                       .reconcile = options_.reconcile,
                       .zookeeper = options_.quorum,
                       .zk_root = options_.zk_root,
                       .start_max = kKnownWithin},
        .on_made = {},
        .on_stopped = {}};
    parts.controller.reconcile.unreachable_max = kUnreachableMax;
    parts.controller.reconcile.silent_max = kSilentMax;
    return host_.run(std::move(parts), on_ready);
  }

 private:
  // A file that is there is another attempt's: the same.
  Status place_token(hadoop::WebHdfs& hdfs) {
    const std::string path = hadoop::join_path(hadoop::join_path(staging_, application_), "token");
    token_place_ = hdfs.uri(path);
    if (hdfs.status(path)) return {};
    return hdfs.create_text(path, options_.host.token + "\n", {.overwrite = true, .permission = 0600});
  }

  controller::YarnLauncherOptions launcher_options(const std::string& url) const {
    controller::YarnLauncherOptions out;
    out.master.resource_managers = schedulers_;
    out.master.master.host = host_names().front();
    out.master.master.tracking_url = url;
    out.master.master.token = *options_.credentials.find(hadoop::kAmRmToken);
    out.application = options_.container.application;
    out.attempt = options_.container.attempt;
    out.credentials = options_.credentials.for_workers();
    // Never the installation's: a model's container may not write what the controllers write.
    out.credentials.secrets.clear();
    out.credentials.secrets.emplace(runner::kSecretAlias, secrets_.application);
    out.node_label = options_.node_label;
    out.environment = options_.model_environment;
    out.user = options_.rest.user;
    return out;
  }

  // On the controller's loop, as everything of registry and launcher.
  io::Task<Result<registry::Registry*>> open_parts(std::string url) {
    MY_CO_TRY(const auto managers, options_.configuration.resource_managers());
    for (const hadoop::ResourceManagerAddress& manager : managers)
      schedulers_.push_back({manager.scheduler.host, manager.scheduler.port});
    made_ = std::make_unique<controller::YarnLauncher>(
        host_.controller_loop().executor(), launcher_options(url),
        [this](registry::InstanceSpec spec) { return files_of(std::move(spec)); }, Random::from_system());
    launcher_ = made_.get();
    launcher_->on_shut_down([this](const std::string& reason) {
      host_.end_with(Error(ErrorCode::kFailed, fmt::format("the resource manager ended this attempt: {}", reason)));
    });
    MY_CO_TRY_VOID(co_await launcher_->start(in(kRegisterWithin)));
    spdlog::info("registered as the application master of {}, attempt {}", application_, options_.container.attempt);
    zookeeper::ClientOptions session{.quorum = options_.quorum, .session_timeout = kSession};
    session.auth = zk::controller_auth(secrets_);
    MY_CO_TRY(client_, zookeeper::connect_client(host_.controller_loop(), std::move(session), Random::from_system()));
    MY_CO_TRY_VOID(co_await reach(*client_, options_.quorum, in(kReachWithin)));
    zk::RegistryOptions options{.zk_root = options_.zk_root, .secrets = secrets_, .take_over = options_.take_over};
    options.candidate.host = host_names().front();
    options.candidate.pid = ::getpid();
    options.candidate.url = std::move(url);
    options.candidate.launcher = "yarn";
    options.candidate.place = "yarn:" + schedulers_.front().text();
    options.candidate.application = application_;
    options.candidate.token_place = token_place_;
    options.candidate.version = options_.host.version;
    registry_ = std::make_unique<zk::ZookeeperRegistry>(host_.controller_loop(), *client_, std::move(options),
                                                        system_clock(), Random::from_system());
    MY_CO_TRY_VOID(co_await registry_->open(in(kOpenWithin)));
    co_return registry_.get();
  }

  io::Task<void> close_parts() {
    if (made_) co_await made_->stop();  // it was never handed on
    if (registry_) co_await registry_->stop();
    if (client_) co_await client_->close(in(kCloseWithin));
  }

  io::Task<Result<controller::FetchedPayload>> fetch(std::string path) {
    MY_CO_TRY(auto stored, co_await fetcher_->fetch(host_.controller_loop(), std::move(path)));
    co_return controller::FetchedPayload{std::move(stored.digest), std::move(stored.pin)};
  }

  // What a container finds in its folder. HDFS is asked each time: a payload that was removed there is sent again where
  // a copy is here, and named where none is.
  io::Task<Result<std::map<std::string, hadoop::yarn::LocalResource>>> files_of(registry::InstanceSpec spec) {
    using Files = std::map<std::string, hadoop::yarn::LocalResource>;
    std::function<Result<Files>()> look = [this, spec = std::move(spec)]() -> Result<Files> {
      hadoop::WebHdfs hdfs(file_system_, options_.rest);
      auto payload = payloads::find_published(hdfs, staging_, spec.digest);
      if (!payload && payload.error().code() == ErrorCode::kNotFound) {
        std::error_code ignored;
        if (!std::filesystem::is_directory(spec.payload, ignored)) {
          return fail(ErrorCode::kNotFound, fmt::format("the payload {} is not in HDFS any more: deploy it again",
                                                        hdfs.uri(payloads::published_path(staging_, spec.digest))));
        }
        payload = payloads::publish_folder(hdfs, spec.payload, spec.digest, staging_);
      }
      if (!payload) return fail(std::move(payload).error());
      Files out{{std::string(kBundleLink), bundle_}};
      MY_TRY(out[kPayloadLink], archive_at(payload->uri, payload->size, payload->modified_ms));
      return out;
    };
    co_return co_await api::run_on<Files>(hdfs_work_, host_.controller_loop(), std::move(look));
  }

  const YarnControllerOptions options_;
  const std::string application_;
  const zk::Secrets secrets_;
  hadoop::FileSystemAddress file_system_;
  std::string staging_;
  std::string token_place_;
  hadoop::yarn::LocalResource bundle_;
  std::vector<hadoop::rpc::Address> schedulers_;
  std::unique_ptr<payloads::PayloadStore> payloads_;
  ControllerHost host_;
  std::unique_ptr<payloads::PayloadFetcher> fetcher_;
  std::unique_ptr<zookeeper::Client> client_;
  std::unique_ptr<zk::ZookeeperRegistry> registry_;
  std::unique_ptr<controller::YarnLauncher> made_;  // until the host takes it
  controller::YarnLauncher* launcher_ = nullptr;
  api::Worker hdfs_work_{kPublishingMax};
};

}  // namespace

Result<YarnControllerOptions> yarn_options_from(
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  const auto wanted = [&](const char* name) -> Result<std::string> {
    if (auto value = environment(name); value && !value->empty()) return *value;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--launcher yarn runs in a container of YARN alone: ${} is not set. bin/maas_service.sh "
                            "submits the controller to a cluster",
                            name));
  };
  MY_TRY(const std::string id, wanted("CONTAINER_ID"));
  MY_TRY(const std::string token_file, wanted("HADOOP_TOKEN_FILE_LOCATION"));
  MY_TRY(const std::string bundle, wanted("MODELYARD_BUNDLE_URI"));
  MY_TRY(hadoop::Configuration configuration, hadoop::Configuration::load_from_environment(environment));
  MY_TRY(hadoop::RestOptions rest, rest_options(configuration, environment));
  MY_TRY(hadoop::Credentials credentials, hadoop::read_credentials(token_file));
  YarnControllerOptions out{.configuration = std::move(configuration)};
  out.rest = std::move(rest);
  out.bundle = bundle;
  const auto container = hadoop::yarn::parse_container_id(id);
  if (!container) return fail(ErrorCode::kInvalidArgument, fmt::format("$CONTAINER_ID: {} is no container's id", id));
  out.container = *container;
  if (credentials.find(hadoop::kAmRmToken) == nullptr || !credentials.secrets.contains(std::string(kSecretAlias))) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} lacks the application master's token or the installation's secret: was this submitted "
                            "by bin/maas_service.sh?",
                            token_file));
  }
  out.credentials = std::move(credentials);
  out.node_label = environment("MODELYARD_NODE_LABEL").value_or("");
  if (const auto pairs = environment("MODELYARD_MODEL_ENVIRONMENT")) {
    MY_TRY(const json::Tree tree, json::parse(*pairs, {.source = "$MODELYARD_MODEL_ENVIRONMENT"}));
    for (const auto& [key, value] : tree.items()) {
      if (value.is_string()) out.model_environment[key] = value.get<std::string>();
    }
  }
  return out;
}

Status run_yarn_controller(YarnControllerOptions options,
                           const std::function<Status(const std::string& url)>& on_ready) {
  options.host.keep_models = true;
  // The same for every attempt of the application, and for whoever holds the installation's secret.
  options.host.token =
      zk::derive_application_secret(secrets_of(options).installation, "http " + options.container.application.text());
  YarnController server(std::move(options));
  MY_TRY_VOID(server.open());
  return server.run(on_ready);
}

}  // namespace modelyard::cli
