// SPDX-License-Identifier: Apache-2.0
#include "cli/wait_ready.h"

#include <fmt/format.h>

#include <optional>

#include "json/tree.h"

namespace modelyard::cli {
namespace {

constexpr int kLogLinesShown = 20;

int64_t ready_of_revision(const json::Tree& deployment, int64_t revision) {
  int64_t ready = 0;
  for (const json::Tree& instance : objects_in(deployment, "instances")) {
    if (json::get_string(instance, "state") == "ready" && json::get_int(instance, "revision", revision) == revision)
      ++ready;
  }
  return ready;
}

// Of several revisions the older ones' failures say nothing of the new one: its own end the roll (update-failed).
bool fails_by_itself(const json::Tree& deployment, const std::string& state, int64_t revision) {
  if (state == "update-failed") return true;
  if (state != "crash-loop") return false;
  for (const json::Tree& instance : objects_in(deployment, "instances")) {
    if (json::get_int(instance, "revision", revision) != revision) return false;
  }
  return true;
}

// What keeps it from being ready, as far as it is known.
std::string reason_of(const json::Tree& deployment) {
  std::string reason = json::get_string(deployment, "error");
  if (!reason.empty()) return reason;
  for (const json::Tree& instance : objects_in(deployment, "instances")) {
    const std::string state = json::get_string(instance, "state");
    if (state == "ready") continue;
    if (reason = json::get_string(instance, "reason"); !reason.empty())
      return json::get_string(instance, "id") + ": " + reason;
    if (state == "starting" && json::get_string(instance, "url").empty()) {
      return json::get_string(instance, "id") + ": it has not written a complete endpoint.dat yet";
    }
    reason = fmt::format("{} is {}", json::get_string(instance, "id"), state);
  }
  return reason.empty() ? "no instance was started yet" : reason;
}

std::string last_log_lines(Remote& remote, const ModelName& model) {
  std::vector<std::string> lines;
  const auto collect = [&](const std::string& previous) {
    const std::string path = fmt::format("/api/v1/logs/{}/{}", segment(model.name), segment(model.version));
    static_cast<void>(
        remote.read_lines(target_with(path, {{"tail", std::to_string(kLogLinesShown)}, {"previous", previous}}),
                          [&](std::string_view line) {
                            if (const auto record = json::parse(line))
                              lines.push_back("  | " + json::get_string(*record, "line"));
                            return true;
                          }));
  };
  collect("");
  if (lines.empty()) collect("1");
  if (lines.size() > kLogLinesShown) lines.erase(lines.begin(), lines.end() - kLogLinesShown);
  return lines.empty() ? "" : fmt::format("\nIts last log lines:\n{}", fmt::join(lines, "\n"));
}

}  // namespace

Status wait_ready(Remote& remote, const ModelName& model, int64_t revision, std::chrono::seconds time) {
  Progress progress;
  std::optional<json::Tree> seen;
  std::optional<Error> failure;
  const std::string shown = fmt::format("{}@{}", model.name, model.version);
  const auto look = [&](std::string_view event, std::string_view data) {
    if (event != "deployments") return true;
    const auto list = json::parse(data);
    if (!list) return true;
    std::optional<json::Tree> found;
    for (const json::Tree& deployment : *list) {
      if (json::get_string(deployment, "name") == model.name &&
          json::get_string(deployment, "version") == model.version) {
        found = deployment;
      }
    }
    if (!found) {
      if (seen) failure = Error(ErrorCode::kFailed, shown + " was removed while it started");
      return !seen.has_value();
    }
    seen = std::move(found);
    const std::string state = json::get_string(*seen, "state");
    const int64_t wanted = json::get_int(*seen, "wanted");
    const int64_t ready = ready_of_revision(*seen, revision);
    progress.show(fmt::format("{}: {}, {} of {} ready", shown, state, ready, wanted));
    if (fails_by_itself(*seen, state, revision)) {
      failure = Error(ErrorCode::kFailed, fmt::format("{} is in state {}: {}", shown, state, reason_of(*seen)));
    } else if (state == "removing") {
      failure = Error(ErrorCode::kFailed, shown + " was removed while it started");
    }
    return !failure && (ready < wanted || state == "removing");
  };
  Status ended = remote.read_events("/api/v1/deployments/watch", look, time);
  progress.clear();
  if (!failure && !ended && ended.error().code() == ErrorCode::kDeadline) {
    failure = Error(ErrorCode::kDeadline,
                    fmt::format("{} is not ready after {} s: {}", shown, time.count(),
                                seen ? reason_of(*seen) : std::string("the server has not taken it up")));
  }
  if (!failure) return ended;
  std::string text = failure->message();
  if (text.find('\n') == std::string::npos) text += last_log_lines(remote, model);
  return fail(failure->code(), std::move(text));
}

}  // namespace modelyard::cli
