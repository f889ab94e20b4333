// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "controller/sim/world.h"

namespace modelyard::controller::sim {
namespace {

ReconcileOptions quick_options() {
  ReconcileOptions options;
  options.backoff_max = milliseconds(8'000);
  options.update_wait = milliseconds(20'000);
  return options;
}

std::string words(const Action& action) {
  if (action.kind == Action::Kind::kPutDeployment || action.kind == Action::Kind::kRemoveDeployment) {
    return fmt::format("{} {}@{} x{} revision {} rejected {}", to_string(action.kind), action.deployment.name,
                       action.deployment.version, action.deployment.instances,
                       action.deployment.revisions.empty() ? 0 : action.deployment.revisions.back().number,
                       action.deployment.rejected_revision);
  }
  return fmt::format("{} {} incarnation {} revision {} {} {}", to_string(action.kind), action.instance.id,
                     action.instance.incarnation, action.instance.revision, to_string(action.instance.state),
                     action.kill_reason);
}

}  // namespace

void World::start_controller() {
  ++life_;
  say("controller starts");
  core_ = std::make_unique<Core>(quick_options(), "here");
  core_random_ = std::make_unique<Random>(random_());
  leading_ = writing_ = false;
  wake_ = SteadyTime::max();
  lead();
}

void World::crash(const std::string& where) {
  if (core_ == nullptr) return;
  say("controller dies " + where);
  ++result_.crashes;
  ++life_;
  core_.reset();
  leading_ = writing_ = false;
  commands_.clear();
  told_.clear();
  for (auto& [id, runner] : processes_) {
    runner.connected = false;
    at(between(50, 1'000), [this, id = id, born = runner.born] { connect(id, born); });
  }
  at(between(10, 15'000), [this] {
    if (core_ == nullptr) start_controller();
  });
}

void World::lead() {
  at(between(1, 20), [this, life = life_] {
    if (life != life_) return;
    if (chance(0.2)) return lead();
    core_->load(store_.lead(), moment(), *core_random_,
                [this](const registry::Instance& record) { return lock_of(record.id); });
    say("controller leads");
    leading_ = true;
    writing_ = false;
    pump();
  });
}

void World::pump() {
  if (core_ == nullptr || !leading_ || writing_ || over_) return;
  tell_orders();
  check_published();
  if (!commands_.empty()) {
    Command command = std::move(commands_.front());
    commands_.erase(commands_.begin());
    say(command.what);
    auto batch = command.make(*core_);
    if (!batch) {
      say("  refused: " + batch.error().message());
      return pump();
    }
    if (batch->empty()) return pump();
    // Until it is answered, the stored number may be the old or the new one.
    auto& possible = possible_[command.key];
    if (possible.empty()) possible.insert(-1);
    possible.insert(command.wanted_after);
    write(*batch, [&possible, wanted = command.wanted_after] { possible = {wanted}; });
    return;
  }
  Core::Batch batch = core_->plan(moment(), *core_random_);
  if (batch.empty()) {
    if (batch.wake != SteadyTime::max() && batch.wake != wake_) {
      wake_ = batch.wake;
      at(std::chrono::ceil<milliseconds>(std::max(SteadyTime::duration(1), wake_ - now_)),
         [this, life = life_, when = wake_] {
           if (life != life_ || when != wake_) return;
           wake_ = SteadyTime::max();
           pump();
         });
    }
    return;
  }
  for (const Action& action : batch.actions) say("plan " + words(action));
  write(std::move(batch), [] {});
}

void World::write(Core::Batch batch, std::function<void()> stored) {
  writing_ = true;
  const bool refused = chance(0.03);
  const bool answer_lost = chance(0.03);
  const bool dies_before = chance(0.01);
  const bool dies_after = chance(0.01);
  at(between(1, 15), [=, this, life = life_] {
    if (life != life_) return;
    if (dies_before) return crash("before a write");
    if (!refused) {
      const Status written = store_.write(batch.writes);
      if (!written) return violated("a write is refused: " + written.error().message());
    }
    if (dies_after) return crash("after a write");
    at(between(0, 5), [=, this] {
      if (life != life_) return;
      if (refused || answer_lost) {
        say(refused ? "  the write fails" : "  the write's answer is lost");
        leading_ = false;
        return lead();
      }
      writing_ = false;
      core_->committed(batch, moment());
      stored();
      carry_out(batch);
      pump();
    });
  });
}

void World::carry_out(const Core::Batch& batch) {
  for (const Action& action : batch.actions) {
    if (chance(0.005)) return crash("between two actions");
    if (action.kind == Action::Kind::kLaunch) do_launch(action);
    if (action.kind == Action::Kind::kKill) do_kill(action);
    if (action.kind == Action::Kind::kForget && processes_.contains(action.instance.id)) {
      return violated("forgotten while it lives: " + action.instance.id);
    }
    if (action.kind == Action::Kind::kProbe) {
      core_->probed(action.instance.id, action.instance.incarnation, lock_of(action.instance.id), {}, now_);
    }
  }
}

void World::do_launch(const Action& action) {
  const bool fails = chance(0.05);
  const bool answer_lost = chance(0.05);
  at(between(0, 10), [=, this, life = life_] {
    // The controller that died had not forked yet.
    if (life != life_) return;
    const std::string& id = action.instance.id;
    const bool conflict = processes_.contains(id);
    if (!fails && !conflict) start_process(action.instance);
    at(between(0, 10), [=, this] {
      if (life != life_ || core_ == nullptr) return;
      modelyard::Result<Launched> outcome = Launched{serial_, 1, "boot"};
      if (conflict) outcome = fail(ErrorCode::kConflict, "the lock is held");
      if (fails) outcome = fail(random_.below(2) == 0 ? ErrorCode::kResourceExhausted : ErrorCode::kFailed, "no luck");
      if (answer_lost) outcome = fail(ErrorCode::kDeadline, "no answer");
      core_->launched(action.instance.id, action.instance.incarnation, std::move(outcome), lock_of(action.instance.id),
                      moment(), *core_random_);
      pump();
    });
  });
}

void World::do_kill(const Action& action) {
  const bool fails = chance(0.1);
  at(between(0, 50), [=, this, life = life_] {
    if (life != life_) return;
    const auto victim = processes_.find(action.instance.id);
    const bool healthy = victim != processes_.end() && victim->second.connected && !victim->second.draining &&
                         victim->second.report.state == registry::InstanceState::kReady &&
                         action.instance.state == registry::InstanceState::kReady;
    if (healthy) return violated("killed although it is well: " + action.instance.id);
    if (!fails) end_process(action.instance.id, "killed: " + action.kill_reason);
    at(between(0, 20), [=, this] {
      if (life != life_ || core_ == nullptr) return;
      core_->killed(action.instance.id, action.instance.incarnation, lock_of(action.instance.id) == Liveness::kFree, {},
                    now_);
      pump();
    });
  });
}

void World::tell_orders() {
  for (auto& [id, told] : told_) {
    const ObservedInstance* known = core_->find(id);
    const Order now = known == nullptr ? Order{"drain", told.incarnation} : core_->order_of(known->record);
    if (now == told) continue;
    told = now;
    at(between(0, 5), [this, id = id, now, life = life_] {
      const auto runner = processes_.find(id);
      if (life != life_ || runner == processes_.end() || runner->second.incarnation != now.incarnation) return;
      order(id, now);
    });
  }
}

// What clients are told is stored, and is not known to be dead.
void World::check_published() {
  for (const registry::Endpoint& endpoint : core_->endpoints()) {
    const auto stored = store_.instances().find(endpoint.id);
    if (stored == store_.instances().end() || stored->second.state != registry::InstanceState::kReady) {
      return violated("published but not stored as ready: " + endpoint.id);
    }
  }
}

}  // namespace modelyard::controller::sim
