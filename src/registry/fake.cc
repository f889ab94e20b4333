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

// Those who listen, and who waits for the leadership. Posted calls find out here whether a listener is still there.
struct FakeRegistry::Shared {
  explicit Shared(io::Executor on) : executor(on), changed(on) {}

  using Plain = std::function<void()>;
  using OfRunners = std::function<void(const RunnerNews&)>;
  template <typename Callback>
  static Subscription add(std::list<std::weak_ptr<Callback>>& list, Callback callback) {
    auto held = std::make_shared<Callback>(std::move(callback));
    list.push_back(held);
    return held;
  }
  template <typename Callback, typename... Arguments>
  void call(const std::list<std::weak_ptr<Callback>>& list, const Arguments&... arguments) {
    for (const auto& listener : list) {
      io::post(executor, [listener, arguments...] {
        if (const auto callback = listener.lock()) (*callback)(arguments...);
      });
    }
  }

  io::Executor executor;
  io::Event changed;
  std::list<std::weak_ptr<Plain>> contents;
  std::list<std::weak_ptr<Plain>> requests;
  std::list<std::weak_ptr<OfRunners>> runners;
};

FakeRegistry::FakeRegistry(io::Executor executor) : shared_(std::make_shared<Shared>(executor)) {}

FakeRegistry::Fate FakeRegistry::next_fate() {
  if (fates.empty()) return next_fates ? next_fates() : Fate::kWell;
  const Fate fate = fates.front();
  fates.pop_front();
  return fate;
}

void FakeRegistry::give_away(Leader to, bool tell) {
  other_ = std::move(to);
  ++stored.epoch;
  if (tell && on_lost_) io::post(shared_->executor, on_lost_);
  shared_->call(shared_->contents);
}

void FakeRegistry::take_back() {
  other_.reset();
  shared_->changed.notify_all();
  shared_->call(shared_->contents);
}

void FakeRegistry::write_as_other(const std::vector<Write>& batch) {
  for (const Write& write : batch) apply(write);
  shared_->call(shared_->contents);
}

void FakeRegistry::put_request(std::string item, std::string data) {
  queue_[std::move(item)] = std::move(data);
  shared_->call(shared_->requests);
}

void FakeRegistry::tell(RunnerNews news) {
  runners_[news.id] = news;
  shared_->call(shared_->runners, news);
}

std::shared_ptr<const Contents> FakeRegistry::contents() const { return std::make_shared<Contents>(stored); }

Registry::Subscription FakeRegistry::on_contents(std::function<void()> callback) {
  return shared_ == nullptr ? Subscription() : Shared::add(shared_->contents, std::move(callback));
}
Registry::Subscription FakeRegistry::on_requests(std::function<void()> callback) {
  return shared_ == nullptr ? Subscription() : Shared::add(shared_->requests, std::move(callback));
}
Registry::Subscription FakeRegistry::on_runners(std::function<void(const RunnerNews&)> callback) {
  if (shared_ == nullptr) return {};
  auto held = std::make_shared<std::function<void(const RunnerNews&)>>(std::move(callback));
  shared_->runners.push_back(held);
  for (const auto& [id, news] : runners_) shared_->call<Shared::OfRunners>({held}, news);
  return held;
}

io::Task<Result<std::vector<QueueItem>>> FakeRegistry::requests(size_t limit) {
  accesses.push_back("requests");
  std::vector<QueueItem> out;
  for (const auto& [id, data] : queue_) {
    if (out.size() < limit) out.push_back({id, data});
  }
  co_return out;
}

io::Task<Result<Contents>> FakeRegistry::lead() {
  accesses.push_back("lead");
  if (refuse_lead) co_return fail(*refuse_lead);
  while (other_) co_await shared_->changed.wait();
  const Fate fate = next_fate();
  if (fate != Fate::kRefused) ++stored.epoch;
  if (fate != Fate::kWell) co_return fail(ErrorCode::kUnavailable, "the registry is away");
  co_return stored;
}

io::Task<Status> FakeRegistry::write(std::vector<Write> batch) {
  for (const Write& write : batch) accesses.push_back(words(write));
  if (other_) co_return fail(ErrorCode::kConflict, "another controller leads");
  const Fate fate = next_fate();
  if (fate == Fate::kRefused) co_return fail(ErrorCode::kUnavailable, "the registry is away");
  Status written = store(batch);
  if (written && fate == Fate::kForgotten) co_return fail(ErrorCode::kDeadline, "the registry did not answer");
  co_return written;
}

Status FakeRegistry::check(const std::vector<Write>& batch) const {
  for (const Write& write : batch) {
    const bool takes = write.kind == Write::Kind::kTakeRequest || write.kind == Write::Kind::kRejectRequest;
    if (takes && !queue_.contains(write.id)) return fail(ErrorCode::kConflict, "the request is gone: " + write.id);
    if (write.kind != Write::Kind::kPutDeployment) continue;
    int64_t generation = 0;
    for (const Deployment& known : stored.deployments) {
      if (known.name == write.deployment.name && known.version == write.deployment.version)
        generation = known.generation;
    }
    if (generation != write.deployment.generation - 1)
      return fail(ErrorCode::kConflict, "another generation is stored");
  }
  return {};
}

Status FakeRegistry::store(const std::vector<Write>& batch) {
  MY_TRY_VOID(check(batch));
  for (const Write& write : batch) apply(write);
  if (shared_ != nullptr) shared_->call(shared_->contents);
  return {};
}

void FakeRegistry::apply(const Write& write) {
  switch (write.kind) {
    case Write::Kind::kPutDeployment:
      replace_or_add(
          stored.deployments,
          [&](const Deployment& d) { return d.name == write.deployment.name && d.version == write.deployment.version; },
          write.deployment);
      break;
    case Write::Kind::kRemoveDeployment:
      std::erase_if(stored.deployments,
                    [&](const Deployment& d) { return d.name == write.name && d.version == write.version; });
      break;
    case Write::Kind::kPutInstance:
      replace_or_add(
          stored.instances, [&](const Instance& i) { return i.id == write.instance.id; }, write.instance);
      stored.last_incarnation = std::max(stored.last_incarnation, write.instance.incarnation);
      break;
    case Write::Kind::kRemoveInstance:
      std::erase_if(stored.instances, [&](const Instance& i) { return i.id == write.id; });
      break;
    case Write::Kind::kPutName: stored.names[write.name] = write.record; break;
    case Write::Kind::kAppendEvent:
      stored_events.push_back(write.event);
      stored_events.back().sequence = static_cast<int64_t>(stored_events.size());
      break;
    case Write::Kind::kTakeRequest: queue_.erase(write.id); break;
    case Write::Kind::kRejectRequest:
      queue_.erase(write.id);
      rejected.push_back({write.id, write.data, write.event.text});
      break;
  }
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
