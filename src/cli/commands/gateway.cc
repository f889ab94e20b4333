// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/guard.h"
#include "base/log.h"
#include "cli/cluster.h"
#include "cli/gateway_server.h"
#include "cli/machine.h"
#include "cli/secret_file.h"

namespace modelyard::cli {
namespace {

Result<GatewayOptions> options_of(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  GatewayOptions options;
  options.version = MODELYARD_VERSION;
  MY_TRY(options.place, required_cluster(invocation));
  auto listen = listen_address(*arguments.text("listen"));
  if (!listen) return invocation.wrong_usage(listen.error().message());
  options.listen_host = listen->host;
  options.port = listen->port;
  if (const auto file = arguments.text("token-file")) {
    MY_TRY(options.token, read_token_file(*file));
  } else if (!api::is_loopback_host(options.listen_host)) {
    return invocation.wrong_usage(
        fmt::format("--listen {}: whoever reaches this address could call the models; give a --token-file FILE",
                    *arguments.text("listen")));
  }
  return options;
}

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  log::start(arguments.text("log-format") == "json" ? log::Format::kJson : log::Format::kText,
             *arguments.text("log-level"));
  MY_TRY(const GatewayOptions options, options_of(invocation));
  invocation.advise(
      ErrorCode::kUnavailable,
      fmt::format("`modelyard doctor --zk {}` looks at each server and says what to do.", options.place.quorum));
  return run_gateway(options, [&](const std::string& url) {
    invocation.out().line("ready " + url);
    return invocation.out().flush();
  });
}

}  // namespace

void register_gateway(CommandSet& commands) {
  commands.add(
      {.name = "gateway",
       .group = "Server",
       .summary = "run the HTTP front door of a cluster's models alone",
       .text =
           "Serves GET and POST /models/NAME[/versions/V]/FUNCTION, GET /api/v1/models, GET /api/v1/watch, /healthz, "
           "/readyz and /metrics from what ZooKeeper says of the models; no controller needs to run, and while "
           "ZooKeeper is away it goes on with what it last knew. As many as wanted may run.\n"
           "Prints `ready http://HOST:PORT` on stdout when it serves; its log goes to stderr. SIGTERM or ^C stops "
           "it: calls in flight end.",
       .options = cluster_options() +
                  std::vector<Option>{
                      {.name = "listen",
                       .value = "HOST:PORT",
                       .text = "where to serve; port 0 is any free one. Off this machine only with --token-file",
                       .fallback = "127.0.0.1:8800"},
                      {.name = "token-file",
                       .value = "FILE",
                       .text = "file (mode 600) with the token that every request must carry"},
                      {.name = "log-format",
                       .value = "FORM",
                       .text = "form of the log",
                       .fallback = "text",
                       .choices = {"text", "json"}},
                      {.name = "log-level",
                       .value = "LEVEL",
                       .text = "least level of the log",
                       .fallback = "info",
                       .choices = {"debug", "info", "warn", "error"}}},
       .examples = {{"modelyard gateway --zk node1:2181,node2:2181,node3:2181", "models over HTTP on this machine"}},
       .run = run});
}

}  // namespace modelyard::cli
