// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

#include <fmt/format.h>

#include "api/impl.h"
#include "base/strings.h"
#include "json/tree.h"

namespace modelyard::api {
namespace {

constexpr size_t kSmallBody = 1 << 20;
constexpr size_t kBulkBody = size_t{64} << 20;

}  // namespace

Result<NameFilter> filter_of(const http::Request& request) {
  NameFilter filter;
  const auto get = [&](std::string_view key) {
    const std::string_view in_path = request.parameter(key);
    return std::string(in_path.empty() ? request.query(key).value_or("") : in_path);
  };
  filter.name = get("name");
  filter.version = get("version");
  for (const auto& [what, text] : {std::pair("name", filter.name), std::pair("version", filter.version)}) {
    if (text.empty()) continue;
    if (const std::string why = why_bad_name(text); !why.empty()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} '{}': {}", what, to_valid_utf8(text), why));
    }
  }
  return filter;
}

Result<int64_t> query_number(const http::Request& request, std::string_view key, int64_t fallback, int64_t least,
                             int64_t most) {
  const auto text = request.query(key);
  if (!text) return fallback;
  const auto number = parse_int(*text);
  if (!number || *number < least || *number > most) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} must be a whole number from {} to {}", key, least, most));
  }
  return *number;
}

Api::Impl::Impl(const Parts& parts, Options options)
    : parts_(parts),
      options_(std::move(options)),
      started_(to_iso8601(parts.clock.wall())),
      hub_(parts.loop, parts.controller_loop, parts.controller),
      payload_worker_(16),
      log_worker_(256) {}

http::Handler Api::Impl::handler(Member member) {
  return [this, member](http::Request& request) {
    ++requests_;
    return (this->*member)(request);
  };
}

void Api::Impl::add_routes(http::Router& router) {
  const http::RouteOptions small{.body_bytes_max = kSmallBody};
  const auto add = [&](std::string_view method, std::string_view path, Member member) {
    router.add(method, path, handler(member), small);
  };
  add("GET", "/healthz", &Impl::healthz);
  add("GET", "/readyz", &Impl::readyz);
  add("GET", "/metrics", &Impl::metrics);
  add("GET", "/api/v1/info", &Impl::info);
  add("GET", "/api/v1/models", &Impl::models);
  add("GET", "/api/v1/deployments", &Impl::deployments);
  add("GET", "/api/v1/deployments/watch", &Impl::watch_deployments);
  add("GET", "/api/v1/deployments/{name}/{version}", &Impl::deployment);
  add("PUT", "/api/v1/deployments/{name}/{version}", &Impl::scale);
  add("DELETE", "/api/v1/deployments/{name}/{version}", &Impl::remove);
  add("DELETE", "/api/v1/deployments/{name}", &Impl::remove);
  router.add("POST", "/api/v1/deployments", handler(&Impl::deploy),
             {.body = http::BodyMode::kStreamed, .body_bytes_max = SIZE_MAX});
  add("GET", "/api/v1/watch", &Impl::watch);
  add("POST", "/api/v1/calls", &Impl::calls);
  add("GET", "/api/v1/events", &Impl::events);
  add("GET", "/api/v1/logs/{name}", &Impl::logs);
  add("GET", "/api/v1/logs/{name}/{version}", &Impl::logs);
  if (parts_.documents == nullptr) {
    add("GET", "/api/v1/documents", &Impl::no_documents);
    add("GET", "/api/v1/documents/facets", &Impl::no_documents);
    add("GET", "/api/v1/documents/watch", &Impl::no_documents);
    add("POST", "/api/v1/documents", &Impl::no_documents);
    add("GET", "/api/v1/offsets", &Impl::no_documents);
    return;
  }
  add("GET", "/api/v1/documents", &Impl::search);
  add("GET", "/api/v1/documents/facets", &Impl::facets);
  add("GET", "/api/v1/documents/watch", &Impl::watch_documents);
  router.add("POST", "/api/v1/documents", handler(&Impl::store_documents), {.body_bytes_max = kBulkBody});
  add("GET", "/api/v1/offsets", &Impl::offsets);
}

io::Task<void> Api::Impl::start() { return hub_.start(); }
io::Task<void> Api::Impl::stop() { return hub_.stop(); }

io::Task<std::vector<controller::DeploymentStatus>> Api::Impl::statuses() {
  const auto read = [](controller::Controller& controller) -> io::Task<std::vector<controller::DeploymentStatus>> {
    co_return controller.statuses();
  };
  return io::on_loop(parts_.controller_loop.executor(), read(parts_.controller));
}

io::Task<controller::Role> Api::Impl::role() {
  const auto read = [](controller::Controller& controller) -> io::Task<controller::Role> {
    co_return controller.role();
  };
  return io::on_loop(parts_.controller_loop.executor(), read(parts_.controller));
}

io::Task<std::optional<http::Response>> Api::Impl::redirect(const http::Request& request) {
  const controller::Role now = co_await role();
  if (now.leads) co_return std::nullopt;
  if (!now.leader) {
    co_return http::Response::error(Error(ErrorCode::kUnavailable, "no controller leads now: try again in a moment"));
  }
  const std::string where = now.leader->url.empty() ? now.leader->host : now.leader->url;
  auto response = http::Response::error(Error(ErrorCode::kUnavailable, "another controller leads: " + where));
  if (now.leader->url.empty()) co_return response;
  response.status = 307;
  response.headers.set("location", now.leader->url + std::string(request.target()));
  co_return response;
}

Api::Impl::Answer Api::Impl::no_documents(http::Request&) {
  co_return http::Response::error(
      Error(ErrorCode::kNotFound, "a controller of a cluster keeps no documents: ask where the sensors write them"));
}

Api::Impl::Answer Api::Impl::info(http::Request&) {
  const controller::Role now = co_await role();
  const json::Tree answer{{"version", options_.version},
                          {"host", options_.host},
                          {"data", options_.data.string()},
                          {"started", started_},
                          {"role", now.leads ? "leader" : "follower"},
                          {"leader", now.leader ? json::Tree(now.leader->url) : json::Tree(nullptr)}};
  co_return http::Response::json(200, json::dump(answer));
}

Api::Impl::Answer Api::Impl::healthz(http::Request&) { co_return http::Response::text(200, "ok\n"); }

Api::Impl::Answer Api::Impl::readyz(http::Request&) {
  struct State {
    bool settled;
    controller::Role role;
  };
  const auto read = [](controller::Controller& controller) -> io::Task<State> {
    co_return State{controller.numbers().settled, controller.role()};
  };
  const State now = co_await io::on_loop(parts_.controller_loop.executor(), read(parts_.controller));
  std::string text = "ready\n";
  if (!now.role.leads) {
    if (!now.role.leader) co_return http::Response::error(503, "unavailable", "no controller leads now");
    text += fmt::format("role: follower\nleader: {}\n", now.role.leader->url);
  } else {
    text += "role: leader\n";
  }
  if (now.settled) co_return http::Response::text(200, text);
  co_return http::Response::error(503, "unavailable",
                                  "the instances that ran before the restart are not all accounted for yet");
}

Api::Impl::Answer Api::Impl::watch(http::Request&) {
  co_return http::Response::events([this](http::SseStream& stream) { return hub_.watch_endpoints(stream); });
}

Api::Api(const Parts& parts, Options options) : impl_(std::make_unique<Impl>(parts, std::move(options))) {}
Api::~Api() = default;
void Api::add_routes(http::Router& router) { impl_->add_routes(router); }
io::Task<void> Api::start() { return impl_->start(); }
io::Task<void> Api::stop() { return impl_->stop(); }

}  // namespace modelyard::api
