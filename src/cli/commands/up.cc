// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/stat.h>

#include "api/guard.h"
#include "base/log.h"
#include "base/strings.h"
#include "cli/invocation.h"
#include "cli/machine.h"
#include "cli/up_server.h"
#include "io/file.h"

namespace modelyard::cli {
namespace {

constexpr size_t kTokenLeast = 16;

// Only the owner may read it: a token that anybody on the machine can read guards nothing.
Result<std::string> read_token(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return fail(errno_error(errno, "--token-file " + file));
  if ((info.st_mode & 077) != 0) {
    return fail(
        ErrorCode::kPermissionDenied,
        fmt::format("--token-file {0} can be read by others (mode {1:o}): chmod 600 {0}", file, info.st_mode & 0777));
  }
  MY_TRY(const std::string text, io::read_file(file, 4096));
  std::string token(trim_ascii(text));
  if (token.size() < kTokenLeast || token.find_first_of(" \t\r\n") != std::string::npos) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("--token-file {} must hold one word of at least {} characters, as `openssl rand -hex 32` makes",
                    file, kTokenLeast));
  }
  return token;
}

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
    MY_TRY(options.token, read_token(*file));
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
