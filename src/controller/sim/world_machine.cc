// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "controller/sim/world.h"

namespace modelyard::controller::sim {

using registry::InstanceState;

Liveness World::lock_of(const std::string& id) const {
  return processes_.contains(id) || waiting_.contains(id) ? Liveness::kHeld : Liveness::kFree;
}

World::Process* World::process(const std::string& id, int64_t born) {
  const auto found = processes_.find(id);
  return found == processes_.end() || found->second.born != born ? nullptr : &found->second;
}

void World::start_process(const registry::Instance& record) {
  if (processes_.contains(record.id)) return violated("two live incarnations of " + record.id);
  if (!launched_incarnations_.insert(record.incarnation).second) {
    return violated(fmt::format("incarnation {} was started twice", record.incarnation));
  }
  const auto stored = store_.instances().find(record.id);
  if (stored == store_.instances().end() || stored->second.incarnation != record.incarnation) {
    return violated("started before it was recorded: " + record.id);
  }
  ++result_.launches;
  Process& made = processes_[record.id];
  made.incarnation = record.incarnation;
  made.born = ++serial_;
  made.stubborn = chance(0.05);
  made.mute = chance(0.03);
  made.report.id = record.id;
  made.report.incarnation = record.incarnation;
  made.report.state = InstanceState::kStarting;
  made.report.runner_pid = made.born;
  const auto deployment = store_.deployments().find({record.name, record.version});
  const registry::Revision* revision =
      deployment == store_.deployments().end() ? nullptr : find_revision(deployment->second, record.revision);
  made.good = revision != nullptr && !bad_digests_.contains(revision->digest);
  say(fmt::format("  process {} incarnation {} starts{}", record.id, record.incarnation, made.mute ? " (mute)" : ""));
  const int64_t born = made.born;
  const bool comes_up = made.good && !chance(0.1);
  at(between(1, 50), [this, id = record.id, born] { connect(id, born); });
  at(between(20, 2'000), [this, id = record.id, born, comes_up] {
    become(id, born, comes_up ? InstanceState::kReady : InstanceState::kFailed);
  });
}

void World::connect(const std::string& id, int64_t born) {
  Process* runner = process(id, born);
  if (runner == nullptr || runner->connected || runner->mute) return;
  if (core_ == nullptr || !leading_ || chance(0.1)) {
    at(between(50, 1'000), [this, id, born] { connect(id, born); });
    return;
  }
  const Status admitted = core_->lease_opened(id, runner->incarnation);
  if (!admitted) return drain(id);
  runner->connected = true;
  say("  runner " + id + " connects");
  const registry::Instance record = core_->find(id)->record;
  told_[id] = core_->order_of(record);
  send_report(id);
  order(id, core_->order_of(record));
  pump();
}

// Its session expires; it serves on, and comes back when it can.
void World::lose_lease(const std::string& id) {
  Process& runner = processes_.at(id);
  if (!runner.connected) return;
  say("  runner " + id + " loses its lease");
  runner.connected = false;
  told_.erase(id);
  if (core_ != nullptr && leading_) core_->lease_ended(id, runner.incarnation, now_);
  at(between(50, 12'000), [this, id, born = runner.born] { connect(id, born); });
  pump();
}

// The controller is gone, or another one leads: runners find the next one, launches that wait are given up.
void World::leave_controller() {
  told_.clear();
  waiting_.clear();
  for (auto& [id, runner] : processes_) {
    runner.connected = false;
    at(between(50, 1'000), [this, id = id, born = runner.born] { connect(id, born); });
  }
}

void World::send_report(const std::string& id) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || !found->second.connected || core_ == nullptr) return;
  if (!core_->report(found->second.report)) return drain(id);
  pump();
}

void World::become(const std::string& id, int64_t born, InstanceState state) {
  Process* runner = process(id, born);
  if (runner == nullptr || runner->draining || runner->report.state == InstanceState::kFailed) return;
  say(fmt::format("  model {} is {}", id, to_string(state)));
  runner->report.state = state;
  if (state == InstanceState::kReady) {
    registry::Endpoint endpoint;
    endpoint.url = fmt::format("http://127.0.0.1:{}", 10'000 + born % 50'000);
    runner->report.endpoint = endpoint;
  }
  if (state == InstanceState::kFailed) {
    runner->report.reason = "exited with status 1";
    runner->draining = true;
    at(between(1, 200), [this, id, born] {
      if (process(id, born) != nullptr) end_process(id, "model ended");
    });
  }
  send_report(id);
}

void World::order(const std::string& id, const Order& what) {
  if (what.want != "serve") drain(id);
}

void World::drain(const std::string& id) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || found->second.draining || found->second.stubborn) return;
  found->second.draining = true;
  say("  runner " + id + " drains");
  at(between(1, 3'000), [this, id, born = found->second.born] {
    if (process(id, born) != nullptr) end_process(id, "drained");
  });
}

void World::end_process(const std::string& id, const std::string& why) {
  const auto found = processes_.find(id);
  if (found == processes_.end()) return;
  say("  process " + id + " ends: " + why);
  const int64_t incarnation = found->second.incarnation;
  const bool was_connected = found->second.connected;
  processes_.erase(found);
  told_.erase(id);
  if (core_ == nullptr) return;
  const bool lost = chance(0.1);
  at(between(0, 20), [this, id, incarnation, was_connected, lost, life = life_] {
    if (life != life_ || core_ == nullptr) return;
    if (was_connected) core_->lease_ended(id, incarnation, now_);
    if (!lost) core_->exited(id, incarnation, {});
    pump();
  });
}

}  // namespace modelyard::controller::sim
