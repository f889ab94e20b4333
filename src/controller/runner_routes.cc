// SPDX-License-Identifier: Apache-2.0
#include "controller/runner_routes.h"

#include <deque>
#include <memory>

#include "base/strings.h"
#include "controller/controller.h"
#include "http/router.h"
#include "json/tree.h"
#include "json/writer.h"

namespace modelyard::controller {
namespace {

constexpr size_t kReportBytesMax = 256 << 10;

// What one open connection of a runner holds. The lease ends with it.
struct OpenOrders {
  explicit OpenOrders(io::Executor executor) : wake(executor) {}
  io::Event wake;
  std::deque<Order> waiting;
  Controller::Subscription lease;
};

std::string to_text(const Order& order) {
  std::string text;
  json::Writer writer(text);
  writer.begin_object();
  writer.key("want");
  writer.string(order.want);
  writer.key("incarnation");
  writer.number(order.incarnation);
  writer.end_object();
  return text;
}

io::Task<void> send_orders(http::SseStream& stream, std::shared_ptr<OpenOrders> open) {
  for (;;) {
    while (!open->waiting.empty()) {
      const std::string text = to_text(open->waiting.front());
      open->waiting.pop_front();
      if (!co_await stream.send("order", text)) co_return;
    }
    if (!co_await stream.wait(open->wake)) co_return;
  }
}

io::Task<http::Response> orders(Controller& controller, http::Request& request) {
  const std::string id(request.parameter("id"));
  const auto incarnation = parse_int(request.query("incarnation").value_or(""));
  if (!incarnation) {
    co_return http::Response::error(Error(ErrorCode::kInvalidArgument, "the query needs incarnation=NUMBER"));
  }
  auto open = std::make_shared<OpenOrders>(co_await io::asio::this_coro::executor);
  std::weak_ptr<OpenOrders> weak = open;
  std::function<void(const Order&)> callback = [weak](const Order& order) {
    if (const auto still = weak.lock()) {
      still->waiting.push_back(order);
      still->wake.notify_all();
    }
  };
  auto lease = controller.open_lease(id, *incarnation, std::move(callback));
  if (!lease) co_return http::Response::error(lease.error());
  open->lease = std::move(*lease);
  std::function<io::Task<void>(http::SseStream&)> body = [open](http::SseStream& stream) {
    return send_orders(stream, open);
  };
  co_return http::Response::events(std::move(body));
}

io::Task<http::Response> report(Controller& controller, http::Request& request) {
  auto tree = json::parse(request.body, {.source = "report"});
  if (!tree) co_return http::Response::error(tree.error());
  auto parsed = registry::runner_report_from_json(*tree);
  if (!parsed) co_return http::Response::error(parsed.error());
  if (parsed->id != request.parameter("id")) {
    co_return http::Response::error(
        Error(ErrorCode::kInvalidArgument, "the report is of another instance than the path"));
  }
  const Status taken = co_await controller.report(std::move(*parsed));
  if (!taken) co_return http::Response::error(taken.error());
  co_return http::Response::empty(204);
}

}  // namespace

void add_runner_routes(http::Router& router, Controller& controller) {
  router.add("GET", "/runner/v1/instances/{id}/orders",
             [&controller](http::Request& request) { return orders(controller, request); });
  router.add("PUT", "/runner/v1/instances/{id}/report",
             [&controller](http::Request& request) { return report(controller, request); },
             {.body_bytes_max = kReportBytesMax});
}

}  // namespace modelyard::controller
