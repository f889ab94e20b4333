// SPDX-License-Identifier: Apache-2.0
#include "registry/fake.h"

#include <algorithm>

namespace modelyard::registry {
namespace {

std::string words(const Write& write) {
  switch (write.kind) {
    case Write::Kind::kPutDeployment: return "put-deployment " + write.deployment.name + "@" + write.deployment.version;
    case Write::Kind::kRemoveDeployment: return "remove-deployment " + write.name + "@" + write.version;
    case Write::Kind::kPutInstance:
      return "put-instance " + write.instance.id + " " + std::string(to_string(write.instance.state));
    case Write::Kind::kRemoveInstance: return "remove-instance " + write.id;
    case Write::Kind::kPutName: return "put-name " + write.name;
    case Write::Kind::kAppendEvent:
      return "event " + write.event.name + "@" + write.event.version + " " + write.event.kind;
    case Write::Kind::kTakeRequest: return "take-request " + write.id;
    case Write::Kind::kRejectRequest: return "reject-request " + write.id;
  }
  return "?";
}

template <typename List, typename Is>
void replace_or_add(List& list, Is is, typename List::value_type value) {
  const auto found = std::find_if(list.begin(), list.end(), is);
  if (found != list.end()) {
    *found = std::move(value);
  } else {
    list.push_back(std::move(value));
  }
}

}  // namespace

FakeRegistry::Fate FakeRegistry::next_fate() {
  if (fates.empty()) return Fate::kWell;
  const Fate fate = fates.front();
  fates.pop_front();
  return fate;
}

io::Task<Result<Contents>> FakeRegistry::lead() {
  accesses.push_back("lead");
  const Fate fate = next_fate();
  if (fate != Fate::kRefused) ++contents.epoch;
  if (fate != Fate::kWell) co_return fail(ErrorCode::kUnavailable, "the registry is away");
  co_return contents;
}

io::Task<Status> FakeRegistry::write(std::vector<Write> batch) {
  for (const Write& write : batch) accesses.push_back(words(write));
  const Fate fate = next_fate();
  if (fate == Fate::kRefused) co_return fail(ErrorCode::kUnavailable, "the registry is away");
  Status stored = store(batch);
  if (stored && fate == Fate::kForgotten) co_return fail(ErrorCode::kDeadline, "the registry did not answer");
  co_return stored;
}

Status FakeRegistry::store(const std::vector<Write>& batch) {
  for (const Write& write : batch) {
    if (write.kind != Write::Kind::kPutDeployment) continue;
    int64_t generation = 0;
    for (const Deployment& known : contents.deployments) {
      if (known.name == write.deployment.name && known.version == write.deployment.version)
        generation = known.generation;
    }
    if (generation != write.deployment.generation - 1)
      return fail(ErrorCode::kConflict, "another generation is stored");
  }
  for (const Write& write : batch) {
    switch (write.kind) {
      case Write::Kind::kPutDeployment:
        replace_or_add(
            contents.deployments,
            [&](const Deployment& d) {
              return d.name == write.deployment.name && d.version == write.deployment.version;
            },
            write.deployment);
        break;
      case Write::Kind::kRemoveDeployment:
        std::erase_if(contents.deployments,
                      [&](const Deployment& d) { return d.name == write.name && d.version == write.version; });
        break;
      case Write::Kind::kPutInstance:
        replace_or_add(
            contents.instances, [&](const Instance& i) { return i.id == write.instance.id; }, write.instance);
        contents.last_incarnation = std::max(contents.last_incarnation, write.instance.incarnation);
        break;
      case Write::Kind::kRemoveInstance:
        std::erase_if(contents.instances, [&](const Instance& i) { return i.id == write.id; });
        break;
      case Write::Kind::kPutName: contents.names[write.name] = write.record; break;
      case Write::Kind::kAppendEvent:
        stored_events.push_back(write.event);
        stored_events.back().sequence = static_cast<int64_t>(stored_events.size());
        break;
      case Write::Kind::kTakeRequest:
      case Write::Kind::kRejectRequest: break;
    }
  }
  return {};
}

io::Task<Result<std::vector<Event>>> FakeRegistry::events(std::string name, std::string version, int limit) {
  std::vector<Event> out;
  for (const Event& event : stored_events) {
    if ((name.empty() || event.name == name) && (version.empty() || event.version == version)) out.push_back(event);
  }
  if (out.size() > static_cast<size_t>(std::max(limit, 0))) out.erase(out.begin(), out.end() - limit);
  co_return out;
}

}  // namespace modelyard::registry
