// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/write_batch.h"

#include <algorithm>

#include "json/tree.h"
#include "registry/zookeeper/stored.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::CreateMode;
using modelyard::zookeeper::MultiAnswer;
using modelyard::zookeeper::Op;

constexpr size_t kTrimMore = 16;     // of what is over the bound, beside as many as were appended
constexpr size_t kOpOverhead = 160;  // lengths, versions, an access list of three
constexpr std::string_view kEventPrefix = "e-";
constexpr std::string_view kRejectedPrefix = "r-";

}  // namespace

WriteBatch::WriteBatch(const Layout& layout, const Access& access, const Known& known, const std::string& leader)
    : layout_(layout), access_(access), known_(known), last_incarnation_(known.last_incarnation) {
  push(Op::check(leader), Role::kLeader);
}

void WriteBatch::push(Op op, Role role) {
  ops_.push_back(std::move(op));
  roles_.push_back(role);
}

const Known::Record* WriteBatch::find(const std::string& path) const {
  if (const auto at = records_.find(path); at != records_.end()) return at->second ? &*at->second : nullptr;
  const auto at = known_.records.find(path);
  return at == known_.records.end() ? nullptr : &at->second;
}

void WriteBatch::put_record(const std::string& path, std::string data, int64_t number) {
  if (const Known::Record* present = find(path)) {
    const int32_t version = present->version;
    push(Op::set(path, std::move(data), version), Role::kRecord);
    records_[path] = Known::Record{version + 1, number};
  } else {
    push(Op::create(path, std::move(data), CreateMode::kPersistent, access_.records), Role::kRecord);
    records_[path] = Known::Record{0, number};
  }
}

// What is absent already is removed: saying it twice is harmless.
void WriteBatch::remove_record(const std::string& path) {
  const Known::Record* present = find(path);
  if (present == nullptr) return;
  push(Op::remove(path, present->version), Role::kRecord);
  records_[path] = std::nullopt;
}

Status WriteBatch::put_deployment(const Deployment& deployment) {
  const std::string path = layout_.deployment(deployment.name, deployment.version);
  const Known::Record* present = find(path);
  const int64_t stored = present == nullptr ? 0 : present->number;
  if (stored != deployment.generation - 1) {
    return fail(ErrorCode::kConflict, "deployment '" + deployment.name + "' version '" + deployment.version +
                                          "' was changed meanwhile: it has generation " + std::to_string(stored));
  }
  put_record(path, json::dump(to_json(deployment)), deployment.generation);
  return {};
}

void WriteBatch::put_report(const std::string& path, bool anew) {
  const auto at = reports_.find(path);
  const bool present = at != reports_.end() ? at->second : known_.reports.contains(path);
  if (present && !anew) return;
  const bool open = access_.workers == modelyard::zookeeper::open_acl();
  if (present && open) {
    push(Op::set(path, ""), Role::kRecord);
  } else {
    // Made anew: another application's workers may have had the node.
    if (present) push(Op::remove(path), Role::kRecord);
    push(Op::create(path, "", CreateMode::kPersistent, access_.workers), Role::kRecord);
  }
  reports_[path] = true;
}

// A new incarnation begins with an empty report: what the one before said is not taken for its word.
void WriteBatch::put_instance(const Instance& instance) {
  const std::string path = layout_.instance(instance.id);
  const Known::Record* present = find(path);
  const bool anew = present == nullptr || present->number != instance.incarnation;
  if (present != nullptr && anew && access_.records != modelyard::zookeeper::open_acl()) remove_record(path);
  put_record(path, json::dump(to_json(instance)), instance.incarnation);
  put_report(layout_.report(instance.id), anew);
  last_incarnation_ = std::max(last_incarnation_, instance.incarnation);
}

void WriteBatch::append(const std::string& folder, const char* prefix, std::string data, size_t& count) {
  push(Op::create(folder + "/" + prefix, std::move(data), CreateMode::kPersistentSequential, access_.records),
       Role::kAppend);
  ++count;
}

Status WriteBatch::add(const Write& write, int64_t now_ms) {
  switch (write.kind) {
    case Write::Kind::kPutDeployment: return put_deployment(write.deployment);
    case Write::Kind::kRemoveDeployment: remove_record(layout_.deployment(write.name, write.version)); break;
    case Write::Kind::kPutInstance: put_instance(write.instance); break;
    case Write::Kind::kRemoveInstance: {
      remove_record(layout_.instance(write.id));
      const std::string report = layout_.report(write.id);
      const auto at = reports_.find(report);
      if (at != reports_.end() ? at->second : known_.reports.contains(report)) {
        push(Op::remove(report), Role::kRecord);
        reports_[report] = false;
      }
      break;
    }
    case Write::Kind::kPutName:
      put_record(layout_.name(write.name), json::dump(name_record_to_json(write.record)), 0);
      break;
    case Write::Kind::kAppendEvent:
      append(layout_.events(), kEventPrefix.data(), json::dump(event_to_json(write.event)), events_);
      break;
    case Write::Kind::kRejectRequest:
      append(layout_.rejected(), kRejectedPrefix.data(),
             json::dump(to_json(RejectedRequest{write.id, write.data, write.event.text, now_ms})), rejected_);
      [[fallthrough]];
    case Write::Kind::kTakeRequest:
      if (write.id.empty() || write.id.find('/') != std::string::npos)
        return fail(ErrorCode::kInvalidArgument, "'" + write.id + "' is no item of the queue");
      push(Op::remove(layout_.queue + "/" + write.id), Role::kQueue);
      break;
  }
  return {};
}

// Bounded work: a write removes little more than it adds, however many are over the bound.
void WriteBatch::trim(const std::string& folder, const std::deque<std::string>& names, size_t appended, size_t max) {
  if (appended == 0 || names.size() + appended <= max) return;
  const size_t over = std::min({names.size() + appended - max, appended + kTrimMore, names.size()});
  for (size_t i = 0; i < over; ++i) {
    const std::string path = folder + "/" + names[i];
    push(Op::remove(path), Role::kTrim);
    trimmed_.insert(path);
  }
}

Result<std::vector<Op>> WriteBatch::finish() {
  if (last_incarnation_ > known_.last_incarnation)
    push(Op::set(layout_.incarnation(), std::to_string(last_incarnation_)), Role::kRecord);
  trim(layout_.events(), known_.events, events_, kEventsMax);
  trim(layout_.rejected(), known_.rejected, rejected_, kRejectedMax);
  size_t bytes = 0;
  for (const Op& op : ops_) bytes += op.path.size() + op.data.size() + kOpOverhead;
  if (ops_.size() > kBatchOpsMax) {
    return fail(ErrorCode::kResourceExhausted, "a change of " + std::to_string(ops_.size()) +
                                                   " records at once: ZooKeeper takes " + std::to_string(kBatchOpsMax));
  }
  if (bytes > kBatchBytesMax) {
    return fail(ErrorCode::kResourceExhausted, "a change of " + std::to_string(bytes >> 10) +
                                                   " KiB at once: ZooKeeper takes " +
                                                   std::to_string(kBatchBytesMax >> 10));
  }
  return ops_;
}

void WriteBatch::commit(const MultiAnswer& answer, Known& known) const {
  for (const auto& [path, record] : records_) {
    if (record) {
      known.records[path] = *record;
    } else {
      known.records.erase(path);
    }
  }
  for (const auto& [path, present] : reports_) {
    if (present) {
      known.reports.insert(path);
    } else {
      known.reports.erase(path);
    }
  }
  const auto trimmed = [&](const std::string& folder, const std::string& name) {
    return trimmed_.contains(folder + "/" + name);
  };
  std::erase_if(known.events, [&](const std::string& name) { return trimmed(layout_.events(), name); });
  std::erase_if(known.rejected, [&](const std::string& name) { return trimmed(layout_.rejected(), name); });
  for (size_t i = 0; i < roles_.size() && i < answer.paths.size(); ++i) {
    if (roles_[i] != Role::kAppend) continue;
    const std::string& path = answer.paths[i];
    auto& names = modelyard::zookeeper::parent_of(path) == layout_.events() ? known.events : known.rejected;
    names.emplace_back(modelyard::zookeeper::name_of(path));
  }
  known.last_incarnation = last_incarnation_;
}

}  // namespace modelyard::registry::zookeeper
