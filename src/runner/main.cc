// SPDX-License-Identifier: Apache-2.0
// modelyard-runner --spec DATA/instances/ID/spec.json [--lock-fd N]: starts one model instance and stays beside it.
// modelyard-runner --container: the same in a YARN container, the spec in $MODELYARD_SPEC (surroundings.h).
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "io/file.h"
#include "io/own_program.h"
#include "io/task.h"
#include "json/json.h"
#include "json/tree.h"
#include "registry/instance_folder.h"
#include "runner/prepare.h"
#include "runner/secret.h"
#include "runner/supervisor.h"

namespace modelyard::runner {
namespace {

constexpr int kUsage = 2;
constexpr int kFailed = 1;

struct Options {
  std::string spec;
  bool container = false;
  int lock_fd = -1;
};

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--container") {
      options.container = true;
      continue;
    }
    if (word != "--spec" && word != "--lock-fd")
      return fail(ErrorCode::kInvalidArgument, fmt::format("unknown option {}", word));
    if (i + 1 == argc) return fail(ErrorCode::kInvalidArgument, fmt::format("{} needs a value", word));
    const std::string_view value = argv[++i];
    if (word == "--spec") {
      options.spec = value;
      continue;
    }
    const auto fd = parse_int(value);
    if (!fd || *fd < 3 || ::fcntl(static_cast<int>(*fd), F_GETFD) < 0) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("--lock-fd {} is no open descriptor", value));
    }
    options.lock_fd = static_cast<int>(*fd);
  }
  if (options.spec.empty() && !options.container) return fail(ErrorCode::kInvalidArgument, "--spec is missing");
  if (options.container && (!options.spec.empty() || options.lock_fd >= 0))
    return fail(ErrorCode::kInvalidArgument, "--container takes neither --spec nor --lock-fd");
  return options;
}

Result<registry::InstanceSpec> read_spec(const std::string& path) {
  MY_TRY(const std::string text, io::read_file(path, size_t{4} << 20));
  MY_TRY(const json::Tree tree, json::parse(text, {.source = path}));
  MY_TRY(registry::InstanceSpec spec, registry::instance_spec_from_json(tree));
  if (spec.payload.empty() || spec.folder.empty())
    return fail(ErrorCode::kInvalidArgument, path + " names no payload or no folder");
  return spec;
}

int complain(const Error& error, int code) {
  fmt::print(stderr, "modelyard-runner: {}\n", error.message());
  return code;
}

int run(int argc, char** argv) {
  ::prctl(PR_SET_NAME, "modelyard-runner");
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  log::start(log::Format::kText, "info");
  const Result<Options> options = parse_options(argc, argv);
  if (!options) return complain(options.error(), kUsage);
  Surroundings around{.machine_name = machine_name(), .lock_fd = options->lock_fd};
  Result<std::string> secret = take_secret();
  if (!secret) return complain(secret.error(), kUsage);
  around.secret = *std::move(secret);
  const Result<registry::InstanceSpec> spec = options->container ? container_spec(around) : read_spec(options->spec);
  if (!spec) return complain(spec.error(), kUsage);
  if (around.lock_fd >= 0) ::fcntl(around.lock_fd, F_SETFD, FD_CLOEXEC);
  Guard::adopt_orphans();
  Random random = Random::from_system();
  Result<PreparedModel> model = prepare_model(*spec, around, random);
  io::Loop loop;
  Result<std::unique_ptr<ControllerLink>> link = open_link(loop, *spec, around.secret, random);
  if (!link) return complain(link.error(), kUsage);
  if (!model) return io::run_blocking(loop, report_unprepared(*spec, model.error(), **link));
  if (Status started = model->log->start(); !started) return complain(started.error(), kFailed);
  Supervisor supervisor(loop, *spec, around, *std::move(model), *std::move(link), random);
  return io::run_blocking(loop, supervisor.run());
}

}  // namespace
}  // namespace modelyard::runner

int main(int argc, char** argv) {
  modelyard::io::take_own_name();
  return modelyard::runner::run(argc, argv);
}
