// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/guard.h"
#include "base/log.h"
#include "cli/invocation.h"
#include "cli/machine.h"
#include "cli/secret_file.h"
#include "cli/up_server.h"

namespace modelyard::cli {
namespace {

Result<UpOptions> options_of(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  UpOptions options;
  options.version = MODELYARD_VERSION;
  options.keep_models = arguments.has("keep-models");
  auto listen = listen_address(*arguments.text("listen"));
  if (!listen) return invocation.wrong_usage(listen.error().message());
  options.listen_host = listen->host;
  options.port = listen->port;
  if (const auto retain = arguments.text("retain")) {
    auto retention = documents::retention_from(*retain);
    if (!retention) return invocation.wrong_usage("--retain: " + retention.error().message());
    options.retention = *retention;
  }
  if (const auto file = arguments.text("token-file")) {
    MY_TRY(options.token, read_token_file(*file));
  } else if (!api::is_loopback_host(options.listen_host)) {
    return invocation.wrong_usage(
        fmt::format("--listen {}: whoever reaches this address could run programs here; give a --token-file FILE",
                    *arguments.text("listen")));
  }
  MY_TRY(options.data, data_folder(invocation));
  MY_TRY(options.runner, runner_program());
  return options;
}

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  log::start(arguments.text("log-format") == "json" ? log::Format::kJson : log::Format::kText,
             *arguments.text("log-level"));
  MY_TRY(const UpOptions options, options_of(invocation));
  return run_up(options, [&](const std::string& url) {
    invocation.out().line("ready " + url);
    return invocation.out().flush();
  });
}

}  // namespace

void register_up(CommandSet& commands) {
  commands.add(
      {.name = "up",
       .group = "Server",
       .summary = "run everything on this machine, in the foreground",
       .text = "Runs the controller, the HTTP API, the gateway and the console in one process, and beside each model a "
               "small runner. "
               "Prints `ready http://HOST:PORT` on stdout when it serves; its log goes to stderr.\n"
               "SIGTERM or ^C stops it within 20 s: calls in flight end, models are drained; the next `up` starts them "
               "again. With "
               "--keep-models they live on and are adopted by the next `up`, as they are when this process is killed.",
       .options = {{.name = "data",
                    .value = "DIR",
                    .text =
                        "where everything is kept; default $XDG_DATA_HOME/modelyard, else ~/.local/share/modelyard"},
                   {.name = "listen",
                    .value = "HOST:PORT",
                    .text = "where to serve; port 0 is any free one. Off this machine only with --token-file",
                    .fallback = "127.0.0.1:8800"},
                   {.name = "token-file",
                    .value = "FILE",
                    .text = "file (mode 600) with the token that every request must carry"},
                   {.name = "keep-models", .kind = Option::Kind::kFlag, .text = "models live on when this ends"},
                   {.name = "retain",
                    .value = "7d|10GiB",
                    .text = "how much of the documents is kept, in days or bytes; default: all"},
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
       .examples = {{"modelyard up", "serve on http://127.0.0.1:8800"},
                    {"modelyard up --data /srv/modelyard --listen 0.0.0.0:8800 --token-file /etc/modelyard/token",
                     "serve a network"}},
       .run = run});
}

}  // namespace modelyard::cli
