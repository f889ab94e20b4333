// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <unistd.h>

#include <mutex>

#include "cli/sources.h"
#include "json/tree.h"
#include "runner/try_model.h"

namespace modelyard::cli {
namespace {

// The model's lines as they come, each marked, on stderr when stdout is for a program. Used from the thread that drains
// them.
class OutputPrinter {
 public:
  explicit OutputPrinter(int fd) : fd_(fd) {}

  void take(bool is_stderr, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    std::string& pending = pending_[is_stderr ? 1 : 0];
    pending += bytes;
    size_t start = 0;
    for (size_t end; (end = pending.find('\n', start)) != std::string::npos; start = end + 1) {
      print(is_stderr, std::string_view(pending).substr(start, end - start));
    }
    pending.erase(0, start);
  }

  void finish() {
    const std::lock_guard lock(mutex_);
    for (const int i : {0, 1}) {
      if (!pending_[i].empty()) print(i == 1, pending_[i]);
      pending_[i].clear();
    }
  }

 private:
  void print(bool is_stderr, std::string_view line) const {
    const std::string text = fmt::format("  {}| {}\n", is_stderr ? "err" : "out", printable(line));
    static_cast<void>(::write(fd_, text.data(), text.size()) < 0);
  }

  int fd_;
  std::mutex mutex_;
  std::string pending_[2];
};

Result<runner::TryOptions> options_of(Invocation& invocation, std::vector<std::string> words) {
  const Arguments& arguments = invocation.arguments();
  runner::TryOptions options;
  MY_TRY(options.env, added_environment(invocation));
  options.deployer_env = inherited_environment();
  options.health_path = arguments.text("health-path").value_or("");
  options.memory_mb = arguments.integer("memory").value_or(0);
  options.function = *arguments.text("function");
  options.endpoint_wait = seconds(*arguments.integer("wait"));
  options.call_time = milliseconds(*arguments.integer("timeout"));
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return invocation.wrong_usage(fmt::format("'{}' is no k=v", word));
    options.arguments.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return options;
}

json::Tree verdict_json(const runner::TryVerdict& verdict) {
  json::Tree functions = json::Tree::object();
  for (const auto& [alias, path] : verdict.functions) functions[alias] = path;
  json::Tree call = nullptr;
  if (verdict.call) {
    call = {{"url", verdict.call->url},
            {"status", verdict.call->status},
            {"body", verdict.call->body},
            {"took_us", verdict.call->took_us}};
  }
  return {{"good", verdict.good}, {"problem", verdict.problem}, {"script", verdict.script},
          {"url", verdict.url},   {"functions", functions},     {"ready_after_ms", verdict.ready_after_ms},
          {"call", call},         {"notes", verdict.notes}};
}

void print_verdict(Output& out, const runner::TryVerdict& verdict) {
  if (!verdict.url.empty()) {
    out.line(fmt::format("{} was ready after {} ms at {}", verdict.script, verdict.ready_after_ms, verdict.url));
    for (const auto& [alias, path] : verdict.functions) out.line(fmt::format("  function {} -> {}", alias, path));
  }
  if (verdict.call) {
    out.line(fmt::format("GET {} -> {} in {:.1f} ms", printable(verdict.call->url), verdict.call->status,
                         static_cast<double>(verdict.call->took_us) / 1000));
    out.line(printable(verdict.call->body));
  }
  for (const std::string& note : verdict.notes) out.line("note: " + printable(note));
  if (verdict.good) out.line("Good: `modelyard deploy` will take it.");
}

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  std::vector<std::string> words = arguments.positionals();
  std::string source_word;
  if (!arguments.rest()) {
    source_word = words.front();
    words.erase(words.begin());
  }
  MY_TRY(runner::TryOptions options, options_of(invocation, std::move(words)));
  MY_TRY(const payloads::Source source, source_of(invocation, source_word));
  MY_TRY(const payloads::Package package, payloads::make_package(source));
  for (const std::string& note : package.notes) fmt::print(stderr, "modelyard: {}\n", printable(note));
  const bool as_json = invocation.wants_json();
  OutputPrinter printer(as_json ? 2 : 1);
  options.payload = package.folder;
  options.name = package.default_name;
  options.on_output = [&](bool is_stderr, std::string_view bytes) { printer.take(is_stderr, bytes); };
  options.on_step = [&](const std::string& line) {
    if (as_json) return;
    invocation.out().line(line);
    static_cast<void>(invocation.out().flush());
  };
  MY_TRY(const runner::TryVerdict verdict, runner::try_model(options));
  printer.finish();
  if (as_json) {
    invocation.out().json(verdict_json(verdict));
    if (!verdict.good) invocation.exit_with(kFailed);
    return {};
  }
  print_verdict(invocation.out(), verdict);
  if (!verdict.good) return fail(ErrorCode::kFailed, verdict.problem);
  return {};
}

std::vector<Option> options() {
  return {{.name = "function",
           .value = "F",
           .text = "what to call: an alias of the model, else a path",
           .fallback = "apply"},
          {.name = "env", .value = "K=V", .text = "add to the model's environment", .repeatable = true},
          {.name = "memory",
           .kind = Option::Kind::kInteger,
           .value = "MB",
           .text = "memory limit; default: unlimited",
           .most = int64_t{1} << 30},
          {.name = "health-path",
           .value = "PATH",
           .text = "GET this path to see whether it is well; default: a TCP connect"},
          {.name = "wait",
           .kind = Option::Kind::kInteger,
           .value = "SECONDS",
           .text = "for endpoint.dat",
           .fallback = "60",
           .least = 1,
           .most = 86'400},
          {.name = "timeout",
           .kind = Option::Kind::kInteger,
           .value = "MS",
           .text = "milliseconds that the call may take",
           .fallback = "10000",
           .least = 1},
          output_option()};
}

}  // namespace

void register_run(CommandSet& commands) {
  commands.add(
      {.name = "run",
       .group = "Models",
       .summary = "try a model without a server, and say what is wrong",
       .text = "Starts SOURCE as a deployed model is started: the same folder, environment and limits. Prints what it "
               "writes, "
               "judges its endpoint.dat, calls it once with the k=v, stops it, and says whether it is good.",
       .positionals = {{.name = "SOURCE", .text = "a folder, or FILE.py:FUNCTION"},
                       {.name = "k=v", .text = "arguments of the call", .required = false, .repeatable = true}},
       .options = options(),
       .examples = {{"modelyard run examples/mock_dga host=yahoo.com", "does it work?"},
                    {"modelyard run x=1 -- ./serve", "a command that listens on $PORT"}},
       .rest = "COMMAND…",
       .run = run});
}

}  // namespace modelyard::cli
