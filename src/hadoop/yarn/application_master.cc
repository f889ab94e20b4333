// SPDX-License-Identifier: Apache-2.0
#include "hadoop/yarn/application_master.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace modelyard::hadoop::yarn {
namespace {

constexpr const char* kProtocol = "org.apache.hadoop.yarn.api.ApplicationMasterProtocolPB";

bool has_any(const MasterEvents& events) {
  return events.registered || !events.allocated.empty() || !events.completed.empty() || !events.previous.empty() ||
         !events.nodes.empty() || !events.preempted.empty() || !events.refused.empty() || events.over_allocated > 0;
}

SteadyTime now() { return system_clock().now(); }

}  // namespace

ApplicationMaster::ApplicationMaster(io::Executor executor, ApplicationMasterOptions options, Random random)
    : executor_(executor),
      options_(std::move(options)),
      random_(random),
      machine_(options_.master),
      retry_(options_.retry_min),
      wake_(executor),
      changed_(executor),
      scope_(executor) {}

ApplicationMaster::~ApplicationMaster() = default;

void ApplicationMaster::wake() { wake_.notify_all(); }

io::Task<Status> ApplicationMaster::start(SteadyTime deadline) {
  if (options_.resource_managers.empty())
    co_return fail(ErrorCode::kInvalidArgument, "no address of a resource manager is known");
  scope_.spawn(run());
  while (machine_.state() == MasterMachine::State::kRegistering && !ended_) {
    if (!co_await changed_.wait_until(deadline))
      co_return fail(ErrorCode::kDeadline, fmt::format("registering with the resource manager: {}",
                                                       trouble_.empty() ? "no answer in time" : trouble_));
  }
  if (machine_.state() == MasterMachine::State::kShutDown)
    co_return fail(ErrorCode::kUnauthenticated, machine_.shutdown_reason());
  if (ended_) co_return fail(ErrorCode::kUnauthenticated, trouble_);
  co_return Status();
}

io::Task<Status> ApplicationMaster::finish(bool succeeded, std::string diagnostics, std::string tracking_url,
                                           SteadyTime deadline) {
  machine_.finish(succeeded, std::move(diagnostics), std::move(tracking_url));
  wake();
  while (!ended_) {
    if (!co_await changed_.wait_until(deadline))
      co_return fail(ErrorCode::kDeadline, fmt::format("the resource manager does not take our leave: {}", trouble_));
  }
  co_return Status();
}

io::Task<void> ApplicationMaster::stop() {
  ended_ = true;
  co_await scope_.stop();
  co_await leave();
  changed_.notify_all();
}

io::Task<void> ApplicationMaster::leave() {
  if (const std::unique_ptr<rpc::Client> client = std::move(client_)) co_await client->close();
}

io::Task<void> ApplicationMaster::run() {
  while (!ended_) {
    if (!is_connected() && !co_await connect()) {
      if (!ended_) co_await back_off();
      continue;
    }
    if (!co_await beat()) {
      if (!ended_) co_await back_off();
      continue;
    }
    retry_ = options_.retry_min;
    const MasterMachine::State state = machine_.state();
    if (state == MasterMachine::State::kFinished || state == MasterMachine::State::kShutDown) {
      ended_ = true;
      co_await leave();
      changed_.notify_all();
      if (state == MasterMachine::State::kShutDown && on_shut_down_) on_shut_down_(machine_.shutdown_reason());
      co_return;
    }
    changed_.notify_all();
    // A new registration and a leave are not put off.
    if (state == MasterMachine::State::kRegistered) co_await pause();
  }
}

// The next of the list; false: it does not take us.
io::Task<bool> ApplicationMaster::connect() {
  co_await leave();
  const rpc::Address& address = options_.resource_managers[next_address_ % options_.resource_managers.size()];
  rpc::ClientOptions options{.protocol = kProtocol, .token = machine_.token()};
  auto client = co_await rpc::Client::connect(executor_, address, std::move(options), now() + options_.connect_timeout);
  if (!client) {
    meet(client.error());
    ++next_address_;
    co_return false;
  }
  client_ = std::move(*client);
  unknown_since_ = {};
  co_return true;
}

io::Task<bool> ApplicationMaster::beat() {
  MasterMachine::Request request = machine_.next();
  const Result<rpc::Answer> answer =
      co_await client_->call(std::move(request.method), std::move(request.body), now() + options_.call_timeout);
  if (!answer) {
    machine_.lost();
    meet(answer.error());
    // Whether it hangs or is gone: the next one, and then this one again.
    co_await leave();
    if (answer.error().code() != ErrorCode::kDeadline) ++next_address_;
    co_return false;
  }
  const Result<MasterEvents> events = machine_.take(*answer);
  if (!events) {
    meet(events.error());
    if (events.error().code() == ErrorCode::kUnavailable) {  // a standby
      co_await leave();
      ++next_address_;
    }
    co_return false;
  }
  last_answer_ = now();
  if (!trouble_.empty()) spdlog::info("the resource manager {} answers again", client_->address().text());
  trouble_.clear();
  if (has_any(*events) && on_events_) on_events_(*events);
  co_return true;
}

// Until the next heartbeat: soon where something is wanted or has to be said, never sooner than the busy beat.
io::Task<void> ApplicationMaster::pause() {
  const SteadyTime begin = now();
  const auto beat_of = [this] {
    return machine_.has_changes() || machine_.wants_any() ? options_.busy_heartbeat : options_.heartbeat;
  };
  while (now() < begin + beat_of()) {
    if (!co_await wake_.wait_until(begin + beat_of())) break;
  }
}

io::Task<void> ApplicationMaster::back_off() {
  const auto half = retry_.count() / 2;
  const auto jitter = static_cast<int64_t>(random_.below(static_cast<uint64_t>(half) + 1));
  retry_ = std::min(retry_ * 2, options_.retry_max);
  co_await io::sleep_for(milliseconds(half + jitter));
}

void ApplicationMaster::meet(const Error& error) {
  if (trouble_ != error.message()) spdlog::warn("resource manager: {}", error.message());
  trouble_ = error.message();
  changed_.notify_all();
  if (error.code() != ErrorCode::kUnauthenticated) {
    unknown_since_ = {};
    return;
  }
  if (unknown_since_ == SteadyTime{}) unknown_since_ = now();
  if (now() < unknown_since_ + options_.unknown_token_for) return;
  ended_ = true;
  changed_.notify_all();
  if (on_shut_down_) on_shut_down_(trouble_);
}

}  // namespace modelyard::hadoop::yarn
