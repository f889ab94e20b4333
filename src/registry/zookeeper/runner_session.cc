// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/runner_session.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>

#include "json/tree.h"
#include "registry/zookeeper/stored.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::Client;
using modelyard::zookeeper::CreateMode;
using modelyard::zookeeper::MultiAnswer;
using modelyard::zookeeper::Op;
using modelyard::zookeeper::WatchEvent;

constexpr milliseconds kConnectWait{30'000};
constexpr milliseconds kRetryFirst{20};
constexpr milliseconds kRetryMax{2'000};

std::string machine_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

}  // namespace

RunnerSession::Order order_of(const Instance& record, int64_t incarnation) {
  if (record.incarnation != incarnation) return RunnerSession::Order::kDisowned;
  switch (record.state) {
    case InstanceState::kDraining:
    case InstanceState::kGone: return RunnerSession::Order::kDrain;
    case InstanceState::kFailed: return RunnerSession::Order::kStop;
    default: return RunnerSession::Order::kServe;
  }
}

class RunnerSession::Impl {
 public:
  Impl(io::Loop& loop, Client& client, Layout layout, Access access, std::string id, int64_t incarnation, Random random)
      : client_(client),
        layout_(std::move(layout)),
        access_(std::move(access)),
        id_(std::move(id)),
        incarnation_(incarnation),
        random_(random),
        scope_(loop.executor()),
        wake_(loop.executor()),
        settled_(loop.executor()) {
    lease_.path = layout_.lease(id_);
    lease_.wanted = json::dump(to_json(LeaseRecord{incarnation_, machine_name(), ::getpid()}));
  }

  void start();
  void report(RunnerReport report);
  io::Task<bool> flush(SteadyTime deadline);
  io::Task<void> stop(SteadyTime deadline);

  std::function<void(Order)> on_order_;

 private:
  // An ephemeral node of this instance, as it is known to stand.
  struct Node {
    std::string path;
    std::optional<std::string> wanted;  // its data; nothing = it shall not be there
    bool known = false;                 // what follows is what the server said, and is watched
    bool present = false;
    bool ours = false;  // of this session
    int32_t version = 0;
    std::string data;
  };

  void changed();
  modelyard::zookeeper::Client::Watcher watcher(std::function<void()> note);
  io::Task<void> run();
  io::Task<Status> step();
  io::Task<Status> read_record();
  io::Task<Result<bool>> read_record_once();
  io::Task<Status> learn(Node& node);
  void want(Order order);
  void add_ops(const Node& node, std::vector<Op>& ops) const;
  io::Task<Status> bring(Order order);
  io::Task<Status> withdraw();
  io::Task<Status> refused(const MultiAnswer& answer, const std::vector<Op>& ops);
  void forget_nodes() { lease_.known = endpoint_.known = false; }
  milliseconds next_wait();

  Client& client_;
  const Layout layout_;
  const Access access_;
  const std::string id_;
  const int64_t incarnation_;
  Random random_;

  int64_t session_ = 0;
  bool record_known_ = false;  // `order_` and `record_version_` are what the server said, and are watched
  int32_t record_version_ = 0;
  Order order_ = Order::kServe;
  std::optional<Order> told_;

  Node lease_;
  Node endpoint_;
  std::optional<RunnerReport> report_;
  uint64_t reports_ = 0;
  uint64_t stored_ = 0;  // the number of the report that stands
  bool report_absent_ = false;
  Endpoint registered_;  // what discovery_json_ says; its time of registration stays over sessions
  std::string discovery_json_;

  bool dirty_ = true;   // something changed since the present step began
  bool clean_ = false;  // everything that is wanted stands
  bool stopping_ = false;
  int failures_ = 0;
  std::string trouble_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  Client::Subscription state_;
  io::Scope scope_;
  io::Event wake_;
  io::Event settled_;
};

void RunnerSession::Impl::changed() {
  dirty_ = true;
  clean_ = false;
  wake_.notify_all();
}

Client::Watcher RunnerSession::Impl::watcher(std::function<void()> note) {
  return [this, alive = std::weak_ptr<char>(alive_), note = std::move(note)](const WatchEvent&) {
    if (alive.expired()) return;
    note();
    changed();
  };
}

void RunnerSession::Impl::start() {
  state_ = client_.on_state([this](Client::State state, bool new_session) {
    if (new_session) forget_nodes();
    clean_ = false;  // until the server has been heard
    if (state != Client::State::kConnected) return;
    record_known_ = false;
    failures_ = 0;
    changed();
  });
  scope_.spawn(run());
}

void RunnerSession::Impl::report(RunnerReport report) {
  report_ = std::move(report);
  ++reports_;
  changed();
}

io::Task<bool> RunnerSession::Impl::flush(SteadyTime deadline) {
  const auto disowned = [this] { return record_known_ && order_ == Order::kDisowned; };
  while (!clean_ && !disowned()) {
    if (!co_await settled_.wait_until(deadline)) break;
  }
  const bool stands = clean_ && !disowned() && stored_ == reports_;
  co_return stands;
}

io::Task<void> RunnerSession::Impl::stop(SteadyTime deadline) {
  stopping_ = true;
  changed();
  while (!clean_ && scope_.running() > 0 && co_await settled_.wait_until(deadline)) {
  }
  state_.reset();
  co_await scope_.stop();
}

milliseconds RunnerSession::Impl::next_wait() {
  const auto doubled = kRetryFirst * (int64_t{1} << std::min(failures_++, 10));
  const auto bounded = static_cast<double>(std::min<milliseconds>(doubled, kRetryMax).count());
  return milliseconds(static_cast<int64_t>(bounded * (0.5 + random_.unit())));
}

io::Task<void> RunnerSession::Impl::run() {
  for (;;) {
    dirty_ = false;
    const Status done = co_await step();
    if (!done) {
      if (trouble_ != done.error().message()) spdlog::warn("instance {}: {}", id_, done.error().message());
      trouble_ = done.error().message();
      settled_.notify_all();  // whoever flushes looks whether it is disowned
      co_await wake_.wait_until(std::chrono::steady_clock::now() + next_wait());
      continue;
    }
    trouble_.clear();
    failures_ = 0;
    if (dirty_) continue;
    clean_ = true;
    settled_.notify_all();
    co_await wake_.wait();
  }
}

io::Task<Status> RunnerSession::Impl::step() {
  if (!co_await client_.wait_connected(std::chrono::steady_clock::now() + kConnectWait))
    co_return fail(ErrorCode::kUnavailable, "no connection to ZooKeeper: " + client_.trouble());
  if (session_ != client_.session_id()) {
    session_ = client_.session_id();
    forget_nodes();
    record_known_ = false;
  }
  if (stopping_) co_return co_await withdraw();
  if (!record_known_) MY_CO_TRY_VOID(co_await read_record());
  if (told_ != order_) {
    told_ = order_;
    if (on_order_) on_order_(order_);
  }
  if (order_ == Order::kDisowned) {
    settled_.notify_all();
    co_return co_await withdraw();
  }
  co_return co_await bring(order_);
}

// False: what was read may be older than the commit that this runner was started by.
io::Task<Result<bool>> RunnerSession::Impl::read_record_once() {
  const std::string path = layout_.instance(id_);
  auto forget = watcher([this] { record_known_ = false; });
  auto node = co_await client_.get(path, forget);
  if (node) {
    auto record = instance_of(node->data);
    record_version_ = node->stat.version;
    if (record) {
      order_ = order_of(*record, incarnation_);
    } else {
      spdlog::error("instance {}: its record cannot be read, the last order stays: {}", id_, record.error().message());
    }
    co_return order_ != Order::kDisowned;
  }
  if (node.error().code() != ErrorCode::kNotFound) co_return fail(std::move(node).error().with_context(path));
  order_ = Order::kDisowned;
  const auto present = co_await client_.exists(path, forget);
  if (!present && present.error().code() != ErrorCode::kNotFound)
    co_return fail(Error(present.error()).with_context(path));
  if (present) co_return fail(ErrorCode::kConflict, path + ": it was made just now");
  co_return false;
}

io::Task<Status> RunnerSession::Impl::read_record() {
  record_known_ = true;  // a watch that fires meanwhile says otherwise
  const Order before = order_;
  auto read = co_await read_record_once();
  if (read && !*read) {
    // A server that lags behind must not disown a runner: what it says now is not older than this moment.
    if (Status synced = co_await client_.sync(layout_.instance(id_)); !synced) {
      read = fail(std::move(synced).error());
    } else {
      read = co_await read_record_once();
    }
  }
  if (read) co_return Status();
  record_known_ = false;
  order_ = before;
  co_return fail(std::move(read).error().with_context("reading the instance's record"));
}

io::Task<Status> RunnerSession::Impl::learn(Node& node) {
  if (node.known || node.path.empty()) co_return Status();
  node.known = true;
  auto stat = co_await client_.exists(node.path, watcher([&node] { node.known = false; }));
  if (!stat && stat.error().code() != ErrorCode::kNotFound) {
    node.known = false;
    co_return fail(std::move(stat).error().with_context(node.path));
  }
  node.present = stat.has_value();
  node.ours = node.present && stat->ephemeral_owner == session_;
  if (node.present) node.version = stat->version;
  if (!node.ours) node.data.clear();
  co_return Status();
}

void RunnerSession::Impl::want(Order order) {
  const bool serves =
      order == Order::kServe && report_ && report_->state == InstanceState::kReady && report_->endpoint.has_value();
  endpoint_.wanted.reset();
  if (!serves) return;
  const Endpoint& endpoint = *report_->endpoint;
  const std::string path = layout_.endpoint(endpoint.name, endpoint.id);
  if (endpoint_.path != path) {
    if (!endpoint_.path.empty() && (!endpoint_.known || endpoint_.present)) {
      dirty_ = true;  // the old one goes first
      return;
    }
    endpoint_ = {.path = path};
  }
  if (registered_ != endpoint) {
    registered_ = endpoint;
    discovery_json_ = to_discovery_json(endpoint, to_epoch_ms(system_clock().wall()));
  }
  endpoint_.wanted = discovery_json_;
}

void RunnerSession::Impl::add_ops(const Node& node, std::vector<Op>& ops) const {
  if (node.present && node.ours && node.wanted) {
    if (node.data != *node.wanted) ops.push_back(Op::set(node.path, *node.wanted));
    return;
  }
  // What an older session of this instance left: the check of the record says that it is nobody's who came later.
  if (node.present) ops.push_back(Op::remove(node.path));
  if (node.wanted) ops.push_back(Op::create(node.path, *node.wanted, CreateMode::kEphemeral, access_.workers));
}

io::Task<Status> RunnerSession::Impl::bring(Order order) {
  want(order);
  MY_CO_TRY_VOID(co_await learn(lease_));
  MY_CO_TRY_VOID(co_await learn(endpoint_));
  std::vector<Op> ops{Op::check(layout_.instance(id_), record_version_)};
  add_ops(lease_, ops);
  add_ops(endpoint_, ops);
  const uint64_t number = reports_;
  const bool reports = report_ && stored_ != number && !report_absent_;
  if (reports) ops.push_back(Op::set(layout_.report(id_), json::dump(to_json(*report_))));
  if (ops.size() > 1) {
    const std::vector<Op> sent = ops;
    auto answer = co_await client_.multi(std::move(ops));
    if (!answer) {
      forget_nodes();  // it may have been carried out
      co_return fail(std::move(answer).error().with_context("registering"));
    }
    if (!answer->done) co_return co_await refused(*answer, sent);
    for (Node* node : {&lease_, &endpoint_}) {
      node->present = node->ours = node->wanted.has_value();
      node->data = node->wanted.value_or("");
    }
    if (reports) stored_ = number;
  }
  if (!std::exchange(report_absent_, false)) co_return Status();
  co_return fail(ErrorCode::kNotFound, layout_.report(id_) + " is not there");
}

io::Task<Status> RunnerSession::Impl::refused(const MultiAnswer& answer, const std::vector<Op>& ops) {
  forget_nodes();
  Error error(answer.refusal, "registering: " + answer.text);
  const bool gone = answer.refusal == ErrorCode::kNotFound;
  const Op* failed = answer.failed_at < ops.size() ? &ops[answer.failed_at] : nullptr;
  if (answer.failed_at == 0 && (gone || answer.refusal == ErrorCode::kConflict)) {
    // The record changed meanwhile: it is read again at once.
    record_known_ = false;
    dirty_ = true;
    co_return Status();
  }
  if (failed != nullptr && gone && failed->kind == Op::Kind::kSetData && failed->path == layout_.report(id_)) {
    // The lease and the endpoint do not wait for it.
    report_absent_ = true;
    dirty_ = true;
    co_return Status();
  }
  if (failed != nullptr && gone && failed->kind == Op::Kind::kCreate && failed->path == endpoint_.path) {
    const std::string parent(modelyard::zookeeper::parent_of(failed->path));
    MY_CO_TRY_VOID(co_await modelyard::zookeeper::make_path(client_, parent, access_.nests));
    dirty_ = true;
    co_return Status();
  }
  co_return fail(std::move(error));
}

// The endpoint goes first: nobody is sent to a model that nobody watches over.
io::Task<Status> RunnerSession::Impl::withdraw() {
  for (Node* node : {&endpoint_, &lease_}) {
    MY_CO_TRY_VOID(co_await learn(*node));
    if (!node->present || !node->ours) continue;
    const Status removed = co_await client_.remove(node->path);
    node->known = false;
    if (!removed && removed.error().code() != ErrorCode::kNotFound)
      co_return fail(Error(removed.error()).with_context(node->path));
    node->present = false;
  }
  co_return Status();
}

RunnerSession::RunnerSession(io::Loop& loop, Client& client, Layout layout, Access access, std::string id,
                             int64_t incarnation, Random random)
    : impl_(std::make_unique<Impl>(loop, client, std::move(layout), std::move(access), std::move(id), incarnation,
                                   random)) {}
RunnerSession::~RunnerSession() = default;
void RunnerSession::on_order(std::function<void(Order)> callback) { impl_->on_order_ = std::move(callback); }
void RunnerSession::start() { impl_->start(); }
void RunnerSession::report(RunnerReport report) { impl_->report(std::move(report)); }
io::Task<bool> RunnerSession::flush(SteadyTime deadline) { co_return co_await impl_->flush(deadline); }
io::Task<void> RunnerSession::stop(SteadyTime deadline) { co_await impl_->stop(deadline); }

}  // namespace modelyard::registry::zookeeper
