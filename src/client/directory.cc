// SPDX-License-Identifier: Apache-2.0
#include "client/directory.h"

#include <algorithm>

#include "base/version.h"
#include "client/wire.h"

namespace modelyard::client {
namespace {

constexpr milliseconds kAsideMin{500};
constexpr milliseconds kAsideMax{30'000};
constexpr int kDraws = 8;  // before the list is walked
constexpr size_t kUndeliveredMax = 10'000;

}  // namespace

Directory::Directory(const Clock& clock, Random random) : clock_(clock), random_(random) {}
Directory::~Directory() = default;

void Directory::replace(std::shared_ptr<const registry::Snapshot> snapshot) {
  merge_.replace(std::move(snapshot));
  rebuild();
}

void Directory::take(const std::shared_ptr<const registry::Snapshot>& told) {
  merge_.take(told, clock_.now());
  rebuild();
}

SnapshotMerge::Outcome Directory::apply(const ChangeSet& changes) {
  const SnapshotMerge::Outcome outcome = merge_.apply(changes, clock_.now());
  if (outcome != SnapshotMerge::Outcome::kStale) rebuild();
  return outcome;
}

// What is known of an instance stays with it while its id and url do.
InstancePtr Directory::adopt(const registry::Endpoint& endpoint) {
  const auto known = by_id_.find(endpoint.id);
  if (known != by_id_.end() && known->second->endpoint == endpoint) return known->second;
  auto instance = std::make_shared<Instance>();
  instance->endpoint = endpoint;
  instance->report.id = endpoint.id;
  instance->target = make_target(endpoint.url);
  return instance;
}

void Directory::rebuild() {
  const auto& snapshot = merge_.current();
  if (!snapshot) return;
  std::map<std::string, Model, std::less<>> models;
  for (const auto& [name, versions] : snapshot->models) {
    Model& model = models[name];
    const auto old = models_.find(name);
    for (const auto& [version, endpoints] : versions) {
      if (endpoints->empty()) continue;
      Group group{endpoints, {}};
      if (old != models_.end()) {
        const auto same =
            std::find_if(old->second.versions.begin(), old->second.versions.end(),
                         [&, &list = endpoints](const auto& entry) { return entry.second.endpoints == list; });
        if (same != old->second.versions.end()) group = std::move(same->second);
      }
      if (group.instances.empty()) {
        group.instances.reserve(endpoints->size());
        for (const registry::Endpoint& endpoint : *endpoints) group.instances.push_back(adopt(endpoint));
      }
      model.versions.emplace_back(version, std::move(group));
    }
  }
  for (const auto& [name, endpoints] : merge_.last_resort()) rebuild_last_resort(name, endpoints, models[name]);
  models_ = std::move(models);
  by_id_.clear();
  by_url_.clear();
  for (const auto& [name, model] : models_) {
    for (const Versions* versions : {&model.last_resort, &model.versions}) {
      for (const auto& [version, group] : *versions) {
        for (const InstancePtr& instance : group.instances) {
          instance->last_resort = versions == &model.last_resort;
          by_id_.insert_or_assign(instance->endpoint.id, instance);
          by_url_.insert_or_assign(instance->endpoint.url, instance);
        }
      }
    }
  }
  if (told_ != snapshot) {
    const auto before = std::exchange(told_, snapshot);
    if (on_change_) on_change_(before, told_);
  }
}

void Directory::rebuild_last_resort(const std::string& name, const std::vector<registry::Endpoint>& endpoints,
                                    Model& model) {
  const auto alone = registry::make_snapshot(endpoints, {}, 0, 0, true);
  const auto versions = alone->models.find(name);
  if (versions == alone->models.end()) return;
  for (const auto& [version, list] : versions->second) {
    Group group{list, {}};
    for (const registry::Endpoint& endpoint : *list) group.instances.push_back(adopt(endpoint));
    model.last_resort.emplace_back(version, std::move(group));
  }
}

const Directory::Instances* Directory::candidates(std::string_view name, std::optional<std::string_view> version) {
  if (!merge_.last_resort().empty() && merge_.expire(clock_.now())) rebuild();
  const auto model = models_.find(name);
  if (model == models_.end()) return nullptr;
  for (const Versions* versions : {&model->second.versions, &model->second.last_resort}) {
    for (auto at = versions->rbegin(); at != versions->rend(); ++at) {
      if (!version || at->first == *version) return &at->second.instances;
    }
  }
  return nullptr;
}

// One at random among those not set aside; when all are, the one whose time is over first, so that the last is never
// lost.
const InstancePtr* Directory::draw(const Instances& from, const Instance* except, const Instance* also_except) {
  const SteadyTime now = clock_.now();
  const auto barred = [&](const InstancePtr& instance) {
    return instance.get() == except || instance.get() == also_except;
  };
  for (int i = 0; i < kDraws; ++i) {
    const InstancePtr& instance = from[random_.below(from.size())];
    if (!barred(instance) && instance->aside_until <= now) return &instance;
  }
  const InstancePtr* soonest = nullptr;
  const size_t start = random_.below(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    const InstancePtr& instance = from[(start + i) % from.size()];
    if (barred(instance)) continue;
    if (instance->aside_until <= now) return &instance;
    if (soonest == nullptr || instance->aside_until < (*soonest)->aside_until) soonest = &instance;
  }
  return soonest;
}

InstancePtr Directory::choose(std::string_view name, std::optional<std::string_view> version, Policy policy,
                              const Instance* except) {
  const Instances* from = candidates(name, version);
  if (from == nullptr) return nullptr;
  const InstancePtr* first = draw(*from, except, nullptr);
  if (first == nullptr) return nullptr;
  if (policy == Policy::kUniform || from->size() == 1) return *first;
  const InstancePtr* second = draw(*from, except, first->get());
  // A second one that is set aside was the best of a bad lot: no rival.
  if (second == nullptr || (*second)->aside_until > clock_.now()) return *first;
  const Instance& a = **first;
  const Instance& b = **second;
  if (a.in_flight != b.in_flight) return a.in_flight < b.in_flight ? *first : *second;
  return a.latency_us <= b.latency_us ? *first : *second;
}

bool Directory::knows(std::string_view name) const { return models_.find(name) != models_.end(); }

bool Directory::has_other(const Instance& instance) {
  const Instances* all = candidates(instance.endpoint.name, instance.endpoint.version);
  return all != nullptr && all->size() > 1;
}

void Directory::note(Instance& instance, const Seen& seen) {
  ++instance.report.calls;
  if (!instance.reported) {
    const auto known = by_id_.find(instance.endpoint.id);
    instance.reported = known != by_id_.end() && known->second.get() == &instance;
    if (instance.reported) with_news_.push_back(known->second);
  }
  if (!seen.failed) {
    instance.report.latency.add(seen.latency_us);
    instance.failures_in_a_row = 0;
    instance.aside_until = {};
    instance.latency_us = instance.latency_us == 0 ? seen.latency_us : (instance.latency_us * 7 + seen.latency_us) / 8;
    instance.slowest_us = std::max(seen.latency_us, instance.slowest_us - instance.slowest_us / 64);
    return;
  }
  ++instance.report.failures;
  const SteadyTime now = clock_.now();
  // Calls in flight that fail together are one failure.
  if (instance.aside_until <= now) {
    const int doublings = std::min(instance.failures_in_a_row++, 6);
    const auto time = std::min<std::chrono::nanoseconds>(kAsideMin * (1 << doublings), kAsideMax);
    instance.aside_until = now + std::chrono::duration_cast<SteadyTime::duration>(time * (0.75 + random_.unit() / 2));
  }
  if (seen.unreachable && instance.last_resort && merge_.forget(instance.endpoint.name, instance.endpoint.id))
    rebuild();
}

InstancePtr Directory::find_url(std::string_view url) const {
  const auto at = by_url_.find(url);
  return at == by_url_.end() ? nullptr : at->second;
}

std::vector<CallReport> Directory::take_reports() {
  std::vector<CallReport> out = std::exchange(undelivered_, {});
  for (const InstancePtr& instance : with_news_) {
    instance->reported = false;
    CallReport fresh;
    fresh.id = instance->report.id;
    out.push_back(std::exchange(instance->report, std::move(fresh)));
  }
  with_news_.clear();
  return out;
}

void Directory::give_back(std::vector<CallReport> reports) {
  // What nobody takes for long is dropped, oldest first.
  if (reports.size() > kUndeliveredMax)
    reports.erase(reports.begin(), reports.end() - static_cast<std::ptrdiff_t>(kUndeliveredMax));
  undelivered_ = std::move(reports);
}

}  // namespace modelyard::client
