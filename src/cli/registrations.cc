// SPDX-License-Identifier: Apache-2.0
#include "cli/registrations.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/url.h"
#include "io/descriptor.h"

namespace modelyard::cli {
namespace {

constexpr milliseconds kAnswerWithin{2'000};
constexpr seconds kReadWithin{60};
constexpr size_t kAskedAtOnce = 64;

struct Address {
  std::string host;
  uint16_t port = 0;
};

// Any scheme's host and port: only http has a url of our own kind.
Result<Address> address_of(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return fail(ErrorCode::kInvalidArgument, "it names no url");
  MY_TRY(const http::Url parsed, http::parse_url("http" + std::string(url.substr(scheme))));
  return Address{.host = parsed.host, .port = parsed.port};
}

io::Task<void> ask(JudgedRegistration& judged) {
  const auto address = address_of(judged.registration.endpoint.url);
  if (!address) {
    judged.why_not = address.error().message();
    co_return;
  }
  const Status answers = co_await io::check_connect(address->host, address->port, system_clock().now() + kAnswerWithin);
  judged.answers = answers.has_value();
  if (!answers) judged.why_not = answers.error().message();
}

io::Task<void> ask_all(io::Loop& loop, std::vector<JudgedRegistration>& all) {
  for (size_t begin = 0; begin < all.size(); begin += kAskedAtOnce) {
    io::Scope asking(loop.executor());
    const size_t end = std::min(all.size(), begin + kAskedAtOnce);
    for (size_t i = begin; i < end; ++i) asking.spawn(ask(all[i]));
    co_await asking.join();
    co_await asking.stop();
  }
}

}  // namespace

Result<std::vector<JudgedRegistration>> judge_registrations(Cluster& cluster) {
  MY_TRY(auto found, cluster.run(registry::zookeeper::read_registrations(cluster.client(), cluster.layout(),
                                                                         system_clock().now() + kReadWithin)));
  std::vector<JudgedRegistration> judged;
  for (auto& registration : found) {
    if (registration.persistent) judged.push_back({.registration = std::move(registration)});
  }
  cluster.run(ask_all(cluster.loop(), judged));
  return judged;
}

Status remove_registration(Cluster& cluster, const JudgedRegistration& judged) {
  const std::string& path = judged.registration.path;
  const SteadyTime deadline = system_clock().now() + kReadWithin;
  const auto look = [&]() -> io::Task<Status> {
    auto node = co_await cluster.client().get(path, {}, deadline);
    if (!node && node.error().code() == ErrorCode::kNotFound) co_return Status();
    if (!node) co_return fail(node.error());
    const auto now = registry::zookeeper::endpoint_from_discovery(node->data);
    const std::string url = now ? now->url : "";
    if (url != judged.registration.endpoint.url)
      co_return fail(ErrorCode::kConflict, "it was registered again meanwhile");
    co_return co_await cluster.client().remove(path, node->stat.version, deadline);
  };
  Status removed = cluster.run(look());
  if (!removed && removed.error().code() == ErrorCode::kNotFound) return {};
  if (!removed) return fail(std::move(removed).error().with_context("removing " + path));
  return {};
}

std::string text_of(const JudgedRegistration& judged) {
  const registry::Endpoint& endpoint = judged.registration.endpoint;
  return fmt::format("{}{}{} {}", endpoint.name, endpoint.version.empty() ? "" : "@", endpoint.version, endpoint.id);
}

}  // namespace modelyard::cli
