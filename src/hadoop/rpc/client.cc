// SPDX-License-Identifier: Apache-2.0
#include "hadoop/rpc/client.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "io/connect.h"

namespace modelyard::hadoop::rpc {
namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr std::chrono::seconds kWriteTimeout{30};

std::string random_bytes(size_t size) {
  Random random = Random::from_system();
  std::string out;
  while (out.size() < size) out.push_back(static_cast<char>(random.below(256)));
  return out;
}

}  // namespace

std::string Address::text() const {
  return fmt::format(fmt::runtime(host.find(':') == std::string::npos ? "{}:{}" : "[{}]:{}"), host, port);
}

// Takes its call out of the table however the coroutine that waits for it ends.
class Client::Entry {
 public:
  Entry(Client& client, int32_t call, std::shared_ptr<Waiting> waiting) : client_(client), call_(call) {
    client_.waiting_[call_] = std::move(waiting);
    ++client_.callers_;
  }
  ~Entry() {
    if (client_.waiting_.erase(call_) != 0) client_.connection_.forget(call_);
    if (--client_.callers_ == 0) client_.left_.notify_all();
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  Client& client_;
  int32_t call_;
};

Client::Client(io::Executor executor, Address address, io::Stream stream, ClientOptions options,
               ConnectionOptions machine)
    : address_(std::move(address)),
      ping_interval_(options.ping_interval),
      stream_(std::move(stream)),
      connection_(std::move(machine)),
      last_used_(system_clock().now()),
      left_(executor),
      output_(executor),
      scope_(executor) {}

Client::~Client() = default;

io::Task<Result<std::unique_ptr<Client>>> Client::connect(io::Executor executor, Address address, ClientOptions options,
                                                          SteadyTime deadline) {
  const std::string name = address.text();
  MY_CO_TRY(io::Stream stream, co_await io::connect_tcp(executor, address.host, address.port, name, {}, deadline));
  ConnectionOptions machine{.protocol = options.protocol,
                            .token = options.token,
                            .user = options.user,
                            .client_id = random_bytes(16),
                            .cnonce = random_hex(16),
                            .packet_max = options.packet_max,
                            .in_flight_max = options.in_flight_max};
  std::unique_ptr<Client> client(
      new Client(executor, std::move(address), std::move(stream), std::move(options), std::move(machine)));
  if (Status status = co_await client->negotiate(deadline); !status)
    co_return fail(std::move(status).error().with_context(name));
  client->scope_.spawn(client->read_loop());
  client->scope_.spawn(client->write_loop());
  co_return client;
}

io::Task<Status> Client::negotiate(SteadyTime deadline) {
  std::array<char, 4096> buffer;
  while (connection_.state() == Connection::State::kNegotiating) {
    MY_CO_TRY_VOID(co_await stream_.write_all(connection_.take_output(), "", deadline));
    MY_CO_TRY(const size_t got, co_await stream_.read_some(buffer.data(), buffer.size(), deadline));
    if (got == 0)
      co_return fail(
          ErrorCode::kUnavailable,
          "the server closed the connection during the negotiation: it cannot read our token, or it is ending");
    MY_CO_TRY_VOID(connection_.feed({buffer.data(), got}));
  }
  co_return Status();
}

io::Task<Result<Answer>> Client::call(std::string method, std::string request, SteadyTime deadline) {
  if (closed_)
    co_return fail(ErrorCode::kUnavailable,
                   fmt::format("{}: {}", address_.text(), why_closed_.empty() ? "closed" : why_closed_));
  MY_CO_TRY(const int32_t number, connection_.begin_call(method, request));
  const auto waiting = std::make_shared<Waiting>(scope_.executor());
  const Entry entry(*this, number, waiting);
  last_used_ = system_clock().now();
  send();
  if (!waiting->result) co_await waiting->done.wait_until(deadline);
  last_used_ = system_clock().now();
  if (waiting->result) co_return std::move(*waiting->result);
  co_return fail(ErrorCode::kDeadline, fmt::format("{}: no answer to {} in time", address_.text(), method));
}

// The kernel mostly takes all of it at once; the rest waits for the writer.
void Client::send() {
  unsent_.append(connection_.take_output());
  if (unsent_.empty() || closed_) return;
  const Result<size_t> sent = stream_.write_now(unsent_, "");
  if (!sent) return end(sent.error());
  unsent_.erase(0, *sent);
  if (!unsent_.empty()) output_.notify_all();
}

io::Task<void> Client::write_loop() {
  while (!closed_) {
    if (unsent_.empty()) {
      if (!co_await output_.wait_until(system_clock().now() + ping_interval_)) {
        if (connection_.ping()) send();
      }
      continue;
    }
    if (const Status status = co_await stream_.wait_writable(system_clock().now() + kWriteTimeout); !status) {
      end(status.error());
      co_return;
    }
    send();
  }
}

io::Task<void> Client::read_loop() {
  std::string buffer(kReadBytes, '\0');
  while (!closed_) {
    const Result<size_t> got = co_await stream_.read_some(buffer.data(), buffer.size(), SteadyTime::max());
    if (!got) {
      end(got.error());
      co_return;
    }
    if (*got == 0) {
      end(Error(ErrorCode::kUnavailable, "the server closed the connection"));
      co_return;
    }
    const Status status = connection_.feed({buffer.data(), *got});
    deliver();
    if (!status) {
      end(status.error());
      co_return;
    }
  }
}

void Client::deliver() {
  while (std::optional<Connection::Completed> completed = connection_.next_completed()) {
    const auto found = waiting_.find(completed->call);
    if (found == waiting_.end()) continue;
    const std::shared_ptr<Waiting> waiting = std::move(found->second);
    waiting_.erase(found);
    waiting->result = std::move(completed->answer);
    waiting->done.notify_all();
  }
}

// What was in flight may have been carried out, unless the server said why it did not (FATAL).
void Client::end(const Error& error) {
  if (closed_) return;
  closed_ = true;
  why_closed_ = error.message();
  connection_.close();
  stream_.close();
  output_.notify_all();
  const ErrorCode code = connection_.fatal() ? error.code() : ErrorCode::kDeadline;
  for (auto& [call, waiting] : std::exchange(waiting_, {})) {
    waiting->result = fail(code, fmt::format("{}: {}", address_.text(), error.message()));
    waiting->done.notify_all();
  }
}

io::Task<void> Client::close() {
  end(Error(ErrorCode::kCancelled, ""));
  while (callers_ > 0) co_await left_.wait();
  co_await scope_.stop();
}

}  // namespace modelyard::hadoop::rpc
