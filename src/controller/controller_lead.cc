// SPDX-License-Identifier: Apache-2.0
#include <spdlog/spdlog.h>

#include <algorithm>

#include "controller/controller_impl.h"

// Of several controllers with one registry one leads: how this one begins to, stops at once, and what it shows
// meanwhile.
namespace modelyard::controller {

namespace {

constexpr milliseconds kLeadAgainFirst{50};
constexpr milliseconds kLeadAgainMax{5'000};
constexpr milliseconds kLookAtMostEach{50};
constexpr milliseconds kAskWhoLeads{100};

// Said by the registry about this candidate, not about the moment.
bool is_for_good(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kConflict:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kUnsupported:
    case ErrorCode::kInvalidArgument: return true;
    default: return false;
  }
}

}  // namespace

io::Task<Status> Controller::Impl::take_lead() {
  auto contents = co_await parts.registry.lead();
  if (!contents) {
    ++numbers_.registry_failures;
    co_return tl::unexpected<Error>(std::move(contents).error());
  }
  // Another one led in between, or may have: what was seen then is worth nothing, what is under way is not ours.
  const bool anew = parts.registry.is_shared() && (following_ || contents->epoch != lead_epoch_ + 1);
  must_begin_ = anew || !ever_led_;
  if (anew && ever_led_) {
    parts.launcher.let_go();
    watch_->stop();
    core.forget();
  }
  lead_epoch_ = contents->epoch;
  if (epoch_ == 0 || anew) epoch_ = contents->epoch;
  core.load(std::move(*contents), moment(), parts.random,
            [this](const registry::Instance& record) { return lock_of(record); });
  leading_ = ever_led_ = true;
  following_ = false;
  view_.reset();
  lead_failures_ = 0;
  registry_trouble_.clear();
  if (watch_ != nullptr) watch_->start();
  if (intake_ != nullptr) intake_->poke();
  co_return Status();
}

io::Task<void> Controller::Impl::begin_lead() {
  must_begin_ = false;
  if (parts.registry.is_shared()) spdlog::info("leads, epoch {}", lead_epoch_);
  publish();
  std::vector<std::string> known;
  for (const auto& [id, entry] : core.observed().instances) known.push_back(id);
  if (Status swept = co_await parts.launcher.sweep(std::move(known)); !swept) {
    spdlog::warn("cleaning up after an earlier run: {}", swept.error().message());
  }
  if (!leading_) co_return;
  std::vector<registry::Instance> living;
  for (const auto& [id, entry] : core.observed().instances) {
    if (entry.facts.life == Facts::Life::kAlive) living.push_back(entry.record);
  }
  for (const registry::Instance& record : living) {
    // Gone in this moment, or never recorded by pid: the lock tells, tried again each second.
    if (const Status watched = parts.launcher.watch(record); !watched) {
      spdlog::info("instance {} cannot be watched yet: {}", record.id, watched.error().message());
    }
  }
  collect_payloads();
  started_.notify_all();
}

io::Task<void> Controller::Impl::lead_again_later(Error error) {
  if (registry_trouble_ != error.message()) spdlog::error("the registry: {}", error.message());
  registry_trouble_ = error.message();
  answer_all(error);
  if (parts.registry.is_shared() && !ever_led_ && is_for_good(error)) {
    refused_ = error;
    started_.notify_all();
    if (has_started_ && on_refused) on_refused(error);
    co_return;
  }
  const auto doubled = kLeadAgainFirst * (int64_t{1} << std::min(lead_failures_++, 10));
  const double wait_ms = static_cast<double>(std::min<milliseconds>(doubled, kLeadAgainMax).count());
  co_await io::sleep_for(
      std::chrono::microseconds(static_cast<int64_t>(wait_ms * 1000 * (0.75 + 0.5 * parts.random.unit()))));
}

// At once, between two steps of whatever runs: nothing is launched or ended from here on.
void Controller::Impl::lose_lead() {
  if (following_) return;
  spdlog::warn("leads no longer; the models live on");
  leading_ = false;
  following_ = true;
  watch_->stop();
  parts.launcher.let_go();
  answer_all(refusal());
  view_dirty_ = true;
  view_wake_.notify_all();
  wake_.notify_all();
}

io::Task<Status> Controller::Impl::wait_for_role() {
  // It may be told when this controller has gone already.
  parts.registry.on_lost([alive = std::weak_ptr<Alive>(alive_)] {
    if (const auto held = alive.lock()) held->impl->lose_lead();
  });
  contents_subscription_ = parts.registry.on_contents([this] {
    // A write was refused, and now it is known why.
    if (!leading_ && parts.registry.current_leader()) lose_lead();
    view_dirty_ = true;
    view_wake_.notify_all();
  });
  open_ = true;  // also for the queue, which does not wait for start()
  scope_.spawn(follow());
  scope_.spawn(run());
  if (intake_ != nullptr) scope_.spawn(intake_->run());
  const SteadyTime deadline = std::chrono::steady_clock::now() + options.start_max;
  const auto is_known = [this] {
    return leading_ || refused_ || (view_ != nullptr && parts.registry.current_leader().has_value());
  };
  while (!is_known() && std::chrono::steady_clock::now() < deadline) {
    const SteadyTime again = std::chrono::steady_clock::now() + kAskWhoLeads;
    static_cast<void>(co_await started_.wait_until(std::min(deadline, again)));
  }
  if (refused_) {
    open_ = false;
    co_return fail(*refused_);
  }
  has_started_ = true;
  changed();
  co_return Status();
}

io::Task<void> Controller::Impl::follow() {
  while (true) {
    while (!view_dirty_) co_await view_wake_.wait();
    view_dirty_ = false;
    if (following_) look();
    co_await io::sleep_for(kLookAtMostEach);  // many changes at once are one look
  }
}

void Controller::Impl::look() {
  const auto contents = parts.registry.contents();
  if (contents == nullptr) return;
  auto view = std::make_unique<Core>(options.reconcile, options.host);
  view->load(*contents, moment(), parts.random, [](const registry::Instance&) { return Liveness::kHeld; });
  view_ = std::move(view);
  epoch_ = std::max(epoch_, contents->epoch);
  started_.notify_all();
  changed();
}

Error Controller::Impl::refusal() const {
  const auto leader = parts.registry.current_leader();
  if (!leader) return Error(ErrorCode::kUnavailable, "no controller leads now: try again in a moment");
  const std::string where = leader->url.empty() ? leader->host : leader->url;
  return Error(ErrorCode::kUnavailable, "another controller leads: " + where);
}

Role Controller::Impl::role() const {
  Role role;
  role.leads = !following_;
  role.leader = following_ ? parts.registry.current_leader() : std::nullopt;
  role.trouble = registry_trouble_;
  return role;
}

}  // namespace modelyard::controller
