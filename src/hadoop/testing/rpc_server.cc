// SPDX-License-Identifier: Apache-2.0
#include "hadoop/testing/rpc_server.h"

#include <array>

#include "base/assert.h"
#include "io/descriptor.h"
#include "io/socket.h"

namespace modelyard::hadoop::testing {

RpcServer::RpcServer(io::Loop& loop, ServerOptions options, Handler handler, uint16_t port)
    : executor_(loop.executor()), options_(std::move(options)), handler_(std::move(handler)), port_(port) {
  start();
}

RpcServer::~RpcServer() = default;

void RpcServer::start() {
  io::UniqueFd listener = io::listen_tcp("127.0.0.1", port_, false).value();
  port_ = io::local_address(listener.get()).value().port();
  scope_ = std::make_unique<io::Scope>(executor_);
  scope_->spawn(accept_loop(listener.release()));
}

io::Task<void> RpcServer::stop() {
  if (!scope_) co_return;
  co_await scope_->stop();
  scope_.reset();
}

io::Task<void> RpcServer::accept_loop(int number) {
  io::Descriptor listener(executor_, io::UniqueFd(number));
  while (co_await listener.wait(io::Descriptor::For::kRead)) {
    int error = 0;
    while (std::optional<io::Accepted> accepted = io::accept_one(listener.get(), error)) {
      ++connections_;
      scope_->spawn(serve(std::make_shared<io::Stream>(executor_, std::move(accepted->fd), accepted->family)));
    }
  }
}

io::Task<void> RpcServer::serve(std::shared_ptr<io::Stream> stream) {
  struct Counted {
    int& count;
    explicit Counted(int& c) : count(++c) {}
    ~Counted() { --count; }
  } counted(open_);
  ServerMachine machine(options_);
  std::array<char, 4096> buffer;
  while (!machine.is_over()) {
    const Result<size_t> got = co_await stream->read_some(buffer.data(), buffer.size(), SteadyTime::max());
    if (!got || *got == 0) co_return;
    const int pings = machine.pings();
    if (!machine.feed({buffer.data(), *got})) co_return;
    pings_ += machine.pings() - pings;
    while (const auto call = machine.next_call()) {
      const Reply reply = handler_(*call);
      if (reply.kind == Reply::Kind::kDrop) co_return;
      if (reply.kind == Reply::Kind::kBody) machine.reply(call->id, reply.body);
      if (reply.kind == Reply::Kind::kException)
        machine.refuse(call->id, reply.exception, reply.text, reply.fatal ? 15 : 1, reply.fatal);
    }
    if (!co_await stream->write_all(machine.take_output(), "", system_clock().now() + seconds(5))) co_return;
  }
}

}  // namespace modelyard::hadoop::testing
