// SPDX-License-Identifier: Apache-2.0
#include "cli/remote.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "cli/cluster.h"
#include "cli/hdfs_upload.h"
#include "http/client.h"
#include "http/message.h"
#include "io/file.h"
#include "io/task.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

constexpr std::chrono::seconds kAnswerWithin{30};
constexpr std::chrono::minutes kUploadWithin{60};
constexpr std::chrono::seconds kOpenWithin{10};
constexpr int64_t kPageMax = 1000;
constexpr size_t kLineMax = size_t{16} << 20;
constexpr size_t kAnswerMax = size_t{256} << 20;

SteadyTime in(std::chrono::nanoseconds time) {
  return system_clock().now() + std::chrono::duration_cast<SteadyTime::duration>(time);
}

}  // namespace

struct Remote::State {
  ServerAddress address;
  http::Origin origin;
  std::string base_path;  // of the URL, without the last '/'
  io::Loop loop;
  http::Client client{loop};

  http::ClientRequest request(std::string method, const std::string& target) const {
    http::ClientRequest made{.origin = origin, .method = std::move(method), .target = base_path + target};
    made.response_bytes_max = kAnswerMax;
    made.headers.add("accept", "application/json");
    if (!address.token.empty()) made.headers.add("authorization", "Bearer " + address.token);
    return made;
  }

  Error named(Error error) const { return std::move(error).with_context(address.url); }

  // next_page: what the header Modelyard-Next says.
  io::Task<Result<json::Tree>> exchange(http::ClientRequest request, SteadyTime deadline,
                                        std::string* next_page = nullptr) {
    auto response = co_await client.fetch(std::move(request), deadline);
    if (!response) co_return fail(named(std::move(response).error()));
    if (response->status >= 300) co_return fail(http::error_of(response->status, response->body));
    if (next_page) *next_page = response->headers.get("modelyard-next").value_or("");
    if (response->body.empty()) co_return json::Tree(nullptr);
    auto tree = json::parse(response->body);
    if (!tree) {
      co_return fail(ErrorCode::kProtocol,
                     fmt::format("{} answered something that is no JSON: is it a modelyard server?", address.url));
    }
    co_return std::move(*tree);
  }

  io::Task<Result<std::unique_ptr<http::ClientStream>>> open_stream(std::string target) {
    auto stream = co_await client.open_stream(request("GET", target), in(kOpenWithin));
    if (!stream) co_return fail(named(std::move(stream).error()));
    if ((*stream)->status() >= 300) {
      MY_CO_TRY(const std::string body, co_await (*stream)->read_all(in(kOpenWithin)));
      co_return fail(http::error_of((*stream)->status(), body));
    }
    co_return std::move(*stream);
  }

  io::Task<Status> lines(std::string target, const OnLine& on_line) {
    MY_CO_TRY(const auto stream, co_await open_stream(std::move(target)));
    std::string pending;
    while (true) {
      auto chunk = co_await stream->read_chunk(SteadyTime::max());
      if (!chunk) co_return fail(named(std::move(chunk).error()));
      if (chunk->empty()) break;
      pending += *chunk;
      size_t start = 0;
      for (size_t end; (end = pending.find('\n', start)) != std::string::npos; start = end + 1) {
        if (!on_line(std::string_view(pending).substr(start, end - start))) co_return Status();
      }
      pending.erase(0, start);
      if (pending.size() > kLineMax)
        co_return fail(ErrorCode::kResourceExhausted, "a line of the answer is over 16 MiB");
    }
    if (!pending.empty()) on_line(pending);
    co_return Status();
  }

  io::Task<Status> events(std::string target, const OnEvent& on_event, std::chrono::milliseconds wait) {
    MY_CO_TRY(auto stream, co_await open_stream(std::move(target)));
    http::EventSource source(std::move(stream));
    const SteadyTime deadline = in(wait);
    constexpr milliseconds kSilence{30'000};
    while (true) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - system_clock().now());
      if (left.count() <= 0) co_return fail(ErrorCode::kDeadline, "the time is up");
      auto event = co_await source.next(std::min(left, kSilence));
      if (!event && event.error().code() == ErrorCode::kDeadline && left <= kSilence) {
        co_return fail(ErrorCode::kDeadline, "the time is up");
      }
      if (!event) co_return fail(named(std::move(event).error()).with_code(ErrorCode::kUnavailable));
      if (!on_event(event->name, event->data)) co_return Status();
    }
  }
};

namespace {

Result<std::string> given_token(Invocation& invocation) {
  if (const auto file = invocation.arguments().text("token-file")) {
    auto token = io::read_file(*file, 4096);
    if (!token) return fail(std::move(token).error().with_context("--token-file"));
    return std::string(trim_ascii(*token));
  }
  return invocation.environment("MODELYARD_TOKEN").value_or("");
}

Result<ServerAddress> named_server(Invocation& invocation) {
  ServerAddress address;
  address.url = invocation.arguments().text("server").value_or(
      invocation.environment("MODELYARD_SERVER").value_or("http://127.0.0.1:8800"));
  if (address.url.find("://") == std::string::npos) address.url = "http://" + address.url;
  while (address.url.ends_with('/')) address.url.pop_back();
  MY_TRY(address.token, given_token(invocation));
  return address;
}

// "file:/…" of this machine, or "hdfs://…" by the cluster's configuration, with the rights of whoever asks.
Result<std::string> token_at(Invocation& invocation, const std::string& place) {
  constexpr std::string_view kFile = "file:";
  constexpr size_t kTokenMax = 4096;
  if (place.starts_with(kFile)) return io::read_file(place.substr(kFile.size()), kTokenMax);
  const auto environment = [&](const std::string& name) { return invocation.environment(name); };
  MY_TRY(const hadoop::Configuration configuration, hadoop::Configuration::load_from_environment(environment));
  MY_TRY(hadoop::FileSystemAddress file_system, configuration.file_system(place));
  MY_TRY(const hadoop::RestOptions rest, rest_options(configuration, environment));
  hadoop::WebHdfs hdfs(std::move(file_system), rest);
  return hdfs.read_text(place, kTokenMax);
}

Result<ServerAddress> leader_address(Invocation& invocation, const client::ZookeeperAddress& place) {
  MY_TRY(Cluster cluster, Cluster::open(invocation, place));
  auto leader = cluster.leader();
  if (!leader) {
    invocation.advise(
        ErrorCode::kUnavailable,
        fmt::format("Start one with `modelyard controller --zk {0}`. `modelyard list --zk {0}`, call, watch "
                    "and gateway work without a controller.",
                    place.quorum));
    return fail(std::move(leader).error());
  }
  if (leader->url.empty()) {
    return fail(ErrorCode::kUnavailable, fmt::format("the controller that leads, on {}, serves no HTTP", leader->host));
  }
  invocation.advise(ErrorCode::kUnavailable,
                    fmt::format("The controller that leads runs on {} (pid {}) and names this address; if it has just "
                                "ended, another takes over within its session's time.",
                                leader->host, leader->pid));
  ServerAddress address{.url = leader->url};
  MY_TRY(address.token, given_token(invocation));
  if (address.token.empty() && !leader->token_place.empty()) {
    if (auto token = token_at(invocation, leader->token_place)) {
      address.token = trim_ascii(*token);
    } else {
      // Without it the server refuses; then this says where a person finds it.
      invocation.advise(ErrorCode::kUnauthenticated,
                        fmt::format("The controller's token is in {}, which was not read: {}. --token-file FILE and "
                                    "$MODELYARD_TOKEN give it too.",
                                    leader->token_place, token.error().message()));
    }
  }
  return address;
}

}  // namespace

Result<ServerAddress> server_address(Invocation& invocation) {
  MY_TRY(const auto cluster, cluster_address(invocation));
  if (cluster) return leader_address(invocation, *cluster);
  return named_server(invocation);
}

Result<EndpointPlace> endpoint_place(Invocation& invocation) {
  EndpointPlace place;
  MY_TRY(place.zookeeper, cluster_address(invocation));
  if (place.zookeeper) return place;
  MY_TRY(place.server, named_server(invocation));
  return place;
}

Result<Remote> Remote::open(Invocation& invocation) {
  MY_TRY(ServerAddress address, server_address(invocation));
  auto remote = open(std::move(address));
  if (!remote) return invocation.wrong_usage("--server: " + remote.error().message());
  return remote;
}

Result<Remote> Remote::open(ServerAddress address) {
  MY_TRY(const http::Url url, http::parse_url(address.url));
  auto state = std::make_unique<State>();
  state->origin = http::Origin::of(url);
  state->base_path = url.path == "/" ? "" : url.path;
  state->address = std::move(address);
  return Remote(std::move(state));
}

Remote::Remote(std::unique_ptr<State> state) : state_(std::move(state)) {}
Remote::Remote(Remote&&) noexcept = default;
Remote::~Remote() = default;

const std::string& Remote::url() const { return state_->address.url; }

Result<json::Tree> Remote::get(const std::string& target) {
  return io::run_blocking(state_->loop, state_->exchange(state_->request("GET", target), in(kAnswerWithin)));
}

namespace {

Status require_objects(const json::Tree& answer, const std::string& url) {
  if (answer.is_array() && std::ranges::all_of(answer, [](const json::Tree& item) { return item.is_object(); }))
    return {};
  return fail(ErrorCode::kProtocol, fmt::format("{} did not answer with a list: is it a modelyard server?", url));
}

}  // namespace

Result<json::Tree> Remote::get_list(const std::string& target) {
  MY_TRY(json::Tree answer, get(target));
  MY_TRY_VOID(require_objects(answer, url()));
  return answer;
}

Status Remote::get_pages(const std::string& path, std::vector<std::pair<std::string, std::string>> query, int64_t limit,
                         const std::function<void(const json::Tree& items)>& on_items) {
  query.emplace_back("limit", "");
  query.emplace_back("before", "");
  while (limit > 0) {
    query[query.size() - 2].second = std::to_string(std::min(limit, kPageMax));
    std::string next;
    auto exchange = state_->exchange(state_->request("GET", target_with(path, query)), in(kAnswerWithin), &next);
    MY_TRY(const json::Tree page, io::run_blocking(state_->loop, std::move(exchange)));
    MY_TRY_VOID(require_objects(page, url()));
    on_items(page);
    limit -= static_cast<int64_t>(page.size());
    if (next.empty() || next == query.back().second) break;
    query.back().second = std::move(next);
  }
  return {};
}

Result<json::Tree> Remote::send(const std::string& method, const std::string& target, const std::string& body) {
  http::ClientRequest request = state_->request(method, target);
  request.body = body;
  if (!body.empty()) request.headers.add("content-type", "application/json");
  return io::run_blocking(state_->loop, state_->exchange(std::move(request), in(kAnswerWithin)));
}

Result<json::Tree> Remote::upload(const std::string& target, std::function<Result<std::string>()> next) {
  http::ClientRequest request = state_->request("POST", target);
  request.headers.add("content-type", "application/x-tar");
  request.body_source = [next = std::move(next)]() -> io::Task<Result<std::string>> { co_return next(); };
  return io::run_blocking(state_->loop, state_->exchange(std::move(request), in(kUploadWithin)));
}

Status Remote::read_lines(const std::string& target, const OnLine& on_line) {
  return io::run_blocking(state_->loop, state_->lines(target, on_line));
}

Status Remote::read_events(const std::string& target, const OnEvent& on_event, std::chrono::milliseconds wait) {
  return io::run_blocking(state_->loop, state_->events(target, on_event, wait));
}

}  // namespace modelyard::cli
