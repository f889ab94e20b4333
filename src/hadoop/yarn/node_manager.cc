// SPDX-License-Identifier: Apache-2.0
#include "hadoop/yarn/node_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "hadoop/yarn/convert.h"

namespace modelyard::hadoop::yarn {
namespace {

constexpr const char* kProtocol = "org.apache.hadoop.yarn.api.ContainerManagementProtocolPB";

SteadyTime now() { return system_clock().now(); }

std::string name_of(const NodeId& node) { return fmt::format("node manager {}", node.text()); }

// The node manager answers per container; ours is the only one of the request.
template <typename Response>
std::optional<Error> refusal_of(const Response& response, const NodeId& node) {
  if (response.failed_size() == 0) return std::nullopt;
  const pb::SerializedException& exception = response.failed(0).exception();
  return to_error(make_remote_exception(exception.class_name(), exception.message(), 0, false))
      .with_context(name_of(node));
}

template <typename Response>
Result<Response> parse(const Result<rpc::Answer>& answer, const NodeId& node) {
  if (!answer) return fail(answer.error());
  if (answer->exception) return fail(to_error(*answer->exception).with_context(name_of(node)));
  Response response;
  if (!response.ParseFromString(answer->body))
    return fail(ErrorCode::kProtocol, fmt::format("{} sent a damaged answer", name_of(node)));
  return response;
}

bool says(const Error& error, std::string_view words) { return error.message().find(words) != std::string::npos; }

bool is_unknown(const Error& error) {
  return says(error, "is not handled by this NodeManager") || says(error, "is not present");
}

}  // namespace

struct NodeManagers::Slot {
  explicit Slot(io::Executor executor) : changed(executor) {}
  std::unique_ptr<rpc::Client> client;
  bool connecting = false;
  int users = 0;
  io::Event changed;
};

// However the coroutine that connects ends, those that wait for it go on.
class NodeManagers::Connecting {
 public:
  explicit Connecting(Slot& slot) : slot_(slot) { slot_.connecting = true; }
  ~Connecting() {
    slot_.connecting = false;
    slot_.changed.notify_all();
  }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;

 private:
  Slot& slot_;
};

NodeManagers::NodeManagers(io::Executor executor, NodeManagersOptions options)
    : executor_(executor), options_(options), scope_(executor) {
  scope_.spawn(close_idle());
}

NodeManagers::~NodeManagers() = default;

size_t NodeManagers::open_connections() const {
  return static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) {
    return slot.second->client != nullptr && slot.second->client->is_open();
  }));
}

io::Task<void> NodeManagers::stop() {
  stopped_ = true;
  co_await scope_.stop();
  for (auto& [node, slot] : std::exchange(slots_, {})) {
    if (slot->client) co_await slot->client->close();
    slot->changed.notify_all();
  }
}

// One coroutine connects, others that want the same node wait for it.
io::Task<Result<std::shared_ptr<NodeManagers::Slot>>> NodeManagers::connected(NodeId node, Token nm_token) {
  const SteadyTime deadline = now() + options_.connect_timeout;
  while (true) {
    if (stopped_) co_return fail(ErrorCode::kCancelled, "stopped");
    std::shared_ptr<Slot>& entry = slots_[node];
    if (!entry) entry = std::make_shared<Slot>(executor_);
    const std::shared_ptr<Slot> slot = entry;
    if (slot->client && slot->client->is_open()) co_return slot;
    if (slot->connecting) {
      if (co_await slot->changed.wait_until(deadline)) continue;
      co_return fail(ErrorCode::kUnavailable, fmt::format("{} was not reached in time", name_of(node)));
    }
    const Connecting connecting(*slot);
    co_await make_room();
    if (const auto old = std::move(slot->client)) co_await old->close();
    rpc::ClientOptions options{.protocol = kProtocol, .token = nm_token};
    auto client = co_await rpc::Client::connect(executor_, node, std::move(options), deadline);
    if (!client) {
      const bool certain = client.error().code() == ErrorCode::kDeadline;  // nothing was asked yet
      Error error = std::move(client).error().with_context("node manager");
      co_return fail(certain ? std::move(error).with_code(ErrorCode::kUnavailable) : std::move(error));
    }
    slot->client = std::move(*client);
    if (stopped_) {
      co_await slot->client->close();
      co_return fail(ErrorCode::kCancelled, "stopped");
    }
    co_return slot;
  }
}

io::Task<Result<rpc::Answer>> NodeManagers::call(NodeId node, Token nm_token, std::string method, std::string request) {
  MY_CO_TRY(const std::shared_ptr<Slot> slot, co_await connected(node, std::move(nm_token)));
  struct Use {
    int& users;
    explicit Use(int& u) : users(++u) {}
    ~Use() { --users; }
  } use(slot->users);
  Result<rpc::Answer> answer =
      co_await slot->client->call(std::move(method), std::move(request), now() + options_.call_timeout);
  co_return answer;
}

io::Task<Status> NodeManagers::start_container(Container container, Token nm_token, LaunchContext context) {
  pb::StartContainersRequest request;
  pb::StartContainersRequest::One& one = *request.add_requests();
  set_launch_context(*one.mutable_context(), context);
  set_token(*one.mutable_container_token(), container.token);
  const Result<rpc::Answer> answer =
      co_await call(container.node, std::move(nm_token), "startContainers", request.SerializeAsString());
  MY_CO_TRY(const auto response, parse<pb::StartContainersResponse>(answer, container.node));
  if (std::optional<Error> refused = refusal_of(response, container.node)) {
    if (says(*refused, "already is running")) co_return Status();
    co_return fail(std::move(*refused));
  }
  co_return Status();
}

io::Task<Status> NodeManagers::stop_container(NodeId node, Token nm_token, ContainerId id) {
  pb::StopContainersRequest request;
  set_container_id(*request.add_container_ids(), id);
  const Result<rpc::Answer> answer =
      co_await call(node, std::move(nm_token), "stopContainers", request.SerializeAsString());
  MY_CO_TRY(const auto response, parse<pb::StopContainersResponse>(answer, node));
  if (std::optional<Error> refused = refusal_of(response, node); refused && !is_unknown(*refused))
    co_return fail(std::move(*refused));
  co_return Status();
}

io::Task<Result<ContainerStatus>> NodeManagers::fetch_status(NodeId node, Token nm_token, ContainerId id) {
  pb::GetContainerStatusesRequest request;
  set_container_id(*request.add_container_ids(), id);
  const Result<rpc::Answer> answer =
      co_await call(node, std::move(nm_token), "getContainerStatuses", request.SerializeAsString());
  MY_CO_TRY(const auto response, parse<pb::GetContainerStatusesResponse>(answer, node));
  if (std::optional<Error> refused = refusal_of(response, node))
    co_return fail(is_unknown(*refused) ? std::move(*refused).with_code(ErrorCode::kNotFound) : std::move(*refused));
  std::optional<ContainerStatus> status = response.statuses_size() > 0 ? status_of(response.statuses(0)) : std::nullopt;
  if (!status || status->id != id)
    co_return fail(ErrorCode::kProtocol, fmt::format("{} says nothing of {}", name_of(node), id.text()));
  co_return std::move(*status);
}

io::Task<void> NodeManagers::drop(NodeId node) {
  const auto found = slots_.find(node);
  if (found == slots_.end() || found->second->users > 0 || found->second->connecting) co_return;
  const std::shared_ptr<Slot> slot = found->second;
  slots_.erase(found);
  if (slot->client) co_await slot->client->close();
}

io::Task<void> NodeManagers::make_room() {
  while (open_connections() >= options_.connections_max) {
    std::optional<NodeId> oldest;
    for (const auto& [node, slot] : slots_) {
      if (!slot->client || slot->users > 0 || slot->connecting) continue;
      if (!oldest || slot->client->last_used() < slots_.at(*oldest)->client->last_used()) oldest = node;
    }
    if (!oldest) co_return;  // all are at work: one more does no harm
    co_await drop(*oldest);
  }
}

io::Task<void> NodeManagers::close_idle() {
  while (true) {
    co_await io::sleep_for(options_.idle_max / 2);
    std::vector<NodeId> idle;
    for (const auto& [node, slot] : slots_) {
      const bool is_idle = !slot->client || slot->client->last_used() + options_.idle_max / 2 < now();
      if (slot->users == 0 && !slot->connecting && is_idle) idle.push_back(node);
    }
    for (const NodeId& node : idle) co_await drop(node);
  }
}

}  // namespace modelyard::hadoop::yarn
