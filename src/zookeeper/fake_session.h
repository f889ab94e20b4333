// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "io/task.h"
#include "zookeeper/fake_store.h"

// Parts of FakeEnsemble: include zookeeper/fake.h instead.
namespace modelyard::zookeeper::fake {

class Session;

// What all sessions share.
struct Ensemble {
  Ensemble(io::Loop& on, FakeEnsemble::Options o) : loop(on), options(o), store(o.has_create2) {}

  io::Loop& loop;
  const FakeEnsemble::Options options;
  Store store;
  std::vector<std::shared_ptr<Session>> sessions;
  std::function<Status(int64_t, const std::string&)> hook;
  std::vector<std::string> requests;
  bool events_held = false;
  int64_t last_session = 0x1000;

  Session* find(int64_t session);
  // Tells every session what the store did.
  void publish();
};

// One operation on its way: queued, sent, answered.
struct Call {
  Call(std::string w, bool write, size_t bytes, io::Executor executor)
      : what(std::move(w)), is_write(write), size(bytes), done(executor) {}
  virtual ~Call() = default;
  // Carries it out at the server; what it answers is kept until deliver().
  virtual void apply(Ensemble& ensemble) = 0;
  virtual void deliver() = 0;
  virtual void fail_with(Error error) = 0;

  const std::string what;
  const bool is_write;
  const size_t size;
  io::Event done;
};

template <typename T>
struct TypedCall final : Call {
  using Call::Call;
  std::function<Result<T>(Ensemble&)> action;
  std::function<void(const Result<T>&)> on_answer;
  std::optional<Result<T>> staged;
  std::optional<Result<T>> result;

  void apply(Ensemble& ensemble) override { staged.emplace(action(ensemble)); }
  void deliver() override {
    if (result) return;
    if (on_answer) on_answer(*staged);
    result = std::move(staged);
    done.notify_all();
  }
  void fail_with(Error error) override {
    if (result) return;
    result.emplace(fail(std::move(error)));
    done.notify_all();
  }
};

// One client's session: the server's half (its watches, until the connection breaks) and the client's half (queue,
// watchers, state), with the connection between them as one ordered stream of answers and events.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::weak_ptr<Ensemble> ensemble, io::Loop& loop, int64_t id, std::chrono::milliseconds timeout);

  // The client's side.
  template <typename T>
  io::Task<Result<T>> submit(std::shared_ptr<TypedCall<T>> call, SteadyTime deadline);
  Client::Subscription subscribe(std::function<void(Client::State, bool)> callback);
  void watch_once(std::map<std::string, std::vector<Client::Watcher>>& where, const std::string& path,
                  Client::Watcher watcher);
  Client::Subscription watch_always(const std::string& path, Client::WatchMode mode, Client::Watcher watcher);
  void begin();
  void close();
  void abandon();  // the client is destroyed without close(): as a program that crashes

  // Faults.
  void disconnect();
  void reconnect();
  void expire();

  // The server's side.
  void tell(const StoreEvent& event);
  void flush();

  Caller caller() const { return {id, identities}; }

  int64_t id;
  const std::chrono::milliseconds timeout;
  Client::State state = Client::State::kConnecting;
  SteadyTime last_heard;
  std::string trouble;
  std::vector<std::pair<std::string, std::string>> identities{{"ip", "127.0.0.1"}};
  int replies_to_lose = 0;
  int requests_to_lose = 0;
  io::Event state_changed;

  // Watches at the server. They go with the connection.
  struct Registered {
    std::set<std::string> data;
    std::set<std::string> child;
    std::map<std::string, int> persistent;
    std::map<std::string, int> recursive;
  } registered;

  // Watchers of the client. They stay until the session ends.
  struct Watchers {
    std::map<std::string, std::vector<Client::Watcher>> data;
    std::map<std::string, std::vector<Client::Watcher>> exist;
    std::map<std::string, std::vector<Client::Watcher>> child;
    std::map<std::string, std::list<std::shared_ptr<Client::Watcher>>> persistent;
    std::map<std::string, std::list<std::shared_ptr<Client::Watcher>>> recursive;
  } watchers;

 private:
  struct Answer {
    std::shared_ptr<Call> call;
    int64_t zxid;
  };
  using Item = std::variant<WatchEvent, Answer>;

  void pump();
  void schedule_pump();
  void break_connection();
  void lose_session();
  void begin_session(Ensemble& ensemble);
  void link();
  void set_watches_again();
  void announce(Client::State now, bool new_session);
  void dispatch(const WatchEvent& event);
  void tell_lost();
  bool registered_wants(const StoreEvent& event);
  void replay(WatchEvent::Type type, const std::string& path);

  const std::weak_ptr<Ensemble> ensemble_;
  io::Loop& loop_;
  bool is_alive_ = true;  // at the server
  bool is_new_ = true;    // no connection has announced this session yet
  bool is_away_ = false;  // until reconnect()
  bool is_abandoned_ = false;
  bool pump_scheduled_ = false;
  bool flush_scheduled_ = false;
  int64_t seen_zxid_ = 0;
  std::deque<std::shared_ptr<Call>> queue_;
  std::deque<Item> stream_;  // from the server, in its order
  std::list<std::weak_ptr<std::function<void(Client::State, bool)>>> subscriptions_;
};

template <typename T>
io::Task<Result<T>> Session::submit(std::shared_ptr<TypedCall<T>> call, SteadyTime deadline) {
  const std::shared_ptr<Session> self = shared_from_this();
  if (state == Client::State::kClosed) co_return fail(ErrorCode::kCancelled, call->what + ": the client is closed");
  if (state == Client::State::kRefused) co_return fail(ErrorCode::kUnauthenticated, call->what + ": " + trouble);
  if (deadline == SteadyTime{}) deadline = system_clock().now() + seconds(15);
  queue_.push_back(call);
  schedule_pump();
  while (!call->result) {
    if (co_await call->done.wait_until(deadline) || call->result) continue;
    const auto waiting = std::find(queue_.begin(), queue_.end(), call);
    if (waiting == queue_.end())
      co_return fail(ErrorCode::kDeadline, call->what + ": no answer in time; it may have been carried out");
    queue_.erase(waiting);
    co_return fail(ErrorCode::kUnavailable, call->what + ": no connection: " + trouble);
  }
  co_return std::move(*call->result);
}

// A client whose connection is a Session.
std::unique_ptr<Client> make_client(std::shared_ptr<Ensemble> ensemble, std::shared_ptr<Session> session);

}  // namespace modelyard::zookeeper::fake
