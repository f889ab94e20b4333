// SPDX-License-Identifier: Apache-2.0
// The client's keep-alive connections: how many, which one, how long.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>

#include "http/client_connection.h"
#include "io/connect.h"

namespace modelyard::http::internal {
namespace {

using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>, io::Executor>;

// A connection that rested longer than this is looked at before it is used, so that most of those which the server
// closed cost nothing. The rest is found by the request itself, which is then sent again if it may be.
constexpr milliseconds kTrusted{100};
constexpr milliseconds kSweep{5000};
constexpr milliseconds kSlice{50};

bool is_safe_to_repeat(const ClientRequest& request) {
  return !request.body_source && (request.method == "GET" || request.method == "HEAD");
}

}  // namespace

Pool::Pool(io::Executor executor, Origin the_origin, std::shared_ptr<ClientState> the_state)
    : origin(std::move(the_origin)), state(the_state), freed(executor) {}

Pool::~Pool() = default;

std::shared_ptr<Pool> ClientState::pool_of(const Origin& origin) {
  std::shared_ptr<Pool>& pool = pools[origin.text()];
  if (!pool) pool = std::make_shared<Pool>(executor, origin, shared_from_this());
  return pool;
}

io::Task<Result<std::unique_ptr<ClientConnection>>> ClientState::acquire(const ClientRequest& request, bool fresh,
                                                                         bool& reused, SteadyTime deadline) {
  const std::shared_ptr<Pool> pool = pool_of(request.origin);
  while (true) {
    while (!fresh && !pool->idle.empty()) {
      std::unique_ptr<ClientConnection> connection = std::move(pool->idle.back());
      pool->idle.pop_back();
      --idle;
      const bool trusted = is_safe_to_repeat(request) && system_clock().now() - connection->idle_since < kTrusted;
      if (!trusted && connection->is_stale()) continue;
      reused = true;
      co_return std::move(connection);
    }
    if (pool->open < options.connections_per_origin_max && (open < options.connections_max || make_room())) break;
    ++pool->waiting;
    struct Leave {
      Pool& pool;
      ~Leave() { --pool.waiting; }
    } leave{*pool};
    // In slices: a place that another origin's connection leaves is not told to this pool.
    const bool freed = co_await pool->freed.wait_until(std::min(deadline, system_clock().now() + kSlice));
    if (!freed && system_clock().now() >= deadline)
      co_return fail(ErrorCode::kDeadline, fmt::format("{}: all {} connections were busy until time ran out",
                                                       pool->origin.text(), pool->open));
  }
  co_return co_await connect(pool, deadline);
}

namespace {

io::Task<Result<io::Stream>> open_stream(io::Executor executor, const Origin& origin, const ClientOptions& options,
                                         SteadyTime deadline) {
  const Origin::Data& data = origin.data();
  if (!data.unix_path.empty()) {
    co_return co_await io::connect_unix(executor, data.unix_path, data.text,
                                        std::min(deadline, system_clock().now() + options.connect_timeout));
  }
  const io::ConnectOptions limits{.resolve_timeout = options.resolve_timeout,
                                  .connect_timeout = options.connect_timeout};
  co_return co_await io::connect_tcp(executor, data.host, data.port, data.text, limits, deadline);
}

}  // namespace

io::Task<Result<std::unique_ptr<ClientConnection>>> ClientState::connect(std::shared_ptr<Pool> pool,
                                                                         SteadyTime deadline) {
  // Counted from here on, so that many fetches at once do not open more than allowed.
  struct Place {
    ClientState& state;
    Pool& pool;
    bool kept = false;
    ~Place() {
      if (kept) return;
      --state.open;
      --pool.open;
      pool.freed.notify_all();
    }
  } place{*this, *pool};
  ++open;
  ++pool->open;
  MY_CO_TRY(io::Stream stream, co_await open_stream(executor, pool->origin, options, deadline));
  place.kept = true;
  co_return std::make_unique<ClientConnection>(pool, std::move(stream), options);
}

void ClientState::give_back(std::unique_ptr<ClientConnection> connection) {
  Pool& pool = *connection->pool();
  if (closed || !connection->is_reusable() || pool.idle.size() >= options.idle_per_origin_max) return;
  connection->idle_since = system_clock().now();
  pool.idle.push_back(std::move(connection));
  ++idle;
  if (pool.waiting > 0) pool.freed.notify_all();
  start_sweeping();
}

bool ClientState::make_room() {
  Pool* oldest = nullptr;
  for (const auto& [key, pool] : pools) {
    if (pool->idle.empty()) continue;
    if (oldest == nullptr || pool->idle.front()->idle_since < oldest->idle.front()->idle_since) oldest = pool.get();
  }
  if (oldest == nullptr) return false;
  --idle;
  const std::unique_ptr<ClientConnection> closing = std::move(oldest->idle.front());
  oldest->idle.erase(oldest->idle.begin());
  return true;
}

void ClientState::start_sweeping() {
  if (sweeping || idle == 0) return;
  sweeping = true;
  auto timer = std::make_shared<Timer>(executor, kSweep);
  timer->async_wait([timer, weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->sweeping = false;
    self->sweep();
    self->start_sweeping();
  });
}

void ClientState::sweep() {
  const SteadyTime oldest = system_clock().now() - options.idle_timeout;
  std::vector<std::unique_ptr<ClientConnection>> closing;
  for (auto at = pools.begin(); at != pools.end();) {
    auto& resting = at->second->idle;
    const auto kept = std::stable_partition(resting.begin(), resting.end(), [&](const auto& connection) {
      return connection->idle_since > oldest && !connection->is_stale();
    });
    std::move(kept, resting.end(), std::back_inserter(closing));
    resting.erase(kept, resting.end());
    // Nobody holds it but this map: an origin that is not talked to any more.
    const bool unused = at->second.use_count() == 1 && at->second->open == 0;
    at = unused ? pools.erase(at) : std::next(at);
  }
  idle -= closing.size();
}

}  // namespace modelyard::http::internal
