// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "controller/core.h"
#include "io/task.h"
#include "registry/registry.h"
#include "registry/zookeeper/layout.h"

namespace modelyard::controller {

// A payload that was brought in for a request.
struct FetchedPayload {
  std::string digest;
  std::shared_ptr<const void> pin;  // until the deployment that names the digest is stored
};

// Brings what a request's `path` names ("/user/metron/models", "hdfs://…", "file://…") into the payload store. Suspends
// as long as that takes and never blocks the loop. kUnavailable, kDeadline, kResourceExhausted: worth another try;
// every other error is final and becomes the reason of the refusal.
using PayloadSource = std::function<io::Task<Result<FetchedPayload>>(std::string path)>;

struct IntakeOptions {
  milliseconds retry_first{1'000};  // of a payload that could not be fetched; doubles, with jitter
  milliseconds retry_max{60'000};
  int tries_when_full = 8;        // of kResourceExhausted, then it is refused; what is only away is tried for ever
  milliseconds again_after{500};  // an answer did not come: the queue is read again
  size_t items_max = 1'000;
  size_t fetches_max = 4;
  milliseconds look_again{10'000};  // also when nobody says that there is more
};

// Carries out the requests of the registry's queue. Each leaves the queue in the very write that stores what it
// changes, so whatever happens to this process or to answers, it is carried out once.
//
// Items of one name and version keep their order; others pass one that cannot be carried out yet. "null" leaves the
// queue without a trace. Junk, unknown names and payloads that are none are refused: out of the queue, kept with the
// reason, an event. Confined to the controller's loop; run() is one coroutine of the controller's scope.
class Intake {
 public:
  struct Parts {
    io::Executor executor;
    registry::Registry& registry;
    const Clock& clock;
    Random random;
    PayloadSource source;
    // Stores a change; an error other than the change's own means: not stored, or not known to be.
    std::function<io::Task<Status>(std::function<Result<Core::Batch>(Core&)> make)> store;
    std::function<bool()> leads;
  };
  Intake(Parts parts, IntakeOptions options);

  // For ever: takes requests while this controller leads. Cancelled with stop() before destruction.
  io::Task<void> run();
  // The leadership changed.
  void poke() { wake_.notify_all(); }
  io::Task<void> stop() { return scope_.stop(); }

 private:
  using Request = registry::zookeeper::Request;
  struct Item {
    registry::QueueItem stored;
    std::optional<Request> request;  // nothing: "null", or junk
    std::string junk;                // why it is none
  };
  using LaneKey = DeploymentKey;
  struct Lane {
    std::deque<Item> items;
  };
  enum class Outcome {
    kDone,   // it has left the queue
    kAgain,  // not known: the queue is read again
  };

  void sort_in(const std::vector<registry::QueueItem>& items);
  static Item parse(registry::QueueItem stored);
  io::Task<void> run_lane(LaneKey key);
  io::Task<Outcome> carry_out(const Item& item);
  io::Task<Outcome> add(const Item& item);
  io::Task<Outcome> remove(const Item& item);
  io::Task<Outcome> change(const Item& item, std::function<Result<Core::Batch>(Core&)> make);
  io::Task<Outcome> skip(const Item& item);
  io::Task<Outcome> refuse(const Item& item, std::string reason);
  // Nothing: this controller leads no longer.
  io::Task<std::optional<Result<FetchedPayload>>> fetch(const Item& item);
  io::Task<Result<FetchedPayload>> fetch_once(const std::string& path);
  io::Task<void> say_waiting(const Item& item, const Error& why);
  int64_t wall_ms() const { return to_epoch_ms(parts_.clock.wall()); }
  milliseconds wait_of(int failures);

  Parts parts_;
  const IntakeOptions options_;
  io::Event wake_;
  io::Event fetched_;
  size_t fetches_ = 0;
  std::map<LaneKey, Lane> lanes_;  // those at work; junk has one of its own
  std::set<std::string> taken_;    // items in lanes
  std::set<std::string> done_;     // left the queue for sure, but a read may still show them
  registry::Registry::Subscription subscription_;
  io::Scope scope_;
};

}  // namespace modelyard::controller
