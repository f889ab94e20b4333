// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "api/guard.h"
#include "base/log.h"
#include "cli/cluster.h"
#include "cli/controller_server.h"
#include "cli/invocation.h"
#include "cli/machine.h"
#include "cli/secret_file.h"
#include "cli/yarn_controller.h"

namespace modelyard::cli {
namespace {

Result<std::string> secret_of(Invocation& invocation, const std::filesystem::path& data) {
  const Arguments& arguments = invocation.arguments();
  if (arguments.has("zk-open-acl")) {
    if (arguments.has("zk-secret-file")) return invocation.wrong_usage("--zk-open-acl needs no --zk-secret-file");
    return std::string();
  }
  if (const auto file = arguments.text("zk-secret-file")) return read_secret_file("--zk-secret-file", *file, 16);
  if (const auto file = invocation.environment("MODELYARD_ZK_SECRET_FILE"))
    return read_secret_file("$MODELYARD_ZK_SECRET_FILE", *file, 16);
  return installation_secret(data);
}

// Where HADOOP_CONF_DIR or its like is set, requests may name HDFS.
Status add_hadoop(Invocation& invocation, ControllerServerOptions& options) {
  auto configuration = hadoop::Configuration::load_from_environment(
      [&](const std::string& name) { return invocation.environment(name); });
  if (configuration) {
    options.hadoop = std::move(*configuration);
  } else if (configuration.error().code() != ErrorCode::kNotFound) {
    return fail(configuration.error());
  }
  return {};
}

Result<controller::ReconcileOptions> reconcile_options(Invocation& invocation) {
  controller::ReconcileOptions out;
  out.backoff_first = milliseconds(*invocation.arguments().integer("backoff-first"));
  out.backoff_max = milliseconds(*invocation.arguments().integer("backoff-max"));
  if (out.backoff_max < out.backoff_first) return invocation.wrong_usage("--backoff-max is less than --backoff-first");
  return out;
}

Result<ControllerServerOptions> options_of(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  ControllerServerOptions options;
  MY_TRY(const client::ZookeeperAddress place, required_cluster(invocation));
  options.quorum = place.quorum;
  options.zk_root = place.zk_root;
  options.take_over = arguments.has("take-over");
  options.host.version = MODELYARD_VERSION;
  options.host.keep_models = arguments.has("keep-models");
  auto listen = listen_address(*arguments.text("listen"));
  if (!listen) return invocation.wrong_usage(listen.error().message());
  options.host.listen_host = listen->host;
  options.host.port = listen->port;
  if (const auto file = arguments.text("token-file")) {
    MY_TRY(options.host.token, read_token_file(*file));
    options.token_file = std::filesystem::absolute(*file).string();
  } else if (!api::is_loopback_host(options.host.listen_host)) {
    return invocation.wrong_usage(
        fmt::format("--listen {}: whoever reaches this address could run programs here; give a --token-file FILE",
                    *arguments.text("listen")));
  }
  MY_TRY(options.reconcile, reconcile_options(invocation));
  MY_TRY(options.host.data, data_folder(invocation));
  MY_TRY(options.runner, runner_program());
  MY_TRY(options.secret, secret_of(invocation, options.host.data));
  MY_TRY_VOID(add_hadoop(invocation, options));
  return options;
}

void say_what_helps(Invocation& invocation, const ControllerServerOptions& options) {
  const std::string doctor =
      fmt::format("`modelyard doctor --zk {}` looks at each server and says what to do.", options.quorum);
  invocation.advise(ErrorCode::kUnavailable, doctor);
  invocation.advise(ErrorCode::kDeadline, doctor);
  const std::string secret =
      "Give the secret that made these nodes (--zk-secret-file of the installation, by default DATA/zk-secret), or "
      "start with another --zk-root.";
  invocation.advise(ErrorCode::kPermissionDenied, secret);
  invocation.advise(ErrorCode::kUnauthenticated, secret);
}

Status run_on_yarn(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  const auto staging = arguments.text("staging");
  if (!staging) return invocation.wrong_usage("--launcher yarn needs --staging");
  auto made = yarn_options_from([&](const std::string& name) { return invocation.environment(name); });
  if (!made) return invocation.wrong_usage(made.error().message());
  YarnControllerOptions options = std::move(*made);
  options.staging = *staging;
  MY_TRY(const client::ZookeeperAddress place, required_cluster(invocation));
  options.quorum = place.quorum;
  options.zk_root = place.zk_root;
  options.take_over = arguments.has("take-over");
  options.host.version = MODELYARD_VERSION;
  const auto listen = listen_address(*arguments.text("listen"));
  if (!listen) return invocation.wrong_usage(listen.error().message());
  options.host.listen_host = listen->host;
  options.host.port = listen->port;
  MY_TRY(options.host.data, data_folder(invocation));
  MY_TRY(options.reconcile, reconcile_options(invocation));
  return run_yarn_controller(std::move(options), [&](const std::string& url) {
    invocation.out().line("ready " + url);
    return invocation.out().flush();
  });
}

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  log::start(arguments.text("log-format") == "json" ? log::Format::kJson : log::Format::kText,
             *arguments.text("log-level"));
  if (arguments.text("launcher") == "yarn") return run_on_yarn(invocation);
  MY_TRY(const ControllerServerOptions options, options_of(invocation));
  say_what_helps(invocation, options);
  return run_controller(options, [&](const std::string& url) {
    invocation.out().line("ready " + url);
    return invocation.out().flush();
  });
}

std::vector<Option> own_options() {
  return {
      {.name = "launcher",
       .value = "WHAT",
       .text = "where models run: local, as processes of this machine; yarn, in containers, from within a container "
               "that bin/maas_service.sh submits",
       .fallback = "local",
       .choices = {"local", "yarn"}},
      {.name = "staging",
       .value = "URI",
       .text = "with --launcher yarn: the folder in HDFS for payloads and the token, hdfs://…"},
      {.name = "data",
       .value = "DIR",
       .text = "where payloads and instances are kept; the controllers of one machine share it; default "
               "$XDG_DATA_HOME/modelyard, else ~/.local/share/modelyard"},
      {.name = "listen",
       .value = "HOST:PORT",
       .text = "where to serve; port 0 is any free one. Off this machine only with --token-file",
       .fallback = "127.0.0.1:8800"},
      {.name = "token-file", .value = "FILE", .text = "file (mode 600) with the token that every request must carry"},
      {.name = "keep-models", .kind = Option::Kind::kFlag, .text = "models live on when this ends"},
      {.name = "take-over",
       .kind = Option::Kind::kFlag,
       .text = "lead although a master of the reference seems to serve the same queue"},
      {.name = "zk-open-acl",
       .kind = Option::Kind::kFlag,
       .text = "make no secret: everybody who reaches ZooKeeper may change the registry, as with the reference"},
      {.name = "backoff-first",
       .kind = Option::Kind::kInteger,
       .value = "MS",
       .text = "wait before the second restart of an instance that fails; doubles",
       .fallback = "1000",
       .least = 1},
      {.name = "backoff-max",
       .kind = Option::Kind::kInteger,
       .value = "MS",
       .text = "longest wait before a restart",
       .fallback = "300000",
       .least = 1},
      {.name = "log-format",
       .value = "FORM",
       .text = "form of the log",
       .fallback = "text",
       .choices = {"text", "json"}},
      {.name = "log-level",
       .value = "LEVEL",
       .text = "least level of the log",
       .fallback = "info",
       .choices = {"debug", "info", "warn", "error"}}};
}

}  // namespace

void register_controller(CommandSet& commands) {
  commands.add(
      {.name = "controller",
       .group = "Server",
       .summary = "run a controller whose registry is in ZooKeeper",
       .text =
           "Takes requests from the queue in ZooKeeper and over HTTP, runs the models and keeps their endpoints "
           "registered. Several may run; one leads, the others show what it does and send changes to it. With "
           "--launcher local all of them are on one machine and share --data.\n"
           "Prints `ready http://HOST:PORT` on stdout when it serves, also while another one leads; its log goes "
           "to stderr. SIGTERM or ^C stops it within 20 s: the leader drains its models, unless --keep-models. When "
           "it is killed they live on, and the next leader adopts them.\n"
           "Its nodes in ZooKeeper can be read by everybody and changed with the installation's secret alone: "
           "--zk-secret-file, else $MODELYARD_ZK_SECRET_FILE, else DATA/zk-secret, which is made when it is missing. "
           "Requests may name HDFS where HADOOP_CONF_DIR is set.",
       .options = cluster_options() + own_options(),
       .examples = {{"modelyard controller --zk node1:2181,node2:2181,node3:2181 --launcher local",
                     "models of this machine, known to every client of the cluster"}},
       .run = run});
}

}  // namespace modelyard::cli
