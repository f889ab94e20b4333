// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include "controller/controller_impl.h"

namespace modelyard::controller {

namespace {

constexpr size_t kCommandsMax = 1'000;
constexpr milliseconds kLookAgain{100};
constexpr milliseconds kKillAllMax{4'500};
constexpr milliseconds kEndpointWaitSlack{60'000};

// The loop's timers run on the machine's clock; the time that decides may be a test's.
SteadyTime on_machine(SteadyTime when, const Clock& clock) {
  if (when == SteadyTime::max()) return when;
  const auto wait = when - clock.now();
  return std::chrono::steady_clock::now() +
         std::clamp<SteadyTime::duration>(wait, milliseconds(0), std::chrono::hours(24));
}

}  // namespace

Result<registry::InstanceSpec> Controller::Impl::spec_of(const registry::Instance& record) const {
  const auto deployment = core.desired().deployments.find({record.name, record.version});
  const registry::Revision* revision =
      deployment == core.desired().deployments.end() ? nullptr : find_revision(deployment->second, record.revision);
  if (revision == nullptr)
    return fail(ErrorCode::kNotFound, "revision " + std::to_string(record.revision) + " is not stored any more");
  MY_TRY(const std::filesystem::path payload, parts.payloads.find(revision->digest));
  registry::InstanceSpec spec;
  spec.id = record.id;
  spec.incarnation = record.incarnation;
  spec.name = record.name;
  spec.version = record.version;
  spec.revision = record.revision;
  spec.digest = revision->digest;
  spec.payload = std::filesystem::absolute(payload).string();
  spec.folder = std::filesystem::absolute(options.data / "instances" / record.id).string();
  spec.socket = options.socket;
  spec.memory_mb = revision->memory_mb;
  spec.vcores = revision->vcores;
  spec.env = revision->env;
  spec.deployer_env = revision->inherited_env;
  spec.health_path = revision->health_path;
  spec.zookeeper = options.zookeeper;
  spec.zk_root = options.zk_root;
  spec.registry_is_embedded = options.zookeeper.empty();
  spec.container = record.container;
  spec.endpoint_wait_ms = std::max<int64_t>((options.reconcile.update_wait - kEndpointWaitSlack).count(), 1'000);
  return spec;
}

Liveness Controller::Impl::lock_of(const registry::Instance& record) const {
  auto liveness = parts.launcher.liveness(record);
  if (liveness) return *liveness;
  // Not known is not dead: a second one is never started on a guess.
  spdlog::warn("instance {}: its lock cannot be tried: {}", record.id, liveness.error().message());
  return Liveness::kHeld;
}

io::Task<Status> Controller::Impl::start() {
  parts.launcher.on_exit([this](const std::string& id, int64_t incarnation, const std::string& cause) {
    on_exit(id, incarnation, cause);
  });
  parts.launcher.on_waiting(
      [this](const std::string& id, int64_t incarnation, const std::string& why) { on_waiting(id, incarnation, why); });
  parts.launcher.on_placed([this](std::string id, int64_t incarnation, Placement placement) {
    return on_placed(std::move(id), incarnation, std::move(placement));
  });
  if (parts.registry.is_shared()) co_return co_await wait_for_role();
  if (Status lead = co_await take_lead(); !lead)
    co_return fail(std::move(lead).error().with_context("opening the registry"));
  co_await begin_lead();
  open_ = true;
  changed();
  scope_.spawn(run());
  co_return Status();
}

io::Task<void> Controller::Impl::run() {
  while (!refused_) {
    dirty_ = false;
    if (!leading_) {
      const Status lead = co_await take_lead();
      if (!lead) co_await lead_again_later(lead.error());
      changed();
      continue;
    }
    if (!parts.registry.deciding()) {
      // Cut off: another one may lead by now. It is heard again, or on_lost() comes.
      static_cast<void>(co_await wake_.wait_until(std::chrono::steady_clock::now() + kLookAgain));
      continue;
    }
    if (must_begin_) {
      co_await begin_lead();
      changed();
      continue;
    }
    if (!commands_.empty()) {
      co_await take_command();
      continue;
    }
    ++numbers_.reconciles;
    const Core::Batch batch = core.plan(moment(), parts.random);
    if (batch.empty()) {
      co_await rest(batch.wake);
    } else {
      co_await store(batch, nullptr);
    }
  }
}

io::Task<void> Controller::Impl::take_command() {
  const std::shared_ptr<Command> command = commands_.front();
  commands_.pop_front();
  auto batch = command->make(core);
  if (!batch) {
    command->answer.emplace(tl::unexpected<Error>(std::move(batch).error()));
  } else if (batch->empty()) {
    command->answer.emplace();
  } else {
    co_await store(*batch, command.get());
  }
  command->answered.notify_all();
}

io::Task<void> Controller::Impl::rest(SteadyTime wake) {
  if (dirty_) co_return;
  co_await wake_.wait_until(on_machine(wake, parts.clock));
}

io::Task<bool> Controller::Impl::store(const Core::Batch& batch, Command* command) {
  Status stored;
  if (!batch.writes.empty()) stored = co_await parts.registry.write(batch.writes);
  if (!stored) {
    // It may be stored all the same: what is true is read again before anything else is decided.
    ++numbers_.registry_failures;
    leading_ = false;
    spdlog::error("storing a change: {}", stored.error().message());
    if (command != nullptr) command->answer.emplace(tl::unexpected<Error>(stored.error()));
    if (parts.registry.current_leader()) lose_lead();
    co_return false;
  }
  if (command != nullptr) command->answer.emplace();
  // Stored, and lost while the answer was on its way: the next leader carries it out.
  if (!leading_) co_return false;
  core.committed(batch, moment());
  carry_out(batch);
  changed();
  co_return true;
}

void Controller::Impl::carry_out(const Core::Batch& batch) {
  bool payloads_changed = false;
  for (const Action& action : batch.actions) {
    switch (action.kind) {
      case Action::Kind::kLaunch:
        ++numbers_.launches;
        scope_.spawn(do_launch(action.instance));
        break;
      case Action::Kind::kKill: scope_.spawn(do_kill(action.instance)); break;
      case Action::Kind::kForget:
        parts.launcher.discard(action.instance.id);
        calls_.forget(action.instance.id);
        break;
      case Action::Kind::kProbe: do_probe(action.instance); break;
      case Action::Kind::kPutDeployment:
      case Action::Kind::kRemoveDeployment: payloads_changed = true; break;
      case Action::Kind::kPlaced:
      case Action::Kind::kStore: break;
    }
  }
  if (payloads_changed) collect_payloads();
}

io::Task<void> Controller::Impl::do_launch(registry::Instance record) {
  auto spec = spec_of(record);
  Result<Launched> outcome = fail(ErrorCode::kUnavailable, "this controller leads no longer");
  if (!acting()) {
    spdlog::info("instance {} is left to the next leader", record.id);
  } else if (spec) {
    outcome = co_await parts.launcher.launch(std::move(*spec));
  } else {
    outcome = tl::unexpected<Error>(std::move(spec).error());
  }
  Liveness locked = Liveness::kHeld;
  if (!outcome) {
    ++numbers_.launch_failures;
    spdlog::warn("instance {} could not be started: {}", record.id, outcome.error().message());
    locked = lock_of(record);
  }
  core.launched(record.id, record.incarnation, std::move(outcome), locked, moment(), parts.random);
  changed();
}

io::Task<void> Controller::Impl::do_kill(registry::Instance record) {
  Status killed = fail(ErrorCode::kUnavailable, "this controller leads no longer");
  if (acting()) killed = co_await parts.launcher.kill(record);
  if (!killed) spdlog::warn("instance {} could not be ended: {}", record.id, killed.error().message());
  const bool is_free = lock_of(record) == Liveness::kFree;
  core.killed(record.id, record.incarnation, is_free, parts.launcher.log_tail(record), parts.clock.now());
  changed();
}

void Controller::Impl::do_probe(const registry::Instance& record) {
  const Liveness liveness = lock_of(record);
  std::vector<std::string> tail;
  if (liveness == Liveness::kFree) tail = parts.launcher.log_tail(record);
  core.probed(record.id, record.incarnation, liveness, std::move(tail), parts.clock.now());
}

io::Task<Status> Controller::Impl::request(std::function<Result<Core::Batch>(Core&)> make) {
  if (!open_) co_return fail(ErrorCode::kUnavailable, "the controller is stopping");
  if (commands_.size() >= kCommandsMax)
    co_return fail(ErrorCode::kResourceExhausted, "too many requests wait: try again later");
  co_return co_await enqueue(std::move(make));
}

io::Task<Status> Controller::Impl::enqueue(std::function<Result<Core::Batch>(Core&)> make) {
  if (!open_) co_return fail(ErrorCode::kUnavailable, "the controller is stopping");
  if (following_) co_return fail(refusal());
  auto command = std::make_shared<Command>(parts.executor);
  command->make = std::move(make);
  commands_.push_back(command);
  dirty_ = true;
  wake_.notify_all();
  while (!command->answer) co_await command->answered.wait();
  co_return *command->answer;
}

io::Task<Result<std::vector<registry::Event>>> Controller::Impl::events(std::string name, std::string version,
                                                                        int limit) {
  co_return co_await parts.registry.events(std::move(name), std::move(version), limit);
}

io::Task<void> Controller::Impl::drain_all() {
  core.begin_shutdown();
  changed();
  const SteadyTime drained_by = std::chrono::steady_clock::now() + options.reconcile.drain_all;
  while (!core.observed().instances.empty() && std::chrono::steady_clock::now() < drained_by) {
    co_await wake_.wait_until(std::min(drained_by, std::chrono::steady_clock::now() + milliseconds(500)));
  }
  std::vector<registry::Instance> left;
  for (const auto& [id, entry] : core.observed().instances) {
    if (entry.facts.life != Facts::Life::kDead) left.push_back(entry.record);
  }
  for (const registry::Instance& record : left) {
    spdlog::warn("instance {} did not stop in time and is killed", record.id);
    scope_.spawn(do_kill(record));
  }
  const SteadyTime killed_by = std::chrono::steady_clock::now() + kKillAllMax;
  while (!core.observed().instances.empty() && leading_ && std::chrono::steady_clock::now() < killed_by) {
    co_await wake_.wait_until(std::min(killed_by, std::chrono::steady_clock::now() + milliseconds(100)));
  }
}

io::Task<void> Controller::Impl::stop(bool keep_models) {
  const bool was_open = std::exchange(open_, false);
  if (was_open && !keep_models && (leading_ || !parts.registry.is_shared())) co_await drain_all();
  answer_all(Error(ErrorCode::kUnavailable, "the controller is stopping"));
  if (intake_ != nullptr) co_await intake_->stop();
  co_await scope_.stop();
  contents_subscription_.reset();
  if (watch_ != nullptr) watch_->stop();
  // From here on nothing that the launcher or a runner says reaches anybody.
  parts.launcher.on_exit([](const std::string&, int64_t, const std::string&) {});
  parts.launcher.on_waiting([](const std::string&, int64_t, const std::string&) {});
  parts.launcher.on_placed([](std::string, int64_t, Placement) -> io::Task<Status> {
    co_return fail(ErrorCode::kUnavailable, "the controller is stopping");
  });
}

}  // namespace modelyard::controller
