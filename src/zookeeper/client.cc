// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <list>

#include "base/assert.h"
#include "io/connect.h"
#include "zookeeper/client_impl.h"

namespace modelyard::zookeeper {
namespace internal {
namespace {

constexpr size_t kReadSize = 64 << 10;
constexpr int kDoublingsMax = 16;

}  // namespace

struct NetworkClient::Callbacks {
  using Callback = std::function<void(State, bool)>;
  std::list<std::shared_ptr<Callback>> list;
};

NetworkClient::NetworkClient(io::Executor executor, ClientOptions options, Quorum quorum, io::TlsContext tls,
                             Random random)
    : executor_(executor),
      options_(std::move(options)),
      quorum_(std::move(quorum)),
      tls_(std::move(tls)),
      random_(random),
      session_({.session_timeout = options_.session_timeout,
                .packet_max = options_.packet_max,
                .in_flight_max = options_.in_flight_max,
                .auth = options_.auth},
               *this),
      callbacks_(std::make_shared<Callbacks>()),
      self_(std::make_shared<NetworkClient*>(this)),
      changed_(executor),
      scope_(executor) {
  for (size_t i = quorum_.servers.size(); i > 1; --i)
    std::swap(quorum_.servers[i - 1], quorum_.servers[random_.below(i)]);
  scope_.spawn(run());
}

NetworkClient::~NetworkClient() { *self_ = nullptr; }

Client::Subscription NetworkClient::on_state(std::function<void(State, bool)> callback) {
  auto entry = std::make_shared<Callbacks::Callback>(std::move(callback));
  callbacks_->list.push_back(entry);
  return Subscription(entry.get(), [callbacks = callbacks_, entry](void*) {
    *entry = nullptr;
    callbacks->list.remove(entry);
  });
}

void NetworkClient::set_state(State state, bool new_session) {
  if (state_ == state || state_ == State::kClosed) return;
  state_ = state;
  changed_.notify_all();
  io::post(executor_, [callbacks = callbacks_, state, new_session] {
    const auto list = callbacks->list;  // a callback may end subscriptions
    for (const auto& callback : list) {
      if (*callback) (*callback)(state, new_session);
    }
  });
}

io::Task<bool> NetworkClient::wait_connected(SteadyTime deadline) {
  while (state_ == State::kConnecting || state_ == State::kExpired) {
    if (!co_await changed_.wait_until(deadline)) break;
  }
  co_return state_ == State::kConnected;
}

void NetworkClient::on_ready(bool new_session) {
  was_ready_ = true;
  ready_at_ = system_clock().now();
  trouble_.clear();
  set_state(State::kConnected, new_session);
}

void NetworkClient::on_expired() {
  expired_ = true;
  set_state(State::kExpired);
}

void NetworkClient::on_watch(WatchEvent::Type type, const std::string& path,
                             std::vector<WatchTable::Watcher> watchers) {
  Result<std::string> name = from_server(path);
  if (!name) return;
  // After the answers that came before it, whose tasks were woken through the loop.
  io::post(executor_, [event = WatchEvent{type, std::move(*name)}, watchers = std::move(watchers)] {
    for (const WatchTable::Watcher& watcher : watchers) (*watcher)(event);
  });
}

io::Task<void> NetworkClient::run() {
  const size_t servers = quorum_.servers.size();
  for (size_t next = 0;; next = (next + 1) % servers) {
    expired_ = was_ready_ = false;
    const Status ended = co_await serve(next);
    MY_ASSERT(!ended);
    const std::string server = fmt::format("{}:{}", quorum_.servers[next].host, quorum_.servers[next].port);
    trouble_ = fmt::format("{}: {}", server, ended.error().message());
    session_.lost(trouble_);
    if (session_.stage() == Session::Stage::kClosed) co_return changed_.notify_all();
    const bool lived = was_ready_ && system_clock().now() - ready_at_ > options_.retry_max;
    const std::chrono::milliseconds pause = pause_after(ended, lived, expired_);
    if (session_.refused() || tls_refusals_ >= static_cast<int>(servers)) {
      set_state(State::kRefused);
      session_.end(Error(ErrorCode::kUnauthenticated, trouble_));
      co_return;
    }
    if (state_ == State::kConnected) set_state(State::kConnecting);
    if (pause.count() > 0) co_await io::sleep_for(pause);
  }
}

std::chrono::milliseconds NetworkClient::pause_after(const Status& ended, bool lived, bool expired) {
  tls_refusals_ = ended.error().code() == ErrorCode::kUnauthenticated ? tls_refusals_ + 1 : 0;
  const auto some_of = [&](std::chrono::milliseconds most) {
    return std::chrono::milliseconds(random_.below(static_cast<uint64_t>(std::max<int64_t>(most.count(), 1))));
  };
  // After a good connection the others are tried at once, but not by all clients in the same moment.
  if (lived || expired) {
    failures_ = 0;
    return some_of(options_.retry_min);
  }
  const int servers = static_cast<int>(quorum_.servers.size());
  if (++failures_ % servers != 0) return std::chrono::milliseconds(0);
  const int doublings = std::min(failures_ / servers - 1, kDoublingsMax);
  const std::chrono::milliseconds most = std::min(options_.retry_max, options_.retry_min * (1 << doublings));
  return most / 2 + some_of(most / 2);
}

std::chrono::milliseconds NetworkClient::connect_patience() const {
  // Every server shall get its turn while the session lives.
  const auto share = session_.timeout() / quorum_.servers.size();
  return std::min(options_.connect_timeout, std::max<std::chrono::milliseconds>(share, std::chrono::milliseconds(200)));
}

io::Task<Status> NetworkClient::serve(size_t server) {
  const Quorum::Server& address = quorum_.servers[server];
  const SteadyTime patience = system_clock().now() + connect_patience();
  const std::string name = fmt::format("{}:{}", address.host, address.port);
  MY_CO_TRY(io::Stream connected, co_await connect(address, name, patience));
  const auto stream = std::make_shared<io::Stream>(std::move(connected));
  session_.opened(system_clock().now(), server, make_sasl_mechanism(options_.sasl, address.host), patience);
  stream_ = stream;
  draining_ = false;
  flush();
  // A cancelled task unwinds from here.
  struct Leave {
    NetworkClient& client;
    ~Leave() {
      client.stream_->close();
      client.stream_ = nullptr;
    }
  } leave{*this};
  co_return co_await read(*stream);
}

io::Task<Result<io::Stream>> NetworkClient::connect(const Quorum::Server& server, const std::string& name,
                                                    SteadyTime deadline) {
  const io::ConnectOptions options{.resolve_timeout = options_.connect_timeout,
                                   .connect_timeout = options_.connect_timeout};
  MY_CO_TRY(io::Stream stream, co_await io::connect_tcp(executor_, server.host, server.port, name, options, deadline));
  if (tls_) MY_CO_TRY_VOID(co_await stream.secure(tls_, server.host, deadline));
  co_return std::move(stream);
}

io::Task<Status> NetworkClient::read(io::Stream& stream) {
  std::vector<char> buffer(kReadSize);
  while (true) {
    const Result<size_t> got = co_await stream.read_some(buffer.data(), buffer.size(), session_.wake_at());
    const SteadyTime now = system_clock().now();
    if (!got && got.error().code() != ErrorCode::kDeadline) co_return fail(got.error());
    if (got && *got == 0) co_return fail(ErrorCode::kUnavailable, "the server closed the connection");
    if (got) MY_CO_TRY_VOID(session_.receive({buffer.data(), *got}, now));
    if (session_.stage() == Session::Stage::kClosed) co_return fail(ErrorCode::kCancelled, "the session is closed");
    MY_CO_TRY_VOID(session_.tick(now));
    flush();
  }
}

void NetworkClient::wake() {
  if (flush_posted_ || !stream_) return;
  flush_posted_ = true;
  io::post(executor_, [self = self_] {
    if (*self == nullptr) return;
    (*self)->flush_posted_ = false;
    (*self)->flush();
  });
}

void NetworkClient::flush() {
  while (stream_ && !draining_) {
    const std::string_view out = session_.output();
    if (out.empty()) return;
    const Result<size_t> sent = stream_->write_now(out, {});
    if (!sent) return stream_->shutdown();  // the reader then ends and says why
    session_.written(*sent, system_clock().now());
    if (*sent == out.size()) continue;
    draining_ = true;
    scope_.spawn(drain(stream_));
  }
}

io::Task<void> NetworkClient::drain(std::shared_ptr<io::Stream> stream) {
  // The reader watches the time.
  const Status ready = co_await stream->wait_writable(SteadyTime::max());
  if (stream != stream_) co_return;
  draining_ = false;
  if (!ready) co_return stream->shutdown();
  flush();
}

io::Task<void> NetworkClient::close(SteadyTime deadline) {
  if (closing_) co_return;
  closing_ = true;
  const Error closed(ErrorCode::kCancelled, "the client is closed");
  session_.end(closed);
  // A session that is between two connections is worth one more: its ephemeral nodes go now, not when it expires.
  while (session_.session_id() != 0 && session_.stage() != Session::Stage::kReady && state_ != State::kRefused) {
    if (!co_await changed_.wait_until(deadline)) break;
  }
  session_.close();
  flush();
  while (session_.stage() == Session::Stage::kClosing) {
    if (!co_await changed_.wait_until(deadline)) break;
  }
  session_.end(closed);
  set_state(State::kClosed);
  co_await scope_.stop();
}

}  // namespace internal

Result<std::unique_ptr<Client>> connect_client(io::Loop& loop, ClientOptions options, Random random) {
  MY_TRY(Quorum quorum, parse_quorum(options.quorum));
  io::TlsContext tls;
  if (options.tls.enabled) {
    MY_TRY(tls, io::make_tls_client({.ca_file = options.tls.ca_file,
                                     .certificate_file = options.tls.certificate_file,
                                     .key_file = options.tls.key_file,
                                     .verify_host_name = options.tls.verify_host_name}));
  }
  return std::make_unique<internal::NetworkClient>(loop.executor(), std::move(options), std::move(quorum),
                                                   std::move(tls), random);
}

}  // namespace modelyard::zookeeper
