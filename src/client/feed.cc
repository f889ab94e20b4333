// SPDX-License-Identifier: Apache-2.0
#include "client/feed.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "http/message.h"

namespace modelyard::client {
namespace {

constexpr milliseconds kRequestTime{5000};
constexpr milliseconds kLastReportTime{1000};

}  // namespace

Feed::Feed(io::Loop& loop, http::Client& client, Directory& directory, Random random, FeedOptions options)
    : client_(client),
      directory_(directory),
      random_(random),
      options_(std::move(options)),
      scope_(loop.executor()),
      told_(loop.executor()) {}

Feed::~Feed() = default;

void Feed::start() {
  scope_.spawn(follow());
  scope_.spawn(report());
}

io::Task<void> Feed::stop() {
  co_await scope_.stop();
  connected_ = false;
  (void)co_await send_reports(system_clock().now() + kLastReportTime);
}

io::Task<Status> Feed::wait_for_snapshot(SteadyTime deadline, int failures_max) {
  while (!directory_.snapshot()) {
    const bool told = co_await told_.wait_until(deadline);
    const bool late = !told && system_clock().now() >= deadline;
    if (late || (failures_max > 0 && failures_ >= failures_max)) co_return fail(ErrorCode::kUnavailable, last_error_);
  }
  co_return Status();
}

http::ClientRequest Feed::request(std::string method, std::string target) const {
  http::ClientRequest out;
  out.origin = options_.server;
  out.method = std::move(method);
  out.target = std::move(target);
  if (!options_.token.empty()) out.headers.add("authorization", "Bearer " + options_.token);
  return out;
}

io::Task<void> Feed::follow() {
  milliseconds wait = options_.retry_min;
  while (true) {
    const Status status = co_await follow_once();
    // A stream that worked begins the back-off anew.
    if (connected_) wait = options_.retry_min;
    failures_ = connected_ ? 0 : failures_ + 1;
    connected_ = false;
    if (!status && status.error().message() != last_error_) {
      last_error_ = status.error().message();
      spdlog::debug("following the registry: {}", last_error_);
    }
    told_.notify_all();
    const auto jittered = wait * (0.5 + random_.unit() / 2);
    co_await io::sleep_for(std::chrono::duration_cast<std::chrono::nanoseconds>(jittered));
    wait = std::min(wait * 2, options_.retry_max);
  }
}

// Until the stream ends, fails, or leaves a gap: the next one begins with a whole snapshot.
io::Task<Status> Feed::follow_once() {
  MY_CO_TRY(std::unique_ptr<http::ClientStream> stream,
            co_await client_.open_stream(request("GET", "/api/v1/watch"), system_clock().now() + kRequestTime));
  if (stream->status() != 200) {
    const Result<std::string> body = co_await stream->read_all(system_clock().now() + kRequestTime);
    co_return fail(http::error_of(stream->status(), body.value_or("")).with_context(options_.server.text()));
  }
  http::EventSource events(std::move(stream));
  while (true) {
    MY_CO_TRY(const http::SseEvent event, co_await events.next(options_.silence_max));
    if (event.name == "snapshot") {
      size_t skipped = 0;
      MY_CO_TRY(const auto snapshot, snapshot_from_event(event.data, skipped));
      if (skipped > 0) spdlog::warn("{} malformed endpoints of the registry were skipped", skipped);
      directory_.take(snapshot);
      connected_ = true;
    } else if (event.name == "change") {
      MY_CO_TRY(const ChangeSet changes, changes_from_event(event.data));
      if (directory_.apply(changes) == SnapshotMerge::Outcome::kGap)
        co_return fail(ErrorCode::kUnavailable, "a change of the registry was missed; asking for the whole");
    }
    told_.notify_all();
  }
}

io::Task<void> Feed::report() {
  while (true) {
    co_await io::sleep_for(options_.report_each);
    (void)co_await send_reports(system_clock().now() + kRequestTime);
  }
}

io::Task<Status> Feed::send_reports(SteadyTime deadline) {
  std::vector<CallReport> reports = directory_.take_reports();
  if (reports.empty()) co_return Status();
  http::ClientRequest out = request("POST", "/api/v1/calls");
  out.headers.add("content-type", "application/json");
  out.body = reports_json(reports);
  bool sent = false;
  out.sent = &sent;
  const Result<http::ClientResponse> response = co_await client_.fetch(std::move(out), deadline);
  // Told again only if it surely was not taken: a failure counted twice would be believed.
  if (!response && !sent) directory_.give_back(std::move(reports));
  if (!response) co_return fail(response.error());
  co_return Status();
}

}  // namespace modelyard::client
