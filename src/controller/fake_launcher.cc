// SPDX-License-Identifier: Apache-2.0
#include "controller/fake_launcher.h"

#include <algorithm>

namespace modelyard::controller {

void FakeLauncher::end(const std::string& id) {
  const auto found = running.find(id);
  if (found == running.end()) return;
  const int64_t incarnation = found->second.spec.incarnation;
  running.erase(found);
  io::post(executor_, [this, id, incarnation] {
    if (on_exit_) on_exit_(id, incarnation);
  });
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
  Launched launched{++next_pid_, next_pid_ * 10, "fake-boot"};
  const std::string id = spec.id;
  running[id] = {std::move(spec), launched};
  if (std::exchange(forget_next_answer, false)) co_return fail(ErrorCode::kDeadline, "no answer");
  co_return launched;
}

Result<Liveness> FakeLauncher::liveness(const registry::Instance& instance) {
  return running.contains(instance.id) ? Liveness::kHeld : Liveness::kFree;
}

Status FakeLauncher::watch(const registry::Instance& instance) {
  accesses.push_back("watch " + instance.id);
  if (!running.contains(instance.id)) return fail(ErrorCode::kNotFound, "no process");
  return {};
}

io::Task<Status> FakeLauncher::kill(registry::Instance instance) {
  accesses.push_back("kill " + instance.id);
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
