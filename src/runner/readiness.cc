// SPDX-License-Identifier: Apache-2.0
#include "runner/readiness.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "io/descriptor.h"
#include "io/file.h"

namespace modelyard::runner {
namespace {

constexpr milliseconds kProbeTime{1000};
// The machine's own name may resolve to an address that swallows packets: not waited for longer than this.
constexpr milliseconds kNameTime{250};

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

// The model owns that folder: what it puts there under this name may be a pipe, which must not hold us up.
Result<std::string> read_regular_file(const std::filesystem::path& path) {
  MY_TRY(const io::UniqueFd fd, io::open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error(errno, "reading it"));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kInvalidArgument, "it is no regular file");
  std::string text(kEndpointFileMax + 1, '\0');
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
  if (got < 0) return fail(errno_error(errno, "reading it"));
  text.resize(static_cast<size_t>(got));
  return text;
}

}  // namespace

Readiness::Readiness(io::Loop& loop, ReadinessOptions options) : options_(std::move(options)), client_(loop) {}

Result<EndpointFile> Readiness::read() const {
  Result<std::string> text = read_regular_file(options_.folder / "endpoint.dat");
  if (!text && text.error().code() == ErrorCode::kNotFound) return fail(ErrorCode::kNotFound, std::string(kNoFile));
  if (!text) return fail(ErrorCode::kInvalidArgument, "endpoint.dat cannot be read: " + text.error().message());
  Result<EndpointFile> file = parse_endpoint_file(*text);
  if (!file) return fail(std::move(file).error().with_context("endpoint.dat is malformed"));
  return file;
}

io::Task<Status> Readiness::probe(const EndpointFile& file, const std::string& host) {
  if (file.port == 0 || host.empty()) co_return Status{};
  if (!options_.health_path.empty() && file.scheme == "http") co_return co_await probe_health_path(file, host);
  co_return co_await io::check_connect(host, file.port, in(kProbeTime));
}

io::Task<Status> Readiness::probe_health_path(const EndpointFile& file, const std::string& host) {
  http::ClientRequest request;
  request.origin = http::Origin::tcp(host, file.port);
  request.target = options_.health_path.starts_with('/') ? options_.health_path : "/" + options_.health_path;
  // A kept connection would look like a client's when the instance drains.
  request.headers.add("connection", "close");
  auto answer = co_await client_.fetch(std::move(request), in(kProbeTime));
  if (!answer) co_return fail(std::move(answer).error());
  if (answer->status < 400) co_return Status{};
  co_return fail(ErrorCode::kUnavailable,
                 fmt::format("its health path {} answers {}", options_.health_path, answer->status));
}

// For a local name the loopback addresses are tried, else the host as it stands.
io::Task<std::optional<std::string>> Readiness::find_answering_host(const EndpointFile& file, std::string& note) {
  const bool v6_first = file.host == "::1" || file.host == "::";
  const std::string first = !file.host_is_local ? file.host : v6_first ? "::1" : "127.0.0.1";
  Status answered = co_await probe(file, first);
  if (answered) co_return first;
  note = fmt::format("endpoint.dat names {}, which does not answer: {}", file.url, answered.error().message());
  if (!file.host_is_local || file.host == "127.0.0.1") co_return std::nullopt;
  const std::string second = v6_first ? "127.0.0.1" : "::1";
  if (co_await probe(file, second)) co_return second;
  co_return std::nullopt;
}

io::Task<ReadyEndpoint> Readiness::name_for_clients(EndpointFile file, std::string probe_host) {
  ReadyEndpoint ready{.file = std::move(file), .probe_host = std::move(probe_host)};
  ready.url = ready.file.url;
  ready.host = ready.file.host;
  if (!ready.file.host_is_local) co_return ready;
  const std::string& name = options_.machine_name;
  const bool answers = ready.file.port == 0 || co_await io::check_connect(name, ready.file.port, in(kNameTime));
  ready.answers_on_loopback_only = !answers;
  ready.host = answers || !options_.registry_is_embedded ? name : ready.probe_host;
  ready.url = url_with_host(ready.file, ready.host);
  co_return ready;
}

io::Task<Result<ReadyEndpoint>> Readiness::wait(io::Event& wake, SteadyTime deadline, std::function<bool()> give_up,
                                                std::function<void(const std::string&)> on_note) {
  constexpr milliseconds kFirstPause{10};
  constexpr milliseconds kLastPause{100};
  milliseconds pause = kFirstPause;
  std::string note;
  std::string last_note;
  while (true) {
    if (give_up()) co_return fail(ErrorCode::kCancelled, note);
    Result<EndpointFile> file = read();
    bool look_again = false;
    if (file) {
      if (const auto host = co_await find_answering_host(*file, note))
        co_return co_await name_for_clients(*std::move(file), *host);
      look_again = true;
    } else {
      note = file.error().message();
      pause = kFirstPause;
    }
    if (note != last_note) on_note(last_note = note);
    if (give_up()) co_return fail(ErrorCode::kCancelled, note);
    if (system_clock().now() >= deadline) co_return fail(ErrorCode::kDeadline, note);
    co_await wake.wait_until(look_again ? std::min(deadline, in(pause)) : deadline);
    if (look_again) pause = std::min(pause * 2, kLastPause);
  }
}

}  // namespace modelyard::runner
