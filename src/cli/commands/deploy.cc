// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/remote.h"
#include "cli/sources.h"
#include "cli/wait_ready.h"
#include "json/tree.h"
#include "payloads/tar.h"

namespace modelyard::cli {
namespace {

// The request's first line is bounded by the server; values this large belong into a file of the payload.
constexpr size_t kTargetMax = 24 * 1024;

using Query = std::vector<std::pair<std::string, std::string>>;

std::string user_name(const Invocation& invocation) {
  if (const passwd* entry = ::getpwuid(::getuid())) return entry->pw_name;
  return invocation.environment("USER").value_or(std::to_string(::getuid()));
}

Status add_environment(Invocation& invocation, Query& query) {
  MY_TRY(const auto added, added_environment(invocation));
  for (const auto& [key, value] : added) query.emplace_back("env", key + "=" + value);
  for (const auto& [key, value] : inherited_environment()) query.emplace_back("inherit", key + "=" + value);
  return {};
}

Result<json::Tree> upload(Remote& remote, const std::string& target, const payloads::Package& package) {
  MY_TRY(payloads::TarReader tar, payloads::TarReader::open(package.folder));
  Progress progress;
  int64_t sent = 0;
  const int64_t total = std::max<int64_t>(tar.total_bytes(), 1);
  return remote.upload(target, [&]() -> Result<std::string> {
    MY_TRY(const std::string_view piece, tar.next());
    sent += static_cast<int64_t>(piece.size());
    progress.show(fmt::format("uploading: {} of {} KiB", std::min(sent, total) / 1024, total / 1024));
    return std::string(piece);
  });
}

Result<ModelName> name_of(Invocation& invocation, const payloads::Package& package) {
  const Arguments& arguments = invocation.arguments();
  MY_TRY(ModelName model, model_name(invocation, arguments.text("name").value_or(package.default_name)));
  if (model.version.empty()) model.version = "1";
  return model;
}

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  MY_TRY(const payloads::Source source, source_of(invocation, arguments.positional(0)));
  MY_TRY(const payloads::Package package, payloads::make_package(source));
  MY_TRY(const ModelName model, name_of(invocation, package));
  for (const std::string& note : package.notes) fmt::print(stderr, "modelyard: {}\n", printable(note));
  Query query{{"name", model.name},
              {"version", model.version},
              {"instances", std::to_string(*arguments.integer("instances"))},
              {"memory", arguments.text("memory").value_or("")},
              {"vcores", arguments.text("vcores").value_or("")},
              {"health_path", arguments.text("health-path").value_or("")},
              {"owner", user_name(invocation)}};
  MY_TRY_VOID(add_environment(invocation, query));
  const std::string target = target_with("/api/v1/deployments", query);
  if (target.size() > kTargetMax) {
    return fail(ErrorCode::kResourceExhausted,
                "the environment is over 24 KiB; put large values into a file of the payload");
  }
  MY_TRY(Remote remote, Remote::open(invocation));
  MY_TRY(const json::Tree answer, upload(remote, target, package));
  const int64_t revision = json::get_int(answer, "revision", 1);
  const std::string shown = fmt::format("{}@{}", model.name, model.version);
  if (arguments.has("wait")) {
    if (const Status ready = wait_ready(remote, model, revision, seconds(arguments.integer("wait").value_or(60)));
        !ready) {
      if (ready.error().code() != ErrorCode::kUnavailable) invocation.exit_with(kFailed);
      invocation.next_step(
          fmt::format("It stays recorded: `modelyard status {0}` and `modelyard logs {0}` show more, "
                      "`modelyard remove {0}` ends it.",
                      shown));
      return ready;
    }
  }
  if (invocation.wants_json()) {
    invocation.out().json(answer);
  } else if (!json::get_bool(answer, "changed", true)) {
    invocation.out().line(fmt::format("{}: unchanged, revision {}", shown, revision));
  } else {
    invocation.out().line(
        fmt::format("{}: {}, revision {}", shown, arguments.has("wait") ? "ready" : "deployed", revision));
  }
  return {};
}

std::vector<Option> options() {
  return {{.name = "name", .value = "N", .text = "the model's name, or N@V; default: the folder's or file's"},
          {.name = "version", .value = "V", .text = "the version; default 1"},
          {.name = "instances",
           .kind = Option::Kind::kInteger,
           .value = "K",
           .text = "how many run",
           .fallback = "1",
           .most = 10'000},
          {.name = "memory",
           .kind = Option::Kind::kInteger,
           .value = "MB",
           .text = "memory limit of an instance; default: unlimited",
           .most = int64_t{1} << 30},
          {.name = "vcores",
           .kind = Option::Kind::kInteger,
           .value = "K",
           .text = "processors of an instance",
           .fallback = "1",
           .least = 1,
           .most = 4096},
          {.name = "env", .value = "K=V", .text = "add to the model's environment", .repeatable = true},
          {.name = "health-path",
           .value = "PATH",
           .text = "GET this path to see whether it is well; default: a TCP connect"},
          {.name = "wait",
           .kind = Option::Kind::kOptionalInteger,
           .value = "SECONDS",
           .text = "return when all instances are ready, or 1 with the reason after so many seconds; --wait alone: 60",
           .least = 1,
           .most = 86'400},
          output_option()};
}

}  // namespace

void register_deploy(CommandSet& commands) {
  commands.add(
      {.name = "deploy",
       .group = "Models",
       .summary = "deploy a model, or change what is deployed",
       .text = "SOURCE is a folder with one .sh script that starts the model and writes endpoint.dat, or "
               "FILE.py:FUNCTION, a "
               "Python function that is served as it is. A command after -- is one that listens on $PORT.\n"
               "The same name and version again sets the wanted number; a changed source is a new revision, rolled out "
               "one instance at a time: one more is started, and only when it is ready an old one is drained.\n"
               "The model gets PATH, HOME, USER, LANG, LC_*, TZ, TMPDIR, VIRTUAL_ENV, CONDA_PREFIX, LD_LIBRARY_PATH, "
               "CUDA_VISIBLE_DEVICES and *_proxy of this environment, and what --env adds.",
       .positionals = {{.name = "SOURCE", .text = "a folder, or FILE.py:FUNCTION"}},
       .options = options() + server_options(),
       .examples = {{"modelyard deploy examples/mock_dga --name dga --version 1.0 --instances 2 --wait", "a folder"},
                    {"modelyard deploy app.py:score --wait", "a Python function"},
                    {"modelyard deploy --name web -- python3 -m http.server '$PORT'", "a command"}},
       .rest = "COMMAND…",
       .run = run});
}

}  // namespace modelyard::cli
