// SPDX-License-Identifier: Apache-2.0
#include "controller/sim/world.h"

#include <fmt/format.h>

#include <algorithm>

namespace modelyard::controller::sim {
namespace {

constexpr std::string_view kNames[] = {"dga", "spam"};
constexpr std::string_view kVersions[] = {"1.0", "2.0"};
constexpr int64_t kEventsMax = 200'000;

}  // namespace

World::World(uint64_t seed, Settings settings)
    : seed_(seed), settings_(std::move(settings)), random_(seed), cluster_(seed % 2 == 0) {
  faults_end_ = now_ + settings_.faults_for;
}

void World::at(milliseconds delay, std::function<void()> what) {
  queue_.push({(now_ + delay).time_since_epoch().count(), ++serial_, std::move(what)});
}

milliseconds World::between(int64_t low_ms, int64_t high_ms) {
  return milliseconds(low_ms + static_cast<int64_t>(random_.below(static_cast<uint64_t>(high_ms - low_ms + 1))));
}

bool World::chance(double probability) { return now_ < faults_end_ && random_.unit() < probability; }

void World::say(const std::string& line) {
  if (settings_.trace)
    settings_.trace(
        fmt::format("{:9.3f} {}", std::chrono::duration<double>(now_ - SteadyTime(seconds(1000))).count(), line));
}

void World::violated(const std::string& what) {
  if (over_) return;
  over_ = true;
  result_.violation = what;
  say("VIOLATION " + what);
}

Result World::run() {
  start_controller();
  schedule_trouble();
  people();
  while (!over_ && !queue_.empty()) {
    Pending next = queue_.top();
    queue_.pop();
    const SteadyTime when{SteadyTime::duration(next.at_ns)};
    wall_ms_ += std::chrono::duration_cast<milliseconds>(when - now_).count();
    now_ = when;
    next.what();
    if (++result_.events > kEventsMax) violated("the world never comes to rest");
    if (now_ > faults_end_) check_end();
    if (queue_.empty()) at(seconds(1), [] {});  // time passes also when nobody does anything
  }
  result_.virtual_ms = std::chrono::duration_cast<milliseconds>(now_ - SteadyTime(seconds(1000))).count();
  return result_;
}

void World::schedule_trouble() {
  const milliseconds until = between(200, 6'000);
  if (now_ + until > faults_end_) return;
  at(until, [this] {
    switch (random_.below(cluster_ ? 7 : 5)) {
      case 6: depose(); break;
      case 5:
        if (!processes_.empty()) {
          auto victim = processes_.begin();
          std::advance(victim, static_cast<std::ptrdiff_t>(random_.below(processes_.size())));
          lose_lease(std::string(victim->first));
        }
        break;
      case 4:
        wall_ms_ += between(0, 7'200'000).count() - 3'600'000;
        say("somebody sets the clock");
        break;
      case 0: crash("at any time"); break;
      case 1:
      case 2:
        if (!processes_.empty()) {
          auto victim = processes_.begin();
          std::advance(victim, static_cast<std::ptrdiff_t>(random_.below(processes_.size())));
          const std::string id = victim->first;
          if (random_.below(2) == 0) {
            end_process(id, "its runner is killed");
          } else {
            become(id, victim->second.born, registry::InstanceState::kFailed);
          }
        }
        break;
      default:
        if (!processes_.empty()) {
          auto victim = processes_.begin();
          std::advance(victim, static_cast<std::ptrdiff_t>(random_.below(processes_.size())));
          const std::string id = victim->first;
          const int64_t born = victim->second.born;
          become(id, born, registry::InstanceState::kUnhealthy);
          if (random_.below(2) == 0) {
            at(between(100, 8'000), [this, id, born] { become(id, born, registry::InstanceState::kReady); });
          }
        }
    }
    schedule_trouble();
  });
}

void World::people() {
  const milliseconds until = result_.events == 0 ? milliseconds(10) : between(200, 5'000);
  if (now_ + until > faults_end_) return;
  at(until, [this] {
    const std::string name(kNames[random_.below(2)]);
    const std::string version(kVersions[random_.below(2)]);
    const DeploymentKey key{name, version};
    const int64_t wall = wall_ms_;
    const uint64_t kind = random_.below(10);
    if (kind < 5) {
      DeployRequest wanted;
      wanted.name = name;
      wanted.version = version;
      wanted.instances = static_cast<int>(1 + random_.below(3));
      wanted.owner = "sim";
      if (next_digest_ == 0 || random_.below(3) != 0) ++next_digest_;
      wanted.digest = "sha256:" + std::to_string(next_digest_);
      if (random_.below(4) == 0) bad_digests_.insert(wanted.digest);
      const int instances = wanted.instances;
      request(
          fmt::format("deploy {}@{} x{} {}", name, version, instances, wanted.digest),
          [wanted, wall](Core& core) {
            DeployOutcome outcome;
            return core.deploy(wanted, wall, outcome);
          },
          key, instances);
    } else if (kind < 8) {
      const int instances = static_cast<int>(random_.below(4));
      request(
          fmt::format("scale {}@{} x{}", name, version, instances),
          [key, instances, wall](Core& core) { return core.scale(key.first, key.second, instances, wall); }, key,
          instances);
    } else {
      request(
          fmt::format("remove {}@{}", name, version),
          [key, wall](Core& core) {
            RemoveOutcome outcome;
            return core.remove(key.first, key.second, std::nullopt, wall, outcome);
          },
          key, -1);
    }
    people();
  });
}

void World::request(const std::string& what, std::function<modelyard::Result<Core::Batch>(Core&)> make,
                    DeploymentKey key, int wanted_after) {
  if (core_ == nullptr || commands_.size() > 8) return;
  commands_.push_back({what, std::move(make), std::move(key), wanted_after});
  pump();
}

// Empty: everything that is stored as wanted runs, and nothing else does.
std::string World::unconverged() const {
  if (core_ == nullptr || !leading_) return "no controller leads";
  if (!core_->settled()) return "not settled";
  if (writing_) return "a write is under way";
  if (!waiting_.empty()) return waiting_.begin()->first + " waits for a place";
  std::map<DeploymentKey, int> ready;
  for (const auto& [id, record] : store_.instances()) {
    const DeploymentKey key{record.name, record.version};
    const auto deployment = store_.deployments().find(key);
    if (deployment == store_.deployments().end()) return "instance " + id + " has no deployment";
    const registry::Revision* wanted = wanted_revision(deployment->second);
    if (wanted->number == record.revision && bad_digests_.contains(wanted->digest)) continue;  // it will never come up
    if (record.revision != wanted->number) {
      // Beside a first revision that never comes up nothing else is expected; otherwise old ones must be gone.
      const bool waits_for_bad = bad_digests_.contains(wanted->digest);
      if (!waits_for_bad) return "instance " + id + " is of an old revision";
      continue;
    }
    if (record.state != registry::InstanceState::kReady)
      return "instance " + id + " is " + std::string(to_string(record.state));
    if (!processes_.contains(id)) return "instance " + id + " does not live";
    ++ready[key];
  }
  for (const auto& [key, deployment] : store_.deployments()) {
    if (deployment.removing) return key.first + " is still being removed";
    const registry::Revision* wanted = wanted_revision(deployment);
    if (bad_digests_.contains(wanted->digest)) continue;
    if (ready[key] != deployment.instances) {
      return fmt::format("{}@{} has {} of {}", key.first, key.second, ready[key], deployment.instances);
    }
  }
  for (const auto& [id, process] : processes_) {
    if (!store_.instances().contains(id)) return "process " + id + " lives without a record";
  }
  return "";
}

void World::check_end() {
  const std::string why = unconverged();
  if (why.empty() && now_ > faults_end_ + seconds(15)) {
    for (const auto& [key, numbers] : possible_) {
      const auto stored = store_.deployments().find(key);
      const int wanted = stored == store_.deployments().end() ? -1 : stored->second.instances;
      if (!numbers.contains(wanted)) {
        return violated(fmt::format("{}@{} was lost: {} wanted in the store", key.first, key.second, wanted));
      }
    }
    over_ = true;
    say("converged");
    return;
  }
  if (!why.empty() && now_ > faults_end_ + settings_.converge_within) violated("does not converge: " + why);
}

}  // namespace modelyard::controller::sim
