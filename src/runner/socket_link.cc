// SPDX-License-Identifier: Apache-2.0
#include "runner/socket_link.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/clock.h"
#include "http/url.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::runner {
namespace {

constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLastPause{1000};
constexpr milliseconds kAnswerTime{5000};
constexpr milliseconds kSilence{35'000};  // the controller writes a comment each 10 s

std::string target_of(const registry::InstanceSpec& spec, std::string_view what) {
  return fmt::format("/runner/v1/instances/{}/{}", http::percent_encode(spec.id), what);
}

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

}  // namespace

SocketLink::SocketLink(io::Loop& loop, const registry::InstanceSpec& spec, Random& random)
    : spec_(spec),
      random_(random),
      client_(loop),
      origin_(http::Origin::unix_socket(spec.socket)),
      changed_(loop.executor()),
      scope_(loop.executor()) {}

void SocketLink::start(OnOrder on_order) {
  on_order_ = std::move(on_order);
  scope_.spawn(run_orders());
  scope_.spawn(run_reports());
}

io::Task<void> SocketLink::withdraw(SteadyTime) { co_return; }

io::Task<void> SocketLink::stop(SteadyTime) { co_await scope_.stop(); }

milliseconds SocketLink::next_pause(milliseconds& pause) {
  pause = std::clamp(pause * 2, kFirstPause, kLastPause);
  const auto half = static_cast<uint64_t>(pause.count() / 2);
  return milliseconds(half + random_.below(half + 1));
}

void SocketLink::report(registry::RunnerReport report) {
  newest_ = std::move(report);
  ++number_;
  changed_.notify_all();
}

bool SocketLink::refuse(int status) {
  if (status != 404 && status != 409) return false;
  on_order_(Order::kDisowned);
  return true;
}

void SocketLink::obey(const std::string& data) {
  const Result<json::Tree> order = json::parse(data);
  if (!order || json::get_int(*order, "incarnation", -1) != spec_.incarnation) {
    spdlog::warn("an order of the controller was not for incarnation {}: {}", spec_.incarnation, data.substr(0, 200));
    return;
  }
  const std::string want = json::get_string(*order, "want");
  if (want == "serve") on_order_(Order::kServe);
  if (want == "drain") on_order_(Order::kDrain);
  if (want == "stop") on_order_(Order::kStop);
}

io::Task<void> SocketLink::follow_orders() {
  http::ClientRequest request;
  request.origin = origin_;
  request.target = target_of(spec_, fmt::format("orders?incarnation={}", spec_.incarnation));
  auto stream = co_await client_.open_stream(std::move(request), in(kAnswerTime));
  if (!stream) co_return;
  if (const int status = (*stream)->status(); status != 200) {
    refuse(status);
    co_return;
  }
  order_pause_ = milliseconds(0);
  // A controller that has just started knows nothing of this instance yet.
  delivered_ = 0;
  changed_.notify_all();
  http::EventSource events(std::move(*stream), size_t{1} << 20);
  while (true) {
    auto event = co_await events.next(kSilence);
    if (!event) co_return;
    if (event->name == "order") obey(event->data);
  }
}

io::Task<void> SocketLink::run_orders() {
  while (true) {
    co_await follow_orders();
    co_await io::sleep_for(next_pause(order_pause_));
  }
}

io::Task<bool> SocketLink::send(const registry::RunnerReport& report) {
  http::ClientRequest request;
  request.origin = origin_;
  request.method = "PUT";
  request.target = target_of(spec_, "report");
  request.headers.add("content-type", "application/json");
  request.body = json::dump(registry::to_json(report));
  auto answer = co_await client_.fetch(std::move(request), in(kAnswerTime));
  if (!answer) co_return false;
  if (answer->status >= 200 && answer->status < 300) co_return true;
  if (refuse(answer->status)) co_return true;
  spdlog::warn("the controller refused a report with status {}: {}", answer->status, answer->body.substr(0, 200));
  co_return false;
}

io::Task<void> SocketLink::run_reports() {
  milliseconds pause{0};
  while (true) {
    if (!newest_ || delivered_ == number_) {
      co_await changed_.wait();
      continue;
    }
    const int64_t sending = number_;
    const registry::RunnerReport report = *newest_;
    if (co_await send(report)) {
      delivered_ = sending;
      pause = milliseconds(0);
      changed_.notify_all();
    } else {
      // A newer report does not hurry: it would only meet the same closed door.
      co_await io::sleep_for(next_pause(pause));
    }
  }
}

io::Task<bool> SocketLink::flush(SteadyTime deadline) {
  while (delivered_ != number_) {
    if (!co_await changed_.wait_until(deadline)) break;
  }
  co_return delivered_ == number_;
}

}  // namespace modelyard::runner
