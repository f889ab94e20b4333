// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "registry/registry.h"

namespace modelyard::registry {

// A registry in memory, for tests: remembers what was asked, and can fail or forget to answer. Made with an executor it
// is a shared one with a queue and runners: a test may give the leadership to another controller and write in its name.
// Confined to its loop.
class FakeRegistry final : public Registry {
 public:
  FakeRegistry() = default;
  explicit FakeRegistry(io::Executor executor);

  // What happens to the next writes (and lead()s), in order; when the list is empty all goes well.
  enum class Fate {
    kWell,
    kRefused,    // not stored, kUnavailable
    kForgotten,  // stored, but the answer is kDeadline
  };
  std::deque<Fate> fates;
  std::function<Fate()> next_fates;  // asked when the list is empty; empty: all goes well
  // Each call in one line: "lead", "put-instance dga-1.0-000001 ready", "event dga@1.0 ready".
  std::vector<std::string> accesses;
  std::vector<Event> stored_events;
  Contents stored;

  // The leadership of a shared one. While another has it, lead() waits and every write is kConflict.
  void give_away(Leader to, bool tell = true);  // tell: on_lost() is called, as when the session has expired
  void write_as_other(const std::vector<Write>& batch);
  void take_back();
  std::optional<Error> refuse_lead;  // what lead() answers
  bool cut_off = false;              // then deciding() is false

  // The queue and the runners of a shared one.
  struct Rejected {
    std::string item, data, reason;
  };
  std::vector<Rejected> rejected;
  void put_request(std::string item, std::string data);
  const std::map<std::string, std::string>& queue() const { return queue_; }
  void tell(RunnerNews news);  // remembered, and told to those who listen

  io::Task<Result<Contents>> lead() override;
  io::Task<Status> write(std::vector<Write> batch) override;
  io::Task<Result<std::vector<Event>>> events(std::string name, std::string version, int limit) override;

  bool is_shared() const override { return shared_ != nullptr; }
  bool deciding() const override { return !cut_off; }
  void on_lost(std::function<void()> callback) override { on_lost_ = std::move(callback); }
  std::optional<Leader> current_leader() const override { return other_; }
  std::shared_ptr<const Contents> contents() const override;
  Subscription on_contents(std::function<void()> callback) override;
  io::Task<Result<std::vector<QueueItem>>> requests(size_t limit) override;
  Subscription on_requests(std::function<void()> callback) override;
  Subscription on_runners(std::function<void(const RunnerNews&)> callback) override;

 private:
  struct Shared;
  Fate next_fate();
  Status check(const std::vector<Write>& batch) const;
  Status store(const std::vector<Write>& batch);
  void apply(const Write& write);

  std::shared_ptr<Shared> shared_;  // null: one user
  std::function<void()> on_lost_;
  std::optional<Leader> other_;
  std::map<std::string, std::string> queue_;
  std::map<std::string, RunnerNews> runners_;
};

}  // namespace modelyard::registry
