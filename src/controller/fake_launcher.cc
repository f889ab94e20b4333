// SPDX-License-Identifier: Apache-2.0
#include "controller/fake_launcher.h"

#include <algorithm>

namespace modelyard::controller {

void FakeLauncher::end(const std::string& id, const std::string& cause) {
  const auto found = running.find(id);
  if (found == running.end()) return;
  const int64_t incarnation = found->second.spec.incarnation;
  running.erase(found);
  io::post(executor_, [this, id, incarnation, cause] {
    if (on_exit_) on_exit_(id, incarnation, cause);
  });
}

void FakeLauncher::say_waiting(const std::string& id, const std::string& why) {
  const auto found = waiting.find(id);
  if (found == waiting.end()) return;
  io::post(executor_, [this, id, incarnation = found->second.incarnation, why] {
    if (on_waiting_) on_waiting_(id, incarnation, why);
  });
}

void FakeLauncher::place(const std::string& id, Placement placement) {
  places_.insert_or_assign(id, std::move(placement));
  placed_.notify_all();
}

void FakeLauncher::let_go() {
  accesses.push_back("let go");
  for (const auto& [id, spec] : waiting) places_.insert_or_assign(id, fail(ErrorCode::kUnavailable, "another leads"));
  placed_.notify_all();
}

io::Task<Result<Placement>> FakeLauncher::wait_for_place(const registry::InstanceSpec& spec) {
  waiting[spec.id] = spec;
  while (!places_.contains(spec.id)) co_await placed_.wait();
  Result<Placement> place = places_.at(spec.id);
  places_.erase(spec.id);
  waiting.erase(spec.id);
  if (place) {
    const Status stored = co_await on_placed_(spec.id, spec.incarnation, *place);
    if (!stored) {
      accesses.push_back("gave back " + place->container);
      place = fail(stored.error());
    }
  }
  co_return place;
}

io::Task<Result<Launched>> FakeLauncher::launch(registry::InstanceSpec spec) {
  accesses.push_back("launch " + spec.id + " " + std::to_string(spec.incarnation));
  std::optional<Error> fate;
  if (!launch_fates.empty()) {
    fate = launch_fates.front();
    launch_fates.pop_front();
  }
  if (fate) co_return fail(*fate);
  if (running.contains(spec.id)) co_return fail(ErrorCode::kConflict, "the lock of '" + spec.id + "' is held");
  if (places_later) {
    auto place = co_await wait_for_place(spec);
    if (!place) co_return fail(place.error());
  }
  Launched launched{++next_pid_, next_pid_ * 10, "fake-boot"};
  const std::string id = spec.id;
  running[id] = {std::move(spec), launched};
  if (std::exchange(forget_next_answer, false)) co_return fail(ErrorCode::kDeadline, "no answer");
  co_return launched;
}

Result<Liveness> FakeLauncher::liveness(const registry::Instance& instance) {
  return running.contains(instance.id) || waiting.contains(instance.id) ? Liveness::kHeld : Liveness::kFree;
}

Status FakeLauncher::watch(const registry::Instance& instance) {
  accesses.push_back("watch " + instance.id);
  if (!running.contains(instance.id)) return fail(ErrorCode::kNotFound, "no process");
  return {};
}

io::Task<Status> FakeLauncher::kill(registry::Instance instance) {
  accesses.push_back("kill " + instance.id);
  if (waiting.contains(instance.id)) {
    places_.insert_or_assign(instance.id, fail(ErrorCode::kCancelled, "called back"));
    placed_.notify_all();
    while (waiting.contains(instance.id)) co_await io::sleep_for(std::chrono::microseconds(100));  // polls
  }
  end(instance.id);
  co_return Status();
}

io::Task<Status> FakeLauncher::sweep(std::vector<std::string> known) {
  accesses.push_back("sweep");
  std::vector<std::string> orphans;
  for (const auto& [id, entry] : running) {
    if (std::find(known.begin(), known.end(), id) == known.end()) orphans.push_back(id);
  }
  for (const std::string& id : orphans) {
    accesses.push_back("swept " + id);
    running.erase(id);
  }
  co_return Status();
}

void FakeLauncher::discard(const std::string& id) { accesses.push_back("discard " + id); }
std::vector<std::string> FakeLauncher::log_tail(const registry::Instance&) { return tail; }

}  // namespace modelyard::controller
