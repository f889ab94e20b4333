// SPDX-License-Identifier: Apache-2.0
#include "hadoop/yarn/master_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hadoop/yarn/convert.h"

namespace modelyard::hadoop::yarn {
namespace {

constexpr size_t kReleasesMax = 100'000;

constexpr std::string_view kRegister = "registerApplicationMaster";
constexpr std::string_view kAllocate = "allocate";
constexpr std::string_view kFinish = "finishApplicationMaster";

template <typename Message>
Result<Message> parse(const std::string& body) {
  Message message;
  if (!message.ParseFromString(body)) return fail(ErrorCode::kProtocol, "the resource manager sent a damaged answer");
  return message;
}

NodeUpdate::State state_of(pb::NodeReport::State state) {
  switch (state) {
    case pb::NodeReport::NEW:
    case pb::NodeReport::RUNNING:
    case pb::NodeReport::DECOMMISSIONING: return NodeUpdate::State::kUsable;
    case pb::NodeReport::UNHEALTHY: return NodeUpdate::State::kUnhealthy;
    default: return NodeUpdate::State::kGone;
  }
}

bool is_about_asks(std::string_view name) {
  return name == "InvalidResourceRequestException" || name == "InvalidLabelResourceRequestException" ||
         name == "SchedulerInvalidResourceRequestException";
}

}  // namespace

// The table
// ------------------------------------------------------------------------------------------------------------

const Token* MasterMachine::nm_token(const NodeId& node) const {
  const auto found = nm_tokens_.find(node);
  return found == nm_tokens_.end() ? nullptr : &found->second;
}

Status MasterMachine::judge(const Resource& resource) const {
  if (maximum_.memory_mb <= 0) return {};  // not registered yet
  if (resource.memory_mb > maximum_.memory_mb)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} MB are asked for; the cluster gives a container {} MB at most", resource.memory_mb,
                            maximum_.memory_mb));
  if (resource.vcores > maximum_.vcores)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} vcores are asked for; the cluster gives a container {} at most", resource.vcores,
                            maximum_.vcores));
  return {};
}

Status MasterMachine::want(int32_t priority, Ask ask) {
  if (ask.count > 0) MY_TRY_VOID(judge(ask.resource));
  const auto found = asks_.find(priority);
  if (found == asks_.end() ? ask.count <= 0 : found->second == ask) return {};
  asks_[priority] = std::move(ask);
  changed_asks_.insert(priority);
  return {};
}

std::optional<Ask> MasterMachine::wanted(int32_t priority) const {
  const auto found = asks_.find(priority);
  return found == asks_.end() ? std::nullopt : std::optional<Ask>(found->second);
}

bool MasterMachine::wants_any() const {
  return std::any_of(asks_.begin(), asks_.end(), [](const auto& ask) { return ask.second.count > 0; });
}

void MasterMachine::release(const ContainerId& id) {
  if (releases_.size() >= kReleasesMax) releases_.erase(releases_.begin());
  releases_.insert(id);
  changed_releases_.insert(id);
}

bool MasterMachine::blacklist(const std::string& host, bool listed) {
  if (listed == blacklist_.contains(host)) return true;
  if (listed && blacklist_.size() >= options_.blacklist_max) return false;
  if (listed) {
    blacklist_.insert(host);
  } else {
    blacklist_.erase(host);
  }
  blacklist_changes_.insert(host);
  return true;
}

void MasterMachine::finish(bool succeeded, std::string diagnostics, std::string tracking_url) {
  pb::FinishApplicationMasterRequest request;
  request.set_diagnostics(std::move(diagnostics));
  request.set_tracking_url(std::move(tracking_url));
  request.set_final_status(succeeded ? 1 : 2);
  finish_body_ = request.SerializeAsString();
  finishing_ = true;
}

bool MasterMachine::has_changes() const {
  return !changed_asks_.empty() || !changed_releases_.empty() || !blacklist_changes_.empty() || finishing_ ||
         state_ == State::kRegistering;
}

// Requests
// -------------------------------------------------------------------------------------------------------------

MasterMachine::Request MasterMachine::next() {
  if (under_way_) return *under_way_;
  if (state_ == State::kRegistering) {
    pb::RegisterApplicationMasterRequest request;
    request.set_host(options_.host);
    request.set_rpc_port(options_.port);
    request.set_tracking_url(options_.tracking_url);
    under_way_ = {std::string(kRegister), request.SerializeAsString()};
  } else if (finishing_) {
    state_ = State::kFinishing;
    under_way_ = {std::string(kFinish), finish_body_};
  } else {
    under_way_ = {std::string(kAllocate), make_allocate()};
  }
  return *under_way_;
}

std::string MasterMachine::make_allocate() {
  pb::AllocateRequest request;
  add_asks(request);
  for (const ContainerId& id : changed_releases_) set_container_id(*request.add_releases(), id);
  sent_releases_ = std::exchange(changed_releases_, {});
  for (const std::string& host : blacklist_changes_) {
    if (blacklist_.contains(host)) {
      request.mutable_blacklist()->add_additions(host);
    } else {
      request.mutable_blacklist()->add_removals(host);
    }
  }
  sent_blacklist_ = std::exchange(blacklist_changes_, {});
  request.set_response_id(response_id_);
  request.set_progress(0);
  return request.SerializeAsString();
}

void MasterMachine::add_asks(pb::AllocateRequest& request) {
  sent_asks_.clear();
  for (const int32_t priority : changed_asks_) {
    if (one_by_one_ && !sent_asks_.empty()) break;
    const Ask& ask = asks_.at(priority);
    pb::ResourceRequest& out = *request.add_asks();
    out.mutable_priority()->set_priority(priority);
    out.set_resource_name("*");
    set_resource(*out.mutable_capability(), ask.resource);
    out.set_num_containers(ask.count);
    out.set_relax_locality(true);
    if (!ask.label.empty()) out.set_node_label_expression(ask.label);
    sent_asks_.insert(priority);
  }
  for (const int32_t priority : sent_asks_) changed_asks_.erase(priority);
}

// Answers
// --------------------------------------------------------------------------------------------------------------

Result<MasterEvents> MasterMachine::take(const rpc::Answer& answer) {
  const std::string method = under_way_ ? under_way_->method : "";
  under_way_.reset();
  if (method == kRegister) return take_register(answer);
  if (method == kAllocate) return take_allocate(answer);
  if (method == kFinish) return take_finish(answer);
  return fail(ErrorCode::kInternal, "an answer to no request");
}

Result<MasterEvents> MasterMachine::take_register(const rpc::Answer& answer) {
  MasterEvents events;
  if (answer.exception) {
    // Our own registration of before, whose answer was lost.
    const bool already = answer.exception->short_class() == "InvalidApplicationMasterRequestException" &&
                         answer.exception->message.find("already registered") != std::string::npos;
    if (!already) return take_refusal(*answer.exception);
  } else {
    MY_TRY(const auto response, parse<pb::RegisterApplicationMasterResponse>(answer.body));
    maximum_ = resource_of(response.maximum_capability());
    queue_ = response.queue();
    for (const pb::NmToken& token : response.nm_tokens_from_previous_attempts()) take_nm_token(token);
    for (const pb::Container& in : response.containers_from_previous_attempts()) {
      if (std::optional<Container> container = container_of(in)) events.previous.push_back(std::move(*container));
    }
  }
  state_ = State::kRegistered;
  response_id_ = 0;
  events.registered = true;
  return events;
}

Result<MasterEvents> MasterMachine::take_allocate(const rpc::Answer& answer) {
  if (answer.exception) return take_refusal(*answer.exception);
  MY_TRY(const auto response, parse<pb::AllocateResponse>(answer.body));
  MasterEvents events;
  if (response.has_command() && response.command() == pb::AllocateResponse::SHUTDOWN) {
    shut_down("the resource manager says that this attempt is over");
    return events;
  }
  if (response.has_command()) {
    begin_again();
    return events;
  }
  response_id_ = response.response_id();
  sent_asks_.clear();
  sent_releases_.clear();
  sent_blacklist_.clear();
  if (changed_asks_.empty()) one_by_one_ = false;
  if (response.has_limit()) headroom_ = resource_of(response.limit());
  if (response.has_num_cluster_nodes()) cluster_nodes_ = response.num_cluster_nodes();
  // From the roll of the master key until the new one counts it comes with every answer; the open connection stays
  // good.
  if (response.has_am_rm_token() && !response.am_rm_token().identifier().empty()) {
    token_ = token_of(response.am_rm_token());
    token_.kind = kAmRmToken;
  }
  for (const pb::NmToken& token : response.nm_tokens()) take_nm_token(token);
  take_containers(response, events);
  std::erase_if(asks_, [this](const auto& ask) { return ask.second.count <= 0 && !changed_asks_.contains(ask.first); });
  for (const pb::NodeReport& report : response.updated_nodes())
    events.nodes.push_back(
        {node_of(report.node_id()), state_of(report.state()), report.health_report().substr(0, 500)});
  return events;
}

void MasterMachine::take_containers(const pb::AllocateResponse& response, MasterEvents& events) {
  for (const pb::Container& in : response.allocated()) {
    std::optional<Container> container = container_of(in);
    if (!container) continue;
    const auto ask = asks_.find(container->priority);
    if (ask == asks_.end() || ask->second.count <= 0) {
      release(container->id);
      ++events.over_allocated;
      continue;
    }
    --ask->second.count;
    events.allocated.push_back(std::move(*container));
  }
  for (const pb::ContainerStatus& in : response.completed()) {
    std::optional<ContainerStatus> status = status_of(in);
    if (!status) continue;
    status->complete = true;
    releases_.erase(status->id);
    changed_releases_.erase(status->id);
    events.completed.push_back(std::move(*status));
  }
  for (const pb::Container& in : response.containers_from_previous_attempts()) {
    if (std::optional<Container> container = container_of(in)) events.previous.push_back(std::move(*container));
  }
  for (const auto* entries : {&response.preempt().strict().containers(), &response.preempt().contract().containers()}) {
    for (const pb::PreemptionMessage::Entry& entry : *entries) {
      if (const auto id = container_id_of(entry.id())) events.preempted.push_back(*id);
    }
  }
}

void MasterMachine::take_nm_token(const pb::NmToken& token) {
  nm_tokens_[node_of(token.node_id())] = token_of(token.token());
}

Result<MasterEvents> MasterMachine::take_finish(const rpc::Answer& answer) {
  if (answer.exception) return take_refusal(*answer.exception);
  MY_TRY(const auto response, parse<pb::FinishApplicationMasterResponse>(answer.body));
  if (response.is_unregistered()) state_ = State::kFinished;
  return MasterEvents{};
}

Result<MasterEvents> MasterMachine::take_refusal(const RemoteException& exception) {
  const std::string_view name = exception.short_class();
  if (name == "ApplicationMasterNotRegisteredException") {
    begin_again();
    return MasterEvents{};
  }
  if (name == "ApplicationAttemptNotFoundException" || name == "ApplicationNotFoundException" ||
      name == "InvalidToken") {
    shut_down(to_error(exception).message());
    return MasterEvents{};
  }
  if (is_about_asks(name) && !sent_asks_.empty()) return take_refused_asks(exception);
  // The request was not carried out: it is made anew from what it was to say.
  changed_asks_.insert(sent_asks_.begin(), sent_asks_.end());
  changed_releases_.insert(sent_releases_.begin(), sent_releases_.end());
  blacklist_changes_.insert(sent_blacklist_.begin(), sent_blacklist_.end());
  return fail(to_error(exception));
}

// The resource manager refuses a request whole for one bad ask: they are then sent one at a time, and the bad one goes.
Result<MasterEvents> MasterMachine::take_refused_asks(const RemoteException& exception) {
  MasterEvents events;
  changed_releases_.insert(sent_releases_.begin(), sent_releases_.end());
  blacklist_changes_.insert(sent_blacklist_.begin(), sent_blacklist_.end());
  if (sent_asks_.size() == 1) {
    const int32_t priority = *sent_asks_.begin();
    asks_.erase(priority);
    changed_asks_.erase(priority);
    events.refused.push_back({priority, exception.message});
  } else {
    changed_asks_.insert(sent_asks_.begin(), sent_asks_.end());
    one_by_one_ = true;
  }
  sent_asks_.clear();
  return events;
}

// The resource manager knows nothing of us: a new one, or the same after a restart. Containers run on.
void MasterMachine::begin_again() {
  state_ = State::kRegistering;
  response_id_ = 0;
  changed_asks_.clear();
  std::erase_if(asks_, [](const auto& ask) { return ask.second.count <= 0; });
  for (const auto& [priority, ask] : asks_) changed_asks_.insert(priority);
  changed_releases_ = releases_;
  blacklist_changes_ = blacklist_;
}

void MasterMachine::shut_down(std::string reason) {
  state_ = State::kShutDown;
  shutdown_reason_ = std::move(reason);
}

}  // namespace modelyard::hadoop::yarn
