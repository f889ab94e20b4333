// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/fake_session.h"

namespace modelyard::zookeeper::fake {
namespace {

constexpr size_t kOpsMax = 1'000;

size_t size_of(const Op& op) { return op.path.size() + op.data.size() + 64; }

// on_write()'s answer for one operation; checks are no writes.
Status ask_hook(Ensemble& ensemble, int64_t session, const std::string& what) {
  if (!ensemble.hook) return {};
  return ensemble.hook(session, what);
}

// Errors of the connection, not of the server: they fail a multi as a whole.
bool is_of_connection(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadline || code == ErrorCode::kCancelled;
}

// exists() also watches a node that is not there.
bool is_known(const Result<Stat>& stat) { return stat || stat.error().code() == ErrorCode::kNotFound; }

Result<MultiAnswer> apply_multi(Ensemble& ensemble, const Caller& caller, const std::vector<Op>& ops) {
  for (size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].kind == Op::Kind::kCheck) continue;
    Status asked = ask_hook(ensemble, caller.session, words(ops[i]));
    if (asked) continue;
    if (is_of_connection(asked.error().code())) return fail(std::move(asked).error());
    return MultiAnswer{.failed_at = i, .refusal = asked.error().code(), .text = asked.error().message()};
  }
  return ensemble.store.multi(caller, ops);
}

class FakeClient final : public Client {
 public:
  FakeClient(std::shared_ptr<Ensemble> ensemble, std::shared_ptr<Session> session)
      : loop_(ensemble->loop), session_(std::move(session)) {}
  ~FakeClient() override { session_->abandon(); }

  State state() const override { return session_->state; }
  int64_t session_id() const override { return session_->id; }
  std::chrono::milliseconds session_timeout() const override { return session_->timeout; }
  SteadyTime last_heard() const override {
    return state() == State::kConnected ? system_clock().now() : session_->last_heard;
  }
  std::string trouble() const override { return session_->trouble; }

  Subscription on_state(std::function<void(State, bool)> callback) override {
    return session_->subscribe(std::move(callback));
  }

  io::Task<bool> wait_connected(SteadyTime deadline) override {
    const std::shared_ptr<Session> session = session_;
    while (session->state != State::kConnected) {
      if (session->state == State::kRefused || session->state == State::kClosed) co_return false;
      if (!co_await session->state_changed.wait_until(deadline)) co_return session->state == State::kConnected;
    }
    co_return true;
  }

  io::Task<Result<std::string>> create(std::string path, std::string data, CreateMode mode, AclList acl,
                                       SteadyTime deadline) override {
    MY_CO_TRY_VOID(check_path(path));
    if (mode == CreateMode::kPersistentWithTtl || mode == CreateMode::kPersistentSequentialWithTtl)
      co_return fail(ErrorCode::kInvalidArgument, "a node with a time to live is created by Op::create_with_ttl()");
    const Op op = Op::create(std::move(path), std::move(data), mode, std::move(acl));
    co_return co_await write<std::string>(op, deadline, [session = session_, op](Ensemble& ensemble) {
      return ensemble.store.create(session->caller(), op);
    });
  }

  io::Task<Status> remove(std::string path, int32_t version, SteadyTime deadline) override {
    MY_CO_TRY_VOID(check_path(path));
    const Op op = Op::remove(std::move(path), version);
    co_return co_await write<void>(op, deadline, [session = session_, op](Ensemble& ensemble) {
      return ensemble.store.remove(session->caller(), op);
    });
  }

  io::Task<Result<Stat>> set(std::string path, std::string data, int32_t version, SteadyTime deadline) override {
    MY_CO_TRY_VOID(check_path(path));
    const Op op = Op::set(std::move(path), std::move(data), version);
    co_return co_await write<Stat>(op, deadline, [session = session_, op](Ensemble& ensemble) {
      return ensemble.store.set(session->caller(), op);
    });
  }

  io::Task<Result<Node>> get(std::string path, Watcher watcher, SteadyTime deadline) override {
    auto call = make<Node>("get " + path);
    call->action = [session = session_, path, watches = static_cast<bool>(watcher)](Ensemble& ensemble) {
      Result<Node> node = ensemble.store.get(session->caller(), path);
      if (node && watches) session->registered.data.insert(path);
      return node;
    };
    if (watcher) {
      call->on_answer = [session = session_, path, watcher](const Result<Node>& node) {
        if (node) session->watch_once(session->watchers.data, path, watcher);
      };
    }
    return checked(std::move(path), std::move(call), deadline);
  }

  io::Task<Result<Stat>> exists(std::string path, Watcher watcher, SteadyTime deadline) override {
    auto call = make<Stat>("exists " + path);
    call->action = [session = session_, path, watches = static_cast<bool>(watcher)](Ensemble& ensemble) {
      Result<Stat> stat = ensemble.options.exists_asks_read ? ensemble.store.exists(session->caller(), path)
                                                            : ensemble.store.exists({.is_trusted = true}, path);
      if (watches && is_known(stat)) session->registered.data.insert(path);
      return stat;
    };
    if (watcher) {
      call->on_answer = [session = session_, path, watcher](const Result<Stat>& stat) {
        if (!is_known(stat)) return;
        session->watch_once(stat ? session->watchers.data : session->watchers.exist, path, watcher);
      };
    }
    return checked(std::move(path), std::move(call), deadline);
  }

  io::Task<Result<Children>> children(std::string path, Watcher watcher, SteadyTime deadline) override {
    auto call = make<Children>("children " + path);
    call->action = [session = session_, path, watches = static_cast<bool>(watcher)](Ensemble& ensemble) {
      Result<Children> children = ensemble.store.children(session->caller(), path);
      if (children && watches) session->registered.child.insert(path);
      return children;
    };
    if (watcher) {
      call->on_answer = [session = session_, path, watcher](const Result<Children>& children) {
        if (children) session->watch_once(session->watchers.child, path, watcher);
      };
    }
    return checked(std::move(path), std::move(call), deadline);
  }

  io::Task<Result<Subscription>> add_watch(std::string path, WatchMode mode, Watcher watcher,
                                           SteadyTime deadline) override {
    const bool is_recursive = mode == WatchMode::kPersistentRecursive;
    auto call = make<Subscription>("add_watch " + path + (is_recursive ? " recursive" : ""));
    call->action = [session = session_, path, is_recursive](Ensemble& ensemble) -> Result<Subscription> {
      if (!ensemble.options.has_add_watch)
        return fail(ErrorCode::kUnsupported, "add_watch " + path + ": the server is older than 3.6");
      (is_recursive ? session->registered.recursive : session->registered.persistent)[path] = 1;
      return Subscription();
    };
    auto kept = std::make_shared<Subscription>();
    call->on_answer = [session = session_, path, mode, watcher, kept](const Result<Subscription>& answer) {
      if (answer) *kept = session->watch_always(path, mode, watcher);
    };
    Result<Subscription> answer = co_await checked(path, std::move(call), deadline);
    if (!answer) co_return answer;
    co_return std::move(*kept);
  }

  io::Task<Result<MultiAnswer>> multi(std::vector<Op> ops, SteadyTime deadline) override {
    if (ops.size() > kOpsMax) co_return fail(ErrorCode::kResourceExhausted, "multi: more than 1,000 operations");
    std::string what = "multi";
    size_t size = 0;
    for (const Op& op : ops) {
      MY_CO_TRY_VOID(check_path(op.path));
      what += (size == 0 ? " " : ", ") + words(op);
      size += size_of(op);
    }
    auto call = make<MultiAnswer>(std::move(what), true, size);
    call->action = [session = session_, ops = std::move(ops)](Ensemble& ensemble) {
      return apply_multi(ensemble, session->caller(), ops);
    };
    co_return co_await session_->submit(std::move(call), deadline);
  }

  io::Task<Status> sync(std::string path, SteadyTime deadline) override {
    auto call = make<void>("sync " + path);
    call->action = [](Ensemble&) { return Status(); };
    return checked(std::move(path), std::move(call), deadline);
  }

  io::Task<Result<std::pair<AclList, Stat>>> get_acl(std::string path, SteadyTime deadline) override {
    auto call = make<std::pair<AclList, Stat>>("get_acl " + path);
    call->action = [session = session_, path](Ensemble& ensemble) {
      return ensemble.store.get_acl(session->caller(), path);
    };
    return checked(std::move(path), std::move(call), deadline);
  }

  io::Task<Result<Stat>> set_acl(std::string path, AclList acl, int32_t version, SteadyTime deadline) override {
    auto call = make<Stat>("set_acl " + path, true);
    call->action = [session = session_, path, acl = std::move(acl), version,
                    what = call->what](Ensemble& ensemble) -> Result<Stat> {
      MY_TRY_VOID(ask_hook(ensemble, session->id, what));
      return ensemble.store.set_acl(session->caller(), path, acl, version);
    };
    return checked(std::move(path), std::move(call), deadline);
  }

  io::Task<Status> add_auth(std::string scheme, std::string credentials, SteadyTime deadline) override {
    auto call = make<void>("add_auth " + scheme);
    call->action = [session = session_, scheme, credentials](Ensemble&) -> Status {
      const auto identity = identity_of(scheme, credentials);
      if (!identity)
        return fail(error_code_of(code::kAuthFailed),
                    "add_auth " + scheme + ": " + std::string(text_of(code::kAuthFailed)));
      session->identities.push_back(*identity);
      return {};
    };
    co_return co_await session_->submit(std::move(call), deadline);
  }

  io::Task<void> close(SteadyTime) override {
    session_->close();
    co_return;
  }

 private:
  template <typename T>
  std::shared_ptr<TypedCall<T>> make(std::string what, bool is_write = false, size_t size = 0) {
    return std::make_shared<TypedCall<T>>(std::move(what), is_write, size, loop_.executor());
  }

  template <typename T>
  io::Task<Result<T>> write(const Op& op, SteadyTime deadline, std::function<Result<T>(Ensemble&)> action) {
    auto call = make<T>(words(op), true, size_of(op));
    call->action = [session = session_, what = call->what,
                    action = std::move(action)](Ensemble& ensemble) -> Result<T> {
      if (Status asked = ask_hook(ensemble, session->id, what); !asked) return fail(std::move(asked).error());
      return action(ensemble);
    };
    return session_->submit(std::move(call), deadline);
  }

  template <typename T>
  io::Task<Result<T>> checked(std::string path, std::shared_ptr<TypedCall<T>> call, SteadyTime deadline) {
    if (Status good = check_path(path); !good) co_return fail(std::move(good).error());
    co_return co_await session_->submit(std::move(call), deadline);
  }

  io::Loop& loop_;
  const std::shared_ptr<Session> session_;
};

}  // namespace

std::unique_ptr<Client> make_client(std::shared_ptr<Ensemble> ensemble, std::shared_ptr<Session> session) {
  return std::make_unique<FakeClient>(std::move(ensemble), std::move(session));
}

}  // namespace modelyard::zookeeper::fake
