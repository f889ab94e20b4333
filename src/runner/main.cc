// SPDX-License-Identifier: Apache-2.0
// modelyard-runner --spec DATA/instances/ID/spec.json [--lock-fd N]: starts one model instance and stays beside it.
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
#include "io/task.h"
#include "json/json.h"
#include "json/tree.h"
#include "registry/instance_folder.h"
#include "runner/prepare.h"
#include "runner/supervisor.h"

namespace modelyard::runner {
namespace {

constexpr int kUsage = 2;
constexpr int kFailed = 1;

struct Options {
  std::string spec;
  int lock_fd = -1;
};

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
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
  if (options.spec.empty()) return fail(ErrorCode::kInvalidArgument, "--spec is missing");
  return options;
}

Result<registry::InstanceSpec> read_spec(const std::string& path) {
  MY_TRY(const std::string text, io::read_file(path, size_t{4} << 20));
  MY_TRY(const json::Tree tree, json::parse(text, {.source = path}));
  return registry::instance_spec_from_json(tree);
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
  const Result<registry::InstanceSpec> spec = read_spec(options->spec);
  if (!spec) return complain(spec.error(), kUsage);
  if (options->lock_fd >= 0) ::fcntl(options->lock_fd, F_SETFD, FD_CLOEXEC);
  Guard::adopt_orphans();
  Random random = Random::from_system();
  Result<PreparedModel> model = prepare_model(*spec, options->lock_fd, random);
  io::Loop loop;
  if (!model) return io::run_blocking(loop, report_unprepared(loop, *spec, model.error(), random));
  if (Status started = model->log->start(); !started) return complain(started.error(), kFailed);
  Supervisor supervisor(loop, *spec, *std::move(model), random);
  return io::run_blocking(loop, supervisor.run());
}

}  // namespace
}  // namespace modelyard::runner

int main(int argc, char** argv) { return modelyard::runner::run(argc, argv); }
