// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/protocol.h"

#include <fmt/format.h>

namespace modelyard::zookeeper {
namespace {

Error bad_answer(std::string_view what) {
  return Error(ErrorCode::kProtocol, fmt::format("the server's answer to {} cannot be read", what));
}

Stat read_stat(JuteReader& in) {
  Stat stat;
  stat.czxid = in.number64();
  stat.mzxid = in.number64();
  stat.ctime = in.number64();
  stat.mtime = in.number64();
  stat.version = in.number32();
  stat.cversion = in.number32();
  stat.aversion = in.number32();
  stat.ephemeral_owner = in.number64();
  stat.data_length = in.number32();
  stat.num_children = in.number32();
  stat.pzxid = in.number64();
  return stat;
}

void write_acl(JuteWriter& out, const AclList& acl) {
  out.number32(static_cast<int32_t>(acl.size()));
  for (const Acl& each : acl) out.number32(each.perms).text(each.scheme).text(each.id);
}

bool has_ttl(CreateMode mode) {
  return mode == CreateMode::kPersistentWithTtl || mode == CreateMode::kPersistentSequentialWithTtl;
}

OpCode create_opcode(CreateMode mode) {
  if (mode == CreateMode::kContainer) return OpCode::kCreateContainer;
  return has_ttl(mode) ? OpCode::kCreateTtl : OpCode::kCreate;
}

void write_create(JuteWriter& out, const Op& op, std::string_view path) {
  out.text(path).text(op.data);
  write_acl(out, op.acl);
  out.number32(static_cast<int32_t>(op.mode));
  if (has_ttl(op.mode)) out.number64(op.ttl.count());
}

void write_multi_header(JuteWriter& out, OpCode opcode, bool done) {
  out.number32(static_cast<int32_t>(opcode)).boolean(done).number32(-1);
}

void write_op(JuteWriter& out, const Op& op, std::string_view path) {
  switch (op.kind) {
    case Op::Kind::kCreate:
      write_multi_header(out, create_opcode(op.mode), false);
      write_create(out, op, path);
      return;
    case Op::Kind::kDelete:
      write_multi_header(out, OpCode::kDelete, false);
      out.text(path).number32(op.version);
      return;
    case Op::Kind::kSetData:
      write_multi_header(out, OpCode::kSetData, false);
      out.text(path).text(op.data).number32(op.version);
      return;
    case Op::Kind::kCheck:
      write_multi_header(out, OpCode::kCheck, false);
      out.text(path).number32(op.version);
      return;
  }
}

std::string_view name_of(Op::Kind kind) {
  constexpr std::string_view kNames[] = {"create", "delete", "set", "check"};
  return kNames[static_cast<size_t>(kind)];
}

// One result of a multi. False: it is not one that the operation can have.
bool read_result(JuteReader& in, OpCode type, const Op& op, size_t index, MultiAnswer& answer, int32_t& error) {
  switch (type) {
    case OpCode::kError: error = in.number32(); return true;
    case OpCode::kCreate:
    case OpCode::kCreate2:
    case OpCode::kCreateContainer:
    case OpCode::kCreateTtl:
      if (op.kind != Op::Kind::kCreate) return false;
      answer.paths[index] = in.text();
      if (type != OpCode::kCreate) read_stat(in);
      return true;
    case OpCode::kSetData:
      if (op.kind != Op::Kind::kSetData) return false;
      answer.stats[index] = read_stat(in);
      return true;
    case OpCode::kDelete: return op.kind == Op::Kind::kDelete;
    case OpCode::kCheck: return op.kind == Op::Kind::kCheck;
    default: return false;
  }
}

}  // namespace

bool is_unknown_to_old_servers(OpCode opcode) {
  switch (opcode) {
    case OpCode::kCreate2:
    case OpCode::kCheckWatches:
    case OpCode::kRemoveWatches:
    case OpCode::kCreateContainer:
    case OpCode::kSetWatches2:
    case OpCode::kAddWatch: return true;
    default: return false;
  }
}

void encode(JuteWriter& out, const ConnectRequest& request) {
  out.number32(0).number64(request.last_zxid_seen).number32(request.timeout_ms).number64(request.session_id);
  out.text(request.password).boolean(request.read_only);
}

Result<ConnectResponse> decode_connect_response(std::string_view body) {
  JuteReader in(body);
  ConnectResponse response;
  in.number32();  // the protocol's version, always 0
  response.timeout_ms = in.number32();
  response.session_id = in.number64();
  response.password = in.text();
  if (in.good() && !in.rest().empty()) response.read_only = in.boolean();
  if (!in.good()) return fail(bad_answer("the handshake"));
  return response;
}

std::string path_request(std::string_view path) {
  std::string out;
  JuteWriter(out).text(path);
  return out;
}

std::string path_watch_request(std::string_view path, bool watch) {
  std::string out;
  out.reserve(path.size() + 5);
  JuteWriter(out).text(path).boolean(watch);
  return out;
}

std::string path_number_request(std::string_view path, int32_t number) {
  std::string out;
  JuteWriter(out).text(path).number32(number);
  return out;
}

std::string set_data_request(std::string_view path, std::string_view data, int32_t version) {
  std::string out;
  out.reserve(path.size() + data.size() + 12);
  JuteWriter(out).text(path).text(data).number32(version);
  return out;
}

std::string set_acl_request(std::string_view path, const AclList& acl, int32_t version) {
  std::string out;
  JuteWriter writer(out);
  writer.text(path);
  write_acl(writer, acl);
  writer.number32(version);
  return out;
}

std::string auth_request(std::string_view scheme, std::string_view credentials) {
  std::string out;
  JuteWriter(out).number32(0).text(scheme).text(credentials);
  return out;
}

std::pair<OpCode, std::string> create_request(const Op& op, std::string_view path) {
  std::string out;
  out.reserve(path.size() + op.data.size() + 64);
  JuteWriter writer(out);
  write_create(writer, op, path);
  return {create_opcode(op.mode), std::move(out)};
}

std::string multi_request(const std::vector<Op>& ops, const std::vector<std::string>& paths) {
  std::string out;
  JuteWriter writer(out);
  for (size_t i = 0; i < ops.size(); ++i) write_op(writer, ops[i], paths[i]);
  write_multi_header(writer, OpCode::kError, true);
  return out;
}

Result<Stat> decode_stat(std::string_view body) {
  JuteReader in(body);
  Stat stat = read_stat(in);
  if (!in.good()) return fail(bad_answer("a request for a stat"));
  return stat;
}

Result<std::string> decode_path(std::string_view body) {
  JuteReader in(body);
  std::string path(in.text());
  if (!in.good() || path.empty() || path.front() != '/') return fail(bad_answer("a request for a path"));
  return path;
}

Result<Client::Node> decode_node(std::string_view body) {
  JuteReader in(body);
  Client::Node node;
  node.data = in.text();
  node.stat = read_stat(in);
  if (!in.good()) return fail(bad_answer("getData"));
  return node;
}

Result<Client::Children> decode_children(std::string_view body) {
  JuteReader in(body);
  Client::Children children;
  children.names = in.texts();
  children.stat = read_stat(in);
  if (!in.good()) return fail(bad_answer("getChildren2"));
  return children;
}

Result<std::pair<AclList, Stat>> decode_acl(std::string_view body) {
  JuteReader in(body);
  std::pair<AclList, Stat> out;
  out.first.resize(in.count(12));
  for (Acl& acl : out.first) {
    acl.perms = in.number32();
    acl.scheme = in.text();
    acl.id = in.text();
  }
  out.second = read_stat(in);
  if (!in.good()) return fail(bad_answer("getACL"));
  return out;
}

Result<MultiAnswer> decode_multi(std::string_view body, const std::vector<Op>& ops) {
  JuteReader in(body);
  MultiAnswer answer;
  answer.paths.resize(ops.size());
  answer.stats.resize(ops.size());
  answer.done = true;
  constexpr int32_t kNotDoneBecauseOfAnother = -2;
  int32_t reason = 0;
  for (size_t i = 0; i < ops.size(); ++i) {
    const OpCode type{in.number32()};
    const bool last = in.boolean();
    in.number32();  // the error again
    int32_t error = 0;
    if (last || !read_result(in, type, ops[i], i, answer, error) || !in.good()) return fail(bad_answer("multi"));
    if (type == OpCode::kError) answer.done = false;
    const bool is_first = reason == 0 || reason == kNotDoneBecauseOfAnother;
    if (error == 0 || !is_first || (error == kNotDoneBecauseOfAnother && reason != 0)) continue;
    reason = error;
    answer.failed_at = i;
  }
  in.number32();
  if (!in.boolean()) return fail(bad_answer("multi"));
  in.number32();
  if (!in.good()) return fail(bad_answer("multi"));
  if (answer.done) return answer;
  if (reason == 0) return fail(bad_answer("multi"));
  answer.paths.clear();
  answer.stats.clear();
  answer.refusal = error_code_of(reason);
  const Op& refused = ops[answer.failed_at];
  answer.text = fmt::format("{} {}: {}", name_of(refused.kind), refused.path, text_of(reason));
  return answer;
}

Result<WatchPacket> decode_watch_event(std::string_view body) {
  JuteReader in(body);
  WatchPacket packet;
  packet.type = in.number32();
  packet.state = in.number32();
  packet.path = in.text();
  if (!in.good()) return fail(ErrorCode::kProtocol, "the server's watch event cannot be read");
  return packet;
}

}  // namespace modelyard::zookeeper
