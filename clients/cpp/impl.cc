// SPDX-License-Identifier: Apache-2.0
#include "impl.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <future>

#include "client/feed.h"
#include "client/zookeeper_feed.h"
#include "log.h"

namespace modelyard::sdk {
namespace {

Code code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return Code::kInvalidArgument;
    case ErrorCode::kNotFound: return Code::kNotFound;
    case ErrorCode::kUnavailable: return Code::kUnavailable;
    case ErrorCode::kDeadline: return Code::kDeadline;
    case ErrorCode::kProtocol: return Code::kProtocol;
    case ErrorCode::kFailed: return Code::kFailed;
    case ErrorCode::kUnsupported: return Code::kUnsupported;
    case ErrorCode::kResourceExhausted: return Code::kTooLarge;
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied: return Code::kRefused;
    case ErrorCode::kCancelled: return Code::kCancelled;
    default: return Code::kInternal;
  }
}

Error closed() { return {Code::kCancelled, "the client is closed"}; }
Error inside() {
  return {Code::kInvalidArgument, "a call that waits, on the client's own thread, would wait for itself"};
}

// A host program's signals are for its own threads.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Error error_of(const modelyard::Error& from) { return {code_of(from.code()), from.message()}; }

// A call's end, told once: when it is dropped (the client closes), as cancelled.
struct Client::Impl::Pending {
  Callback callback;
  explicit Pending(Callback c) : callback(std::move(c)) {}
  ~Pending() { tell(closed()); }
  void tell(Result<Answer> answer) {
    if (Callback once = std::exchange(callback, nullptr)) once(std::move(answer));
  }
};

Client::Impl::Impl(Options options)
    : options_(std::move(options)),
      directory_(system_clock(), Random::from_system()),
      models_(directory_, http_, system_clock()) {
  directory_.on_change([this](const auto& before, const auto& after) { loop_changed(before, after); });
}

Client::Impl::~Impl() { close(); }

Result<std::shared_ptr<Client::Impl>> Client::Impl::make(Options options) {
  use_own_log();
  if (options.quorum.empty() == options.server.empty())
    return Error{Code::kInvalidArgument, "one of quorum and server must be given"};
  auto impl = std::make_shared<Impl>(std::move(options));
  if (const modelyard::Status opened = impl->loop_open(); !opened) return error_of(opened.error());
  const SignalsBlocked blocked;
  impl->thread_ = std::thread([raw = impl.get()] { raw->run(); });
  return impl;
}

// Before the thread starts: nothing runs yet.
modelyard::Status Client::Impl::loop_open() {
  if (!options_.server.empty()) {
    MY_TRY(http::Origin server, http::Origin::of(options_.server));
    client::FeedOptions feed{.server = std::move(server), .token = options_.token};
    source_ = std::make_unique<client::Feed>(loop_, http_, directory_, Random::from_system(), std::move(feed));
    return {};
  }
  client::ZookeeperAddress address{.quorum = options_.quorum, .zk_root = options_.zk_root};
  if (!options_.zk_user.empty()) address.auth = {{"digest", options_.zk_user + ":" + options_.zk_password}};
  MY_TRY_VOID(zookeeper::check_path(address.zk_root));
  MY_TRY(source_,
         client::ZookeeperFeed::open(loop_, std::move(address), directory_, Random::from_system(), system_clock()));
  return {};
}

void Client::Impl::run() {
  own_ = std::this_thread::get_id();
  pthread_setname_np(pthread_self(), "modelyard");
  loop_.post([this] { source_->start(); });
  loop_.run();
}

bool Client::Impl::submit(std::function<void()> fn) const {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  loop_.post(std::move(fn));
  return true;
}

std::optional<Error> Client::Impl::wait_for_snapshot(std::chrono::milliseconds wait) {
  auto told = std::make_shared<std::promise<std::optional<Error>>>();
  const SteadyTime deadline = system_clock().now() + wait;
  submit([this, told, deadline] {
    calls_.spawn([](Impl& impl, auto promise, SteadyTime until) -> io::Task<void> {
      const modelyard::Status status = co_await impl.source_->wait_for_snapshot(until);
      promise->set_value(status ? std::nullopt : std::optional<Error>(error_of(status.error())));
    }(*this, told, deadline));
  });
  return told->get_future().get();
}

std::shared_ptr<const void> Client::Impl::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

bool Client::Impl::connected() const {
  if (on_own_thread()) return source_->connected();
  std::promise<bool> promise;
  const bool open = submit([this, &promise] { promise.set_value(source_->connected()); });
  return open && promise.get_future().get();
}

void Client::Impl::loop_changed(const std::shared_ptr<const registry::Snapshot>& before,
                                const std::shared_ptr<const registry::Snapshot>& after) {
  {
    const std::lock_guard lock(mutex_);
    snapshot_ = after;
  }
  const std::lock_guard lock(hearers_mutex_);
  if (hearers_.empty()) return;
  static const registry::Snapshot kNone;
  std::vector<Change> changes;
  for (const registry::Change& change : registry::diff(before ? *before : kNone, *after, 0)) {
    const Change::Kind kind = change.kind == registry::Change::Kind::kAdded     ? Change::Kind::kAdded
                              : change.kind == registry::Change::Kind::kRemoved ? Change::Kind::kRemoved
                                                                                : Change::Kind::kChanged;
    changes.push_back({kind, endpoint_of(change.endpoint)});
  }
  if (changes.empty()) return;
  const auto hearers = hearers_;  // one may take itself or another away
  for (const auto& [number, hearer] : hearers) {
    if (hearers_.count(number) > 0) (*hearer)(changes, after);
  }
}

int Client::Impl::listen(Hearer hearer) {
  const std::lock_guard lock(hearers_mutex_);
  hearers_.emplace(++last_hearer_, std::make_shared<Hearer>(std::move(hearer)));
  return last_hearer_;
}

void Client::Impl::unlisten(int number) {
  const std::lock_guard lock(hearers_mutex_);
  hearers_.erase(number);
}

Result<Endpoint> Client::Impl::choose(const std::string& name, const std::string& version) {
  std::optional<Result<Endpoint>> chosen;
  const auto draw = [&] {
    std::optional<std::string_view> wanted;
    if (!version.empty()) wanted = version;
    const client::InstancePtr instance = directory_.choose(name, wanted, client::Directory::Policy::kUniform);
    if (instance) {
      chosen = endpoint_of(instance->endpoint);
    } else {
      chosen = Error{Code::kNotFound, version.empty()
                                          ? "no instance of a model named " + name + " is registered"
                                          : "no instance of version " + version + " of " + name + " is registered"};
    }
  };
  if (on_own_thread()) {
    draw();
    return *chosen;
  }
  std::promise<void> done;
  const bool open = submit([&] {
    draw();
    done.set_value();
  });
  if (!open) return closed();
  done.get_future().get();
  return *chosen;
}

Result<Answer> Client::Impl::call(const std::string& name, const std::string& version, const std::string& function,
                                  const Arguments& arguments, std::chrono::milliseconds deadline) {
  if (on_own_thread()) return inside();
  std::promise<Result<Answer>> promise;
  call_async(name, version, function, arguments, deadline,
             [&promise](Result<Answer> answer) { promise.set_value(std::move(answer)); });
  return promise.get_future().get();
}

void Client::Impl::call_async(const std::string& name, const std::string& version, const std::string& function,
                              const Arguments& arguments, std::chrono::milliseconds deadline, Callback callback) {
  auto pending = std::make_shared<Pending>(std::move(callback));
  client::Arguments query;
  query.reserve(arguments.size());
  for (const auto& [key, value] : arguments) query.emplace_back(key, value);
  submit([this, pending, name, version, function, query = std::move(query), deadline]() mutable {
    calls_.spawn(loop_call(std::move(pending), std::move(name), std::move(version), std::move(function),
                           std::move(query), deadline));
  });
  // Not taken, or taken and dropped: ~Pending tells.
}

io::Task<void> Client::Impl::loop_call(std::shared_ptr<Pending> pending, std::string name, std::string version,
                                       std::string function, client::Arguments arguments,
                                       std::chrono::milliseconds deadline) {
  std::optional<std::string> wanted;
  if (!version.empty()) wanted = std::move(version);
  modelyard::Result<client::Answer> answer = co_await models_.call(
      std::move(name), std::move(wanted), std::move(function), std::move(arguments), {.deadline = deadline});
  if (!answer) {
    pending->tell(error_of(answer.error()));
    co_return;
  }
  pending->tell(
      Answer{std::move(answer->body), std::move(answer->content_type), std::move(answer->id), std::move(answer->url)});
}

io::Task<void> Client::Impl::loop_stop() {
  co_await calls_.stop();
  co_await source_->stop();
  http_.close_idle();
}

void Client::Impl::close() {
  if (on_own_thread()) return;  // of no use there: whoever owns the client closes it
  const std::lock_guard closing(close_mutex_);
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    loop_.post([this] {
      io::asio::co_spawn(loop_.executor(), loop_stop(), [this](const std::exception_ptr&) { loop_.stop(); });
    });
  }
  thread_.join();
}

}  // namespace modelyard::sdk
