// SPDX-License-Identifier: Apache-2.0
#include "controller/intake.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/strings.h"

namespace modelyard::controller {
namespace {

using registry::Write;

constexpr size_t kDataKept = 4096;
constexpr size_t kReasonMax = 1024;

bool worth_another_try(const Error& error, int failures, const IntakeOptions& options) {
  if (error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kDeadline) return true;
  return error.code() == ErrorCode::kResourceExhausted && failures < options.tries_when_full;
}

std::string shortened(std::string_view text, size_t most) { return to_valid_utf8(text.substr(0, most)); }

}  // namespace

Intake::Intake(Parts parts, IntakeOptions options)
    : parts_(std::move(parts)),
      options_(options),
      wake_(parts_.executor),
      fetched_(parts_.executor),
      scope_(parts_.executor) {}

Intake::Item Intake::parse(registry::QueueItem stored) {
  Item item;
  auto request = registry::zookeeper::request_from(stored.data);
  if (request) {
    item.request = std::move(*request);
  } else {
    item.junk = request.error().message();
  }
  item.stored = std::move(stored);
  return item;
}

io::Task<void> Intake::run() {
  subscription_ = parts_.registry.on_requests([this] { poke(); });
  int failures = 0;
  while (true) {
    SteadyTime again = SteadyTime::max();
    if (parts_.leads()) {
      const auto items = co_await parts_.registry.requests(options_.items_max);
      if (items) sort_in(*items);
      if (!items) spdlog::warn("the queue cannot be read: {}", items.error().message());
      failures = items ? 0 : failures + 1;
      again = std::chrono::steady_clock::now() + (items ? options_.look_again : wait_of(failures));
    }
    static_cast<void>(co_await wake_.wait_until(again));
  }
}

void Intake::sort_in(const std::vector<registry::QueueItem>& items) {
  std::set<std::string> present;
  for (const registry::QueueItem& stored : items) {
    present.insert(stored.id);
    if (taken_.contains(stored.id) || done_.contains(stored.id)) continue;
    Item item = parse(stored);
    const LaneKey key = item.request ? LaneKey{item.request->name, item.request->version} : LaneKey{};
    taken_.insert(stored.id);
    const auto [lane, is_new] = lanes_.try_emplace(key);
    lane->second.items.push_back(std::move(item));
    if (is_new) scope_.spawn(run_lane(key));
  }
  std::erase_if(done_, [&](const std::string& id) { return !present.contains(id); });
}

io::Task<void> Intake::run_lane(LaneKey key) {
  while (!lanes_.at(key).items.empty()) {
    const Item& item = lanes_.at(key).items.front();
    const Outcome outcome = co_await carry_out(item);
    if (outcome == Outcome::kAgain) break;
    done_.insert(item.stored.id);
    taken_.erase(item.stored.id);
    lanes_.at(key).items.pop_front();
  }
  // What is left is read again, in its order: the item may have left the queue although no answer came.
  const bool again = !lanes_.at(key).items.empty();
  if (again) co_await io::sleep_for(options_.again_after);
  for (const Item& item : lanes_.at(key).items) taken_.erase(item.stored.id);
  lanes_.erase(key);
  if (again) poke();
}

io::Task<Intake::Outcome> Intake::carry_out(const Item& item) {
  if (!item.junk.empty()) co_return co_await refuse(item, item.junk);
  if (!item.request) co_return co_await skip(item);
  if (item.request->action == Request::Action::kAdd) co_return co_await add(item);
  co_return co_await remove(item);
}

io::Task<Intake::Outcome> Intake::skip(const Item& item) {
  std::function<Result<Core::Batch>(Core&)> make = [id = item.stored.id](Core&) {
    Core::Batch batch;
    batch.writes.push_back(Write::take_request(id));
    return Result<Core::Batch>(std::move(batch));
  };
  const Status stored = co_await parts_.store(std::move(make));
  co_return stored ? Outcome::kDone : Outcome::kAgain;
}

io::Task<Intake::Outcome> Intake::refuse(const Item& item, std::string reason) {
  reason = shortened(reason, kReasonMax);
  spdlog::warn("request {} is refused: {}", item.stored.id, reason);
  const std::string name = item.request ? shortened(item.request->name, 256) : "";
  const std::string version = item.request ? shortened(item.request->version, 256) : "";
  std::function<Result<Core::Batch>(Core&)> make = [=, stored = item.stored, at = wall_ms()](Core&) {
    Core::Batch batch;
    batch.writes.push_back(Write::reject_request(stored.id, shortened(stored.data, kDataKept), reason));
    batch.writes.push_back(
        Write::append({0, at, name, version, "", "refused", fmt::format("request {}: {}", stored.id, reason)}));
    return Result<Core::Batch>(std::move(batch));
  };
  const Status stored = co_await parts_.store(std::move(make));
  co_return stored ? Outcome::kDone : Outcome::kAgain;
}

io::Task<Intake::Outcome> Intake::remove(const Item& item) {
  std::function<Result<Core::Batch>(Core&)> make = [request = *item.request, id = item.stored.id,
                                                    at = wall_ms()](Core& core) -> Result<Core::Batch> {
    RemoveOutcome outcome;
    MY_TRY(Core::Batch batch, core.remove(request.name, request.version, request.instances, at, outcome));
    batch.writes.push_back(Write::take_request(id));
    return batch;
  };
  co_return co_await change(item, std::move(make));
}

// What the change itself says against it is the request's fault; every other error is the registry's.
io::Task<Intake::Outcome> Intake::change(const Item& item, std::function<Result<Core::Batch>(Core&)> make) {
  const auto refusal = std::make_shared<std::string>();
  std::function<Result<Core::Batch>(Core&)> watched = [refusal, make = std::move(make)](Core& core) {
    auto batch = make(core);
    if (!batch) *refusal = batch.error().message();
    return batch;
  };
  const Status stored = co_await parts_.store(std::move(watched));
  if (stored) co_return Outcome::kDone;
  if (!refusal->empty()) co_return co_await refuse(item, *refusal);
  co_return Outcome::kAgain;
}

io::Task<Intake::Outcome> Intake::add(const Item& item) {
  auto fetched = co_await fetch(item);
  if (!fetched) co_return Outcome::kAgain;
  if (!*fetched) co_return co_await refuse(item, fetched->error().message());
  std::function<Result<Core::Batch>(Core&)> make = [request = *item.request, id = item.stored.id, at = wall_ms(),
                                                    digest = (*fetched)->digest](Core& core) -> Result<Core::Batch> {
    DeployRequest wanted;
    wanted.name = request.name;
    wanted.version = request.version;
    wanted.instances = request.instances;
    wanted.memory_mb = request.memory_mb;
    wanted.digest = digest;
    MY_TRY(Core::Batch batch, core.add(std::move(wanted), at));
    batch.writes.push_back(Write::take_request(id));
    return batch;
  };
  co_return co_await change(item, std::move(make));
}

io::Task<std::optional<Result<FetchedPayload>>> Intake::fetch(const Item& item) {
  if (item.request->path.empty()) {
    co_return Result<FetchedPayload>(
        fail(ErrorCode::kInvalidArgument, "path is missing: it names the payload's folder"));
  }
  for (int failures = 0; parts_.leads();) {
    auto fetched = co_await fetch_once(item.request->path);
    if (fetched || !worth_another_try(fetched.error(), ++failures, options_)) co_return std::move(fetched);
    spdlog::warn("request {}: the payload {} is not here yet: {}", item.stored.id, shortened(item.request->path, 512),
                 fetched.error().message());
    if (failures == 1) co_await say_waiting(item, fetched.error());
    co_await io::sleep_for(wait_of(failures));
  }
  co_return std::nullopt;
}

io::Task<Result<FetchedPayload>> Intake::fetch_once(const std::string& path) {
  while (fetches_ >= options_.fetches_max) co_await fetched_.wait();
  struct Count {
    Intake& intake;
    explicit Count(Intake& in) : intake(in) { ++intake.fetches_; }
    ~Count() {
      --intake.fetches_;
      intake.fetched_.notify_all();
    }
  };
  const Count counted(*this);
  co_return co_await parts_.source(path);
}

// Once for each item, so that `events` says why nothing happens.
io::Task<void> Intake::say_waiting(const Item& item, const Error& why) {
  std::function<Result<Core::Batch>(Core&)> make =
      [name = shortened(item.request->name, 256), version = shortened(item.request->version, 256),
       text = fmt::format("request {}: {}", item.stored.id, why.message()), at = wall_ms()](Core&) {
        Core::Batch batch;
        batch.writes.push_back(Write::append({0, at, name, version, "", "waiting", shortened(text, kReasonMax)}));
        return Result<Core::Batch>(std::move(batch));
      };
  static_cast<void>(co_await parts_.store(std::move(make)));
}

milliseconds Intake::wait_of(int failures) {
  const int doublings = std::min(failures - 1, 20);
  const auto wait = std::min<int64_t>(options_.retry_first.count() << doublings, options_.retry_max.count());
  return milliseconds(static_cast<int64_t>(static_cast<double>(wait) * (0.75 + 0.5 * parts_.random.unit())));
}

}  // namespace modelyard::controller
