// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "controller/sim/world.h"

namespace modelyard::controller::sim {
namespace {

ReconcileOptions quick_options(bool cluster) {
  ReconcileOptions options;
  if (cluster) options.unreachable_max = milliseconds(6'000);
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
  core_ = std::make_unique<Core>(quick_options(cluster_), "here");
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
  leave_controller();
  at(between(10, 15'000), [this] {
    if (core_ == nullptr) start_controller();
  });
}

// Another one leads for a while. This one finds out at once, or by its next write, which is the same here: what it had
// begun is not answered any more, what waits for a place is given up.
void World::depose() {
  if (core_ == nullptr || !leading_) return;
  say("another controller leads");
  ++result_.depositions;
  ++life_;
  leading_ = writing_ = false;
  wake_ = SteadyTime::max();
  commands_.clear();
  core_->forget();
  leave_controller();
  at(between(5, 500), [this, life = life_] {
    if (life == life_) other_leader_acts();
  });
  at(between(600, 4'000), [this, life = life_] {
    if (life == life_) lead();
  });
}

// A scale, and a restart of what has failed.
void World::other_leader_acts() {
  const registry::Contents now = store_.lead();
  std::vector<registry::Write> writes;
  for (registry::Deployment deployment : now.deployments) {
    if (deployment.removing || random_.below(2) == 0) continue;
    deployment.instances = static_cast<int>(1 + random_.below(3));
    ++deployment.generation;
    say(fmt::format("  the other scales {}@{} to {}", deployment.name, deployment.version, deployment.instances));
    possible_[{deployment.name, deployment.version}] = {deployment.instances};
    writes.push_back(registry::Write::put(deployment));
  }
  std::vector<registry::Instance> starts;
  int64_t incarnation = now.last_incarnation;
  for (registry::Instance record : now.instances) {
    if (record.state != registry::InstanceState::kFailed || processes_.contains(record.id)) continue;
    record.state = registry::InstanceState::kRequested;
    record.incarnation = ++incarnation;
    writes.push_back(registry::Write::put(record));
    starts.push_back(record);
  }
  if (const Status written = store_.write(writes); !written) return violated(written.error().message());
  for (const registry::Instance& record : starts) start_process(record);
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

void World::write(Core::Batch batch, std::function<void()> stored, std::function<void()> lost) {
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
        if (lost) lost();
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

// As a resource manager would: the place comes later, and is stored before anything starts there.
void World::ask_for_place(const Action& action) {
  const registry::Instance record = action.instance;
  waiting_[record.id] = record.incarnation;
  at(between(0, 20), [this, record, life = life_] {
    if (life != life_ || !waiting_.contains(record.id)) return;
    core_->waiting(record.id, record.incarnation, "no room", now_);
    pump();
  });
  at(between(20, 12'000), [this, record, life = life_] {
    const auto waits = waiting_.find(record.id);
    if (life == life_ && waits != waiting_.end() && waits->second == record.incarnation) place(record);
  });
}

void World::place(const registry::Instance& record) {
  if (!leading_ || writing_) {
    at(between(1, 20), [this, record, life = life_] {
      if (life == life_ && waiting_.contains(record.id)) place(record);
    });
    return;
  }
  const Placement where{fmt::format("container_{}", record.incarnation), "node1", ""};
  auto batch = core_->placed(record.id, record.incarnation, where, wall_ms_);
  waiting_.erase(record.id);
  if (!batch) return answer_launch(record, tl::unexpected<Error>(batch.error()));
  ++result_.placements;
  write(
      *batch,
      [this, record, batch = *batch] {
        start_process(batch.actions.at(0).instance);
        at(between(0, 10), [this, record, life = life_] {
          if (life == life_) answer_launch(record, Launched{serial_, 1, "boot"});
        });
      },
      [this, record] { answer_launch(record, fail(ErrorCode::kDeadline, "the place could not be stored")); });
}

void World::answer_launch(const registry::Instance& record, modelyard::Result<Launched> outcome) {
  if (core_ == nullptr) return;
  core_->launched(record.id, record.incarnation, std::move(outcome), lock_of(record.id), moment(), *core_random_);
  pump();
}

void World::do_launch(const Action& action) {
  if (cluster_ && random_.below(3) != 0) return ask_for_place(action);
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
      answer_launch(action.instance, std::move(outcome));
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
    if (!fails && waiting_.erase(action.instance.id) > 0) {
      core_->launched(action.instance.id, action.instance.incarnation, fail(ErrorCode::kCancelled, "called back"),
                      lock_of(action.instance.id), moment(), *core_random_);
    }
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
    const ObservedInstance* known = core_->find_endpoint(endpoint.id);
    if (known == nullptr) return violated("published and not to be found: " + endpoint.id);
    const auto stored = store_.instances().find(known->record.id);
    if (stored == store_.instances().end() || stored->second.state != registry::InstanceState::kReady) {
      return violated("published but not stored as ready: " + endpoint.id);
    }
  }
}

}  // namespace modelyard::controller::sim
