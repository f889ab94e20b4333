// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>
#include <tuple>

#include "zookeeper/client_impl.h"
#include "zookeeper/protocol.h"

namespace modelyard::zookeeper::internal {
namespace {

constexpr size_t kMultiMax = 1'000;

Status nothing(std::string_view) { return {}; }

}  // namespace

std::string NetworkClient::to_server(std::string_view path) const {
  if (path == "/" && !quorum_.chroot.empty()) return quorum_.chroot;
  return quorum_.chroot + std::string(path);
}

Result<std::string> NetworkClient::from_server(std::string_view path) const {
  const std::string& chroot = quorum_.chroot;
  if (chroot.empty()) return std::string(path);
  if (path == chroot) return std::string("/");
  if (path.starts_with(chroot) && path[chroot.size()] == '/') return std::string(path.substr(chroot.size()));
  return fail(ErrorCode::kProtocol, fmt::format("the server names {}, which is not below {}", path, chroot));
}

Error NetworkClient::gone(bool sent, const std::string& what) const {
  if (sent)
    return Error(ErrorCode::kDeadline, fmt::format("{}: no answer in time, it may have been carried out", what));
  return Error(ErrorCode::kUnavailable,
               fmt::format("{}: no connection to ZooKeeper in time{}{}", what, trouble_.empty() ? "" : ": ", trouble_));
}

template <typename T>
io::Task<Result<T>> NetworkClient::perform(Request request, std::string what, SteadyTime deadline,
                                           std::function<Result<T>(std::string_view)> decode) {
  if (closing_) co_return fail(ErrorCode::kCancelled, fmt::format("{}: the client is closed", what));
  if (state_ == State::kRefused) co_return fail(ErrorCode::kUnauthenticated, fmt::format("{}: {}", what, trouble_));
  if (request.body.size() > options_.packet_max)
    co_return fail(ErrorCode::kResourceExhausted,
                   fmt::format("{}: {} bytes, at most {} are sent", what, request.body.size(), options_.packet_max));
  struct Call {
    explicit Call(io::Executor executor) : settled(executor) {}
    std::optional<Result<T>> result;
    io::Event settled;
  };
  const auto call = std::make_shared<Call>(executor_);
  request.done = [call, decode = std::move(decode)](const Result<Answer>& answer) -> Status {
    Status readable;
    if (!answer) {
      call->result.emplace(fail(answer.error()));
    } else if (answer->error != 0) {
      call->result.emplace(fail(error_code_of(answer->error), std::string(text_of(answer->error))));
    } else {
      call->result.emplace(decode(answer->body));
      if (!*call->result) readable = fail(call->result->error());
    }
    call->settled.notify_all();
    return readable;
  };
  const std::optional<uint64_t> number = session_.submit(std::move(request));
  if (!number)
    co_return fail(ErrorCode::kResourceExhausted,
                   fmt::format("{}: {} operations are on their way", what, options_.in_flight_max));
  wake();
  struct Leave {  // also when the waiting task is cancelled
    Session& session;
    Call& call;
    uint64_t number;
    ~Leave() {
      if (!call.result) session.withdraw(number);
    }
  } leave{session_, *call, *number};
  if (deadline == SteadyTime{}) deadline = system_clock().now() + options_.request_timeout;
  if (!call->result && !co_await call->settled.wait_until(deadline) && !call->result) {
    const bool sent = !session_.withdraw(*number);
    co_return fail(gone(sent, what));
  }
  if (!*call->result) co_return fail(std::move(*call->result).error().with_context(what));
  co_return std::move(*call->result);
}

Request NetworkClient::watched(OpCode opcode, const std::string& path, WatchTable::Kind kind, Watcher watcher) const {
  Request request;
  request.opcode = opcode;
  request.body = path_watch_request(path, watcher != nullptr && !session_.watches().covers(kind, path));
  if (watcher) request.watch = {kind, path, std::make_shared<const Watcher>(std::move(watcher))};
  return request;
}

io::Task<Result<std::string>> NetworkClient::create(std::string path, std::string data, CreateMode mode, AclList acl,
                                                    SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  if (mode == CreateMode::kPersistentWithTtl || mode == CreateMode::kPersistentSequentialWithTtl)
    co_return fail(ErrorCode::kInvalidArgument, "a node with a time to live is created by Op::create_with_ttl()");
  const Op op = Op::create(std::move(path), std::move(data), mode, std::move(acl));
  Request request;
  std::tie(request.opcode, request.body) = create_request(op, to_server(op.path));
  const auto decode = [this](std::string_view body) -> Result<std::string> {
    MY_TRY(const std::string created, decode_path(body));
    return from_server(created);
  };
  co_return co_await perform<std::string>(std::move(request), fmt::format("create {}", op.path), deadline, decode);
}

io::Task<Status> NetworkClient::remove(std::string path, int32_t version, SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  Request request;
  request.opcode = OpCode::kDelete;
  request.body = path_number_request(to_server(path), version);
  co_return co_await perform<void>(std::move(request), fmt::format("delete {}", path), deadline, nothing);
}

io::Task<Result<Stat>> NetworkClient::set(std::string path, std::string data, int32_t version, SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  Request request;
  request.opcode = OpCode::kSetData;
  request.body = set_data_request(to_server(path), data, version);
  co_return co_await perform<Stat>(std::move(request), fmt::format("set {}", path), deadline, decode_stat);
}

io::Task<Result<Client::Node>> NetworkClient::get(std::string path, Watcher watcher, SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  Request request = watched(OpCode::kGetData, to_server(path), WatchTable::Kind::kData, std::move(watcher));
  co_return co_await perform<Node>(std::move(request), fmt::format("get {}", path), deadline, decode_node);
}

io::Task<Result<Stat>> NetworkClient::exists(std::string path, Watcher watcher, SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  Request request = watched(OpCode::kExists, to_server(path), WatchTable::Kind::kData, std::move(watcher));
  co_return co_await perform<Stat>(std::move(request), fmt::format("exists {}", path), deadline, decode_stat);
}

io::Task<Result<Client::Children>> NetworkClient::children(std::string path, Watcher watcher, SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  Request request = watched(OpCode::kGetChildren2, to_server(path), WatchTable::Kind::kChildren, std::move(watcher));
  co_return co_await perform<Children>(std::move(request), fmt::format("children {}", path), deadline, decode_children);
}

io::Task<Result<Client::Subscription>> NetworkClient::add_watch(std::string path, WatchMode mode, Watcher watcher,
                                                                SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  const std::string server_path = to_server(path);
  const auto kind = mode == WatchMode::kPersistent ? WatchTable::Kind::kPersistent : WatchTable::Kind::kRecursive;
  const auto shared = std::make_shared<const Watcher>(std::move(watcher));
  Request request;
  request.opcode = OpCode::kAddWatch;
  request.body = path_number_request(server_path, static_cast<int32_t>(mode));
  request.watch = {kind, server_path, shared};
  // Made before the answer, so that a task which is cancelled then leaves no watch behind.
  Subscription subscription(self_.get(), [self = self_, kind, server_path, shared](void*) {
    if (*self == nullptr) return;
    (*self)->session_.unwatch(kind, server_path, shared);
    (*self)->wake();
  });
  MY_CO_TRY_VOID(co_await perform<void>(std::move(request), fmt::format("watch {}", path), deadline, nothing));
  co_return std::move(subscription);
}

io::Task<Result<MultiAnswer>> NetworkClient::multi(std::vector<Op> ops, SteadyTime deadline) {
  if (ops.size() > kMultiMax)
    co_return fail(ErrorCode::kResourceExhausted,
                   fmt::format("a multi of {} operations, at most {}", ops.size(), kMultiMax));
  std::vector<std::string> paths;
  paths.reserve(ops.size());
  for (const Op& op : ops) {
    MY_CO_TRY_VOID(check_path(op.path));
    paths.push_back(to_server(op.path));
  }
  Request request;
  request.opcode = OpCode::kMulti;
  request.body = multi_request(ops, paths);
  const std::string what = ops.empty() ? "multi" : fmt::format("multi of {} from {}", ops.size(), ops.front().path);
  const auto decode = [this, &ops](std::string_view body) -> Result<MultiAnswer> {
    MY_TRY(MultiAnswer answer, decode_multi(body, ops));
    for (std::string& path : answer.paths) {
      if (path.empty()) continue;
      MY_TRY(path, from_server(path));
    }
    return answer;
  };
  co_return co_await perform<MultiAnswer>(std::move(request), what, deadline, decode);
}

io::Task<Status> NetworkClient::sync(std::string path, SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  Request request;
  request.opcode = OpCode::kSync;
  request.body = path_request(to_server(path));
  co_return co_await perform<void>(std::move(request), fmt::format("sync {}", path), deadline, nothing);
}

io::Task<Result<std::pair<AclList, Stat>>> NetworkClient::get_acl(std::string path, SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  Request request;
  request.opcode = OpCode::kGetAcl;
  request.body = path_request(to_server(path));
  using Answered = std::pair<AclList, Stat>;
  co_return co_await perform<Answered>(std::move(request), fmt::format("get ACL of {}", path), deadline, decode_acl);
}

io::Task<Result<Stat>> NetworkClient::set_acl(std::string path, AclList acl, int32_t version, SteadyTime deadline) {
  MY_CO_TRY_VOID(check_path(path));
  Request request;
  request.opcode = OpCode::kSetAcl;
  request.body = set_acl_request(to_server(path), acl, version);
  co_return co_await perform<Stat>(std::move(request), fmt::format("set ACL of {}", path), deadline, decode_stat);
}

io::Task<Status> NetworkClient::add_auth(std::string scheme, std::string credentials, SteadyTime deadline) {
  Request request;
  request.opcode = OpCode::kAuth;
  request.body = auth_request(scheme, credentials);
  const std::string what = fmt::format("add credentials of scheme {}", scheme);
  request.scheme = std::move(scheme);
  request.credentials = std::move(credentials);
  co_return co_await perform<void>(std::move(request), what, deadline, nothing);
}

}  // namespace modelyard::zookeeper::internal
