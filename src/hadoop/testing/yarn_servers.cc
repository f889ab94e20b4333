// SPDX-License-Identifier: Apache-2.0
#include "hadoop/testing/yarn_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hadoop/yarn/convert.h"

namespace modelyard::hadoop::testing {
namespace {

constexpr const char* kYarn = "org.apache.hadoop.yarn.exceptions.";

Reply refuse(std::string_view name, std::string text = "") {
  return Reply::refuse(fmt::format("{}{}", kYarn, name), std::move(text));
}

yarn::ContainerId id_in(const Token& container_token) {
  return yarn::parse_container_id(container_token.identifier).value_or(yarn::ContainerId{});
}

}  // namespace

yarn::ApplicationId application_id() { return {1700000000000, 1}; }
Token am_rm_token() { return {"am-identifier", "am-password", std::string(kAmRmToken), ""}; }
Token nm_token_of(const yarn::NodeId& node) { return {"nm " + node.text(), "nm-password", std::string(kNmToken), ""}; }

Reply FakeResourceManager::handle(const std::string& method, const std::string& body) {
  if (forgets_attempt) return refuse("ApplicationAttemptNotFoundException", "the attempt is not known");
  if (method == "registerApplicationMaster") return take_register(body);
  if (!registered) return refuse("ApplicationMasterNotRegisteredException", "register first");
  if (method == "allocate") return take_allocate(body);
  pb::FinishApplicationMasterResponse response;
  response.set_is_unregistered(std::exchange(finished, true));  // the first time it is still at it
  return Reply::of(response.SerializeAsString());
}

Reply FakeResourceManager::take_register(const std::string& body) {
  if (registered)
    return refuse("InvalidApplicationMasterRequestException",
                  "Application Master is already registered : application_1");
  pb::RegisterApplicationMasterRequest request;
  request.ParseFromString(body);
  tracking_url = request.tracking_url();
  registered = true;
  ++registrations;
  response_id_ = 0;
  last_answer_.clear();
  pb::RegisterApplicationMasterResponse response;
  yarn::set_resource(*response.mutable_maximum_capability(), maximum);
  response.set_queue("default");
  for (const yarn::Container& container : previous) {
    pb::Container& out = *response.add_containers_from_previous_attempts();
    yarn::set_container_id(*out.mutable_id(), container.id);
    yarn::set_node(*out.mutable_node_id(), container.node);
    yarn::set_resource(*out.mutable_resource(), container.resource);
    out.mutable_priority()->set_priority(container.priority);
    pb::NmToken& token = *response.add_nm_tokens_from_previous_attempts();
    yarn::set_node(*token.mutable_node_id(), container.node);
    yarn::set_token(*token.mutable_token(), nm_token_of(container.node));
    containers[container.id] = {container, true};
  }
  return Reply::of(response.SerializeAsString());
}

Reply FakeResourceManager::judge_asks(const std::string& body) {
  pb::AllocateRequest request;
  if (!request.ParseFromString(body)) return refuse("YarnException", "damaged");
  for (const pb::ResourceRequest& ask : request.asks()) {
    if (!ask.has_priority() || ask.resource_name() != "*" || !ask.has_capability() || !ask.has_num_containers())
      return Reply::refuse("java.lang.NullPointerException");
    if (ask.capability().memory_mb() > maximum.memory_mb)
      return refuse("InvalidResourceRequestException", "Invalid resource request! Cannot allocate containers");
    if (!ask.node_label_expression().empty() && !labels.contains(ask.node_label_expression()))
      return refuse("InvalidLabelResourceRequestException",
                    fmt::format("Invalid label resource request, cluster do not contain , label= {}",
                                ask.node_label_expression()));
  }
  return Reply::of("");
}

Reply FakeResourceManager::take_allocate(const std::string& body) {
  ++heartbeats;
  pb::AllocateRequest request;
  request.ParseFromString(body);
  if (request.response_id() == response_id_ - 1 && !last_answer_.empty()) {
    ++repeated;
    return Reply::of(last_answer_);
  }
  if (request.response_id() != response_id_)
    return refuse("InvalidApplicationMasterRequestException",
                  fmt::format("Invalid responseId in AllocateRequest, expect responseId to be {}", response_id_));
  for (const yarn::ContainerId& id : std::exchange(unconfirmed_, {})) {
    if (const auto found = containers.find(id); found != containers.end()) found->second.acquired = true;
  }
  if (!error_class.empty()) return Reply::refuse(error_class, "as the test wants");
  if (Reply judged = judge_asks(body); judged.kind == Reply::Kind::kException) return judged;
  for (const pb::ContainerId& in : request.releases()) {
    const yarn::ContainerId id = yarn::container_id_of(in).value();
    released.push_back(id);
    complete(id, yarn::exit_status::kAborted, "Container released by application");
  }
  for (const std::string& host : request.blacklist().additions()) blacklist.insert(host);
  for (const std::string& host : request.blacklist().removals()) blacklist.erase(host);
  for (const pb::ResourceRequest& in : request.asks())
    asks[in.priority().priority()] = {yarn::resource_of(in.capability()), in.num_containers(),
                                      in.node_label_expression()};
  if (allocates) {
    for (auto& [priority, ask] : asks) {
      allocate(priority, ask);
      if (reserves && ask.count > 0) break;
    }
  }

  pb::AllocateResponse response;
  if (shut_down) response.set_command(pb::AllocateResponse::SHUTDOWN);
  response.set_response_id(++response_id_);
  int64_t free_mb = 0;
  for (const Node& node : nodes) free_mb += node.memory_mb;
  response.mutable_limit()->set_memory_mb(free_mb);
  response.set_num_cluster_nodes(static_cast<int32_t>(nodes.size()));
  for (const yarn::ContainerId& id : std::exchange(new_, {})) {
    Running& running = containers.at(id);
    unconfirmed_.push_back(id);
    pb::Container& out = *response.add_allocated();
    yarn::set_container_id(*out.mutable_id(), id);
    yarn::set_node(*out.mutable_node_id(), running.container.node);
    out.set_node_http_address(running.container.node_http);
    yarn::set_resource(*out.mutable_resource(), running.container.resource);
    out.mutable_priority()->set_priority(running.container.priority);
    yarn::set_token(*out.mutable_container_token(), {id.text(), "container-password", "ContainerToken", ""});
    if (nm_tokens_sent_.insert(running.container.node).second) {
      pb::NmToken& token = *response.add_nm_tokens();
      yarn::set_node(*token.mutable_node_id(), running.container.node);
      yarn::set_token(*token.mutable_token(), nm_token_of(running.container.node));
    }
  }
  for (const yarn::ContainerStatus& status : std::exchange(completed_, {})) {
    pb::ContainerStatus& out = *response.add_completed();
    yarn::set_container_id(*out.mutable_container_id(), status.id);
    out.set_state(pb::ContainerStatus::COMPLETE);
    out.set_exit_status(status.exit_status);
    out.set_diagnostics(status.diagnostics);
  }
  for (const yarn::NodeUpdate& update : std::exchange(updates_, {})) {
    pb::NodeReport& out = *response.add_updated_nodes();
    yarn::set_node(*out.mutable_node_id(), update.node);
    out.set_state(update.state == yarn::NodeUpdate::State::kGone ? pb::NodeReport::LOST : pb::NodeReport::RUNNING);
  }
  for (const yarn::ContainerId& id : std::exchange(preempted_, {}))
    yarn::set_container_id(*response.mutable_preempt()->mutable_strict()->add_containers()->mutable_id(), id);
  if (rolled) yarn::set_token(*response.mutable_am_rm_token(), *rolled);
  last_answer_ = response.SerializeAsString();
  return Reply::of(last_answer_);
}

void FakeResourceManager::allocate(int32_t priority, yarn::Ask& ask) {
  while (ask.count > 0 && give(priority, ask)) {
    --ask.count;
    while (extra > 0 && give(priority, ask)) --extra;
  }
}

bool FakeResourceManager::give(int32_t priority, const yarn::Ask& ask) {
  const auto node = std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) {
    return n.memory_mb >= ask.resource.memory_mb && n.label == ask.label && !blacklist.contains(n.id.host);
  });
  if (node == nodes.end()) return false;
  node->memory_mb -= ask.resource.memory_mb;
  const yarn::ContainerId id{application_id(), 1, epoch_ << 40 | ++next_container_};
  containers[id] = {{id, node->id, fmt::format("{}:8042", node->id.host), ask.resource, priority, {}}, false};
  new_.push_back(id);
  return true;
}

void FakeResourceManager::restart() {
  registered = false;
  asks.clear();
  blacklist.clear();
  new_.clear();
  unconfirmed_.clear();
  nm_tokens_sent_.clear();
  std::erase_if(containers, [](const auto& entry) { return !entry.second.acquired; });
  ++epoch_;
  next_container_ = 0;
}

void FakeResourceManager::complete(const yarn::ContainerId& id, int32_t exit_status, std::string diagnostics) {
  const auto found = containers.find(id);
  if (found == containers.end()) return;
  const yarn::Container& container = found->second.container;
  for (Node& node : nodes) {
    if (node.id == container.node) node.memory_mb += container.resource.memory_mb;
  }
  completed_.push_back({id, true, exit_status, std::move(diagnostics)});
  std::erase(new_, id);
  containers.erase(found);
}

void FakeResourceManager::lose_node(const yarn::NodeId& id) {
  std::vector<yarn::ContainerId> lost;
  for (const auto& [container, running] : containers) {
    if (running.container.node == id) lost.push_back(container);
  }
  for (const yarn::ContainerId& container : lost)
    complete(container, yarn::exit_status::kAborted, "Container released on a *lost* node");
  std::erase_if(nodes, [&](const Node& node) { return node.id == id; });
  updates_.push_back({id, yarn::NodeUpdate::State::kGone, ""});
}

Reply FakeNodeManager::handle(const std::string& method, const std::string& body) {
  if (method == "startContainers") {
    pb::StartContainersRequest request;
    request.ParseFromString(body);
    pb::StartContainersResponse response;
    for (const pb::StartContainersRequest::One& one : request.requests()) {
      const yarn::ContainerId id = id_in(yarn::token_of(one.container_token()));
      const bool twice = running.contains(id);
      if (refuses || twice) {
        pb::FailedContainer& failed = *response.add_failed();
        yarn::set_container_id(*failed.mutable_container_id(), id);
        failed.mutable_exception()->set_class_name(twice ? fmt::format("{}YarnException", kYarn) : refuses->first);
        failed.mutable_exception()->set_message(
            twice ? fmt::format("Container {} already is running on this node!!", id.text()) : refuses->second);
        continue;
      }
      Started& started = running[id];
      for (const std::string& command : one.context().commands()) started.commands.push_back(command);
      for (const auto& variable : one.context().environment()) started.environment[variable.key()] = variable.value();
      for (const auto& resource : one.context().local_resources()) {
        started.resources[resource.key()] = resource.value().resource().file();
        started.is_archive = started.is_archive || resource.value().type() == 1;
      }
      started.credentials = parse_credentials(one.context().tokens()).value();
      yarn::set_container_id(*response.add_succeeded(), id);
    }
    return Reply::of(response.SerializeAsString());
  }
  if (method == "stopContainers") {
    pb::StopContainersRequest request;
    request.ParseFromString(body);
    pb::StopContainersResponse response;
    for (const pb::ContainerId& in : request.container_ids()) {
      const yarn::ContainerId id = yarn::container_id_of(in).value();
      if (running.erase(id) == 0) {
        pb::FailedContainer& failed = *response.add_failed();
        *failed.mutable_container_id() = in;
        failed.mutable_exception()->set_message(
            fmt::format("Container {} is not handled by this NodeManager", id.text()));
        continue;
      }
      stopped.push_back(id);
      *response.add_succeeded() = in;
      if (on_stop) on_stop(id);
    }
    return Reply::of(response.SerializeAsString());
  }
  pb::GetContainerStatusesRequest request;
  request.ParseFromString(body);
  pb::GetContainerStatusesResponse response;
  for (const pb::ContainerId& in : request.container_ids()) {
    if (running.contains(yarn::container_id_of(in).value())) {
      pb::ContainerStatus& status = *response.add_statuses();
      *status.mutable_container_id() = in;
      status.set_state(pb::ContainerStatus::RUNNING);
    } else {
      pb::FailedContainer& failed = *response.add_failed();
      *failed.mutable_container_id() = in;
      failed.mutable_exception()->set_message("Container is not handled by this NodeManager");
    }
  }
  return Reply::of(response.SerializeAsString());
}

}  // namespace modelyard::hadoop::testing
