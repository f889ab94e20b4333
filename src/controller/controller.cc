// SPDX-License-Identifier: Apache-2.0
#include "controller/controller.h"

#include "controller/controller_impl.h"

namespace modelyard::controller {

Controller::Impl::Impl(Parts given, ControllerOptions chosen)
    : parts(std::move(given)),
      options(std::move(chosen)),
      core(options.reconcile, options.host),
      snapshot(std::make_shared<registry::Snapshot>()),
      alive_(std::make_shared<Alive>(Alive{this})),
      scope_(parts.executor),
      wake_(parts.executor),
      view_wake_(parts.executor),
      started_(parts.executor),
      following_(parts.registry.is_shared()) {
  if (!parts.registry.is_shared()) return;
  watch_ = std::make_unique<RunnerWatch>(
      parts.registry,
      RunnerWatch::Sink{
          .open_lease = [this](const std::string& id,
                               int64_t incarnation) { return open_lease(id, incarnation, [](const Order&) {}); },
          .report = [this](registry::RunnerReport said) { return report(std::move(said)); }});
  if (!parts.payloads.fetch) return;
  intake_ = std::make_unique<Intake>(
      Intake::Parts{
          .executor = parts.executor,
          .registry = parts.registry,
          .clock = parts.clock,
          .random = Random(parts.random()),
          .source = parts.payloads.fetch,
          .store = [this](std::function<Result<Core::Batch>(Core&)> make) { return enqueue(std::move(make)); },
          .leads = [this] { return leading_; }},
      options.intake);
}

Controller::Controller(Parts parts, ControllerOptions options)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(options))) {}
Controller::~Controller() = default;

io::Task<Status> Controller::start() { return impl_->start(); }
void Controller::on_refused(std::function<void(const Error&)> callback) { impl_->on_refused = std::move(callback); }
Role Controller::role() const { return impl_->role(); }
io::Task<void> Controller::stop(bool keep_models) { return impl_->stop(keep_models); }

io::Task<Result<DeployOutcome>> Controller::deploy(DeployRequest request) {
  auto outcome = std::make_shared<DeployOutcome>();
  const int64_t wall_ms = to_epoch_ms(impl_->parts.clock.wall());
  std::function<Result<Core::Batch>(Core&)> make = [request = std::move(request), outcome, wall_ms](Core& core) {
    return core.deploy(request, wall_ms, *outcome);
  };
  MY_CO_TRY_VOID(co_await impl_->request(std::move(make)));
  co_return *outcome;
}

io::Task<Result<void>> Controller::scale(std::string name, std::string version, int instances) {
  const int64_t wall_ms = to_epoch_ms(impl_->parts.clock.wall());
  std::function<Result<Core::Batch>(Core&)> make = [name = std::move(name), version = std::move(version), instances,
                                                    wall_ms](Core& core) {
    return core.scale(name, version, instances, wall_ms);
  };
  co_return co_await impl_->request(std::move(make));
}

io::Task<Result<RemoveOutcome>> Controller::remove(std::string name, std::optional<std::string> version,
                                                   std::optional<int> instances) {
  auto outcome = std::make_shared<RemoveOutcome>();
  const int64_t wall_ms = to_epoch_ms(impl_->parts.clock.wall());
  std::function<Result<Core::Batch>(Core&)> make = [name = std::move(name), version = std::move(version), instances,
                                                    outcome, wall_ms](Core& core) {
    return core.remove(name, version, instances, wall_ms, *outcome);
  };
  MY_CO_TRY_VOID(co_await impl_->request(std::move(make)));
  co_return *outcome;
}

std::vector<DeploymentStatus> Controller::statuses() const { return impl_->statuses(); }

io::Task<Result<std::vector<registry::Event>>> Controller::events(std::string name, std::string version, int limit) {
  return impl_->events(std::move(name), std::move(version), limit);
}

std::shared_ptr<const registry::Snapshot> Controller::snapshot() const { return impl_->snapshot; }
Controller::Subscription Controller::subscribe(OnSnapshot callback) { return impl_->subscribe(std::move(callback)); }
Controller::Subscription Controller::subscribe_statuses(std::function<void()> callback) {
  return impl_->subscribe_statuses(std::move(callback));
}
void Controller::note_calls(const std::vector<CallReport>& reports) { impl_->note_calls(reports); }
ControllerNumbers Controller::numbers() const { return impl_->numbers(); }

Result<Controller::Subscription> Controller::open_lease(const std::string& id, int64_t incarnation,
                                                        std::function<void(const Order&)> callback) {
  return impl_->open_lease(id, incarnation, std::move(callback));
}

io::Task<Status> Controller::report(registry::RunnerReport report) { co_return impl_->report(std::move(report)); }

const ControllerOptions& Controller::options() const { return impl_->options; }

}  // namespace modelyard::controller
