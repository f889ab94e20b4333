// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>

#include "api/impl.h"
#include "base/strings.h"
#include "runner/log_reader.h"

namespace modelyard::api {
namespace {

using http::Response;
using runner::append_log_record;
using runner::FollowedFile;
using runner::last_lines;

constexpr int64_t kTailMax = 100'000;
constexpr int kFollowersMax = 64;
constexpr milliseconds kLookEach{100};
constexpr milliseconds kLookForInstancesEach{1000};

struct LogSource {
  std::string instance;
  std::filesystem::path folder;
};

// Which folders answer for the request. `previous`: the run before the present one; of an instance that does not run,
// its last.
// Where what containers wrote can be read, if nothing that is asked for lies on this machine; else empty.
std::string logs_elsewhere(const std::vector<controller::DeploymentStatus>& statuses, const NameFilter& filter,
                           std::string_view instance) {
  std::string out;
  for (const auto& status : statuses) {
    if (!filter.matches(status.deployment.name, status.deployment.version)) continue;
    for (const auto& one : status.instances) {
      const registry::Instance& record = one.instance;
      if (!instance.empty() && record.id != instance && record.container != instance) continue;
      if (record.container.empty()) return {};
      out += fmt::format("{}{} runs in {} on {}", out.empty() ? "its log is not on this machine: " : "; ", record.id,
                         record.container, record.host);
      if (!record.log_url.empty()) out += ": " + record.log_url;
    }
  }
  return out;
}

std::vector<LogSource> sources_of(const std::vector<controller::DeploymentStatus>& statuses, const NameFilter& filter,
                                  std::string_view instance, bool previous, const std::filesystem::path& data) {
  std::vector<LogSource> sources;
  for (const auto& status : statuses) {
    if (!filter.matches(status.deployment.name, status.deployment.version)) continue;
    for (const auto& one : status.instances) {
      const registry::Instance& record = one.instance;
      if (!instance.empty() && record.id != instance && record.container != instance) continue;
      const std::filesystem::path folder = data / "instances" / record.id;
      std::error_code ignored;
      if (!previous) {
        sources.push_back({record.id, folder / "log"});
      } else if (std::filesystem::is_directory(folder / "log.previous", ignored)) {
        sources.push_back({record.id, folder / "log.previous"});
      } else if (record.state == registry::InstanceState::kFailed) {
        sources.push_back({record.id, folder / "log"});
      }
    }
  }
  return sources;
}

std::string tails_of(const std::vector<LogSource>& sources, const std::vector<std::string>& streams, int64_t count) {
  std::string out;
  for (const LogSource& source : sources) {
    for (const std::string& stream : streams) {
      for (const std::string& line : last_lines(source.folder, stream, count)) {
        append_log_record(out, source.instance, stream, line);
      }
    }
  }
  return out;
}

// Present and coming files of a following request. Touched by one job of the worker at a time.
struct Follower {
  std::map<std::pair<std::string, std::string>, FollowedFile> files;

  void add(const std::vector<LogSource>& sources, const std::vector<std::string>& streams, bool from_start) {
    for (const LogSource& source : sources) {
      for (const std::string& stream : streams) {
        files.try_emplace({source.instance, stream}, source.folder / (stream + ".log"), from_start);
      }
    }
  }
  std::string read() {
    std::string out;
    for (auto& [key, file] : files) {
      for (const std::string& line : file.read_lines()) append_log_record(out, key.first, key.second, line);
    }
    return out;
  }
};

bool any_matches(const std::vector<controller::DeploymentStatus>& statuses, const NameFilter& filter) {
  for (const auto& status : statuses) {
    if (filter.matches(status.deployment.name, status.deployment.version)) return true;
  }
  return false;
}

}  // namespace

Api::Impl::Answer Api::Impl::logs(http::Request& request) {
  const auto filter = filter_of(request);
  if (!filter) co_return Response::error(filter.error());
  const auto tail = query_number(request, "tail", 200, 0, kTailMax);
  if (!tail) co_return Response::error(tail.error());
  const std::string stream(request.query("stream").value_or(""));
  if (!stream.empty() && stream != "stdout" && stream != "stderr") {
    co_return Response::error(Error(ErrorCode::kInvalidArgument, "stream must be stdout or stderr"));
  }
  const std::string instance(request.query("instance").value_or(""));
  const bool follow = request.query("follow").value_or("") == "1";
  const bool previous = request.query("previous").value_or("") == "1";
  const auto all = co_await statuses();
  const std::string of = filter->version.empty() ? filter->name : filter->name + "@" + filter->version;
  if (!any_matches(all, *filter))
    co_return Response::error(Error(ErrorCode::kNotFound, fmt::format("no deployment of {}", of)));
  const auto sources = sources_of(all, *filter, instance, previous, options_.data);
  if (!instance.empty() && sources.empty()) {
    co_return Response::error(
        Error(ErrorCode::kNotFound,
              fmt::format("{} has no {}instance {}", of, previous ? "former run of " : "", to_valid_utf8(instance))));
  }
  if (const std::string elsewhere = logs_elsewhere(all, *filter, instance); !elsewhere.empty())
    co_return Response::error(Error(ErrorCode::kUnsupported, elsewhere));
  const std::vector<std::string> streams =
      stream.empty() ? std::vector<std::string>{"stdout", "stderr"} : std::vector{stream};
  if (follow && log_followers_ >= kFollowersMax) {
    co_return Response::error(
        Error(ErrorCode::kUnavailable, fmt::format("{} others follow logs already", kFollowersMax)));
  }
  std::function<Result<std::string>()> job = [sources, streams, count = *tail] {
    return tails_of(sources, streams, count);
  };
  auto text = co_await run_on(log_worker_, parts_.loop, std::move(job));
  if (!text) co_return Response::error(text.error());
  co_return Response::streamed("application/x-ndjson",
                               [this, text = std::move(*text), follow, filter = *filter, instance,
                                streams](http::ResponseStream& out) -> io::Task<void> {
                                 if (!text.empty() && !co_await out.write(text)) co_return;
                                 if (follow) co_await follow_logs(out, filter, instance, streams);
                               });
}

io::Task<void> Api::Impl::follow_logs(http::ResponseStream& stream, NameFilter filter, std::string instance,
                                      std::vector<std::string> streams) {
  struct Count {
    int& value;
    explicit Count(int& v) : value(v) { ++value; }
    ~Count() { --value; }
  };
  const Count counted(log_followers_);
  const auto follower = std::make_shared<Follower>();
  bool first = true;
  SteadyTime look_for_instances = parts_.clock.now();
  while (!stream.closed()) {
    std::vector<LogSource> sources;
    if (parts_.clock.now() >= look_for_instances) {
      const auto all = co_await statuses();
      sources = sources_of(all, filter, instance, false, options_.data);
      look_for_instances = parts_.clock.now() + kLookForInstancesEach;
    }
    std::function<Result<std::string>()> job = [follower, sources, streams, from_start = !first] {
      follower->add(sources, streams, from_start);
      return follower->read();
    };
    const auto text = co_await run_on(log_worker_, parts_.loop, std::move(job));
    first = false;
    if (text && !text->empty() && !co_await stream.write(*text)) co_return;
    if (!stream.closed()) co_await io::sleep_for(kLookEach);
  }
}

}  // namespace modelyard::api
