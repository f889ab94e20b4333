// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/types.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/assert.h"
#include "base/strings.h"

namespace modelyard::zookeeper {
namespace {

struct ServerCode {
  int32_t number;
  ErrorCode code;
  std::string_view text;
};

// KeeperException.Code of 3.9.
constexpr ServerCode kServerCodes[] = {
    {0, ErrorCode::kInternal, "no error"},
    {-1, ErrorCode::kFailed, "the server met an error of its own"},
    {-2, ErrorCode::kFailed, "not done because another operation of the same multi was refused"},
    {-3, ErrorCode::kDataLoss, "the server found its data inconsistent"},
    {-4, ErrorCode::kDeadline, "the connection was lost"},
    {-5, ErrorCode::kProtocol, "the server could not read the request"},
    {-6, ErrorCode::kUnsupported, "the server does not know this operation"},
    {-7, ErrorCode::kDeadline, "the server gave up waiting"},
    {-8, ErrorCode::kInvalidArgument, "the server calls an argument bad"},
    {-12, ErrorCode::kUnavailable, "the server does not know the session"},
    {-13, ErrorCode::kUnavailable, "no quorum of the new configuration is there"},
    {-14, ErrorCode::kConflict, "another reconfiguration is in progress"},
    {-100, ErrorCode::kFailed, "the server refuses the operation"},
    {-101, ErrorCode::kNotFound, "the node does not exist"},
    {-102, ErrorCode::kPermissionDenied, "not permitted by the node's access list"},
    {-103, ErrorCode::kConflict, "the node has another version"},
    {-108, ErrorCode::kConflict, "an ephemeral node cannot have children"},
    {-110, ErrorCode::kAlreadyExists, "the node exists"},
    {-111, ErrorCode::kConflict, "the node has children"},
    {-112, ErrorCode::kUnavailable, "the session has expired"},
    {-113, ErrorCode::kInternal, "invalid callback"},
    {-114, ErrorCode::kInvalidArgument, "the access list is not valid"},
    {-115, ErrorCode::kUnauthenticated, "the server refuses the credentials"},
    {-118, ErrorCode::kUnavailable, "the session has moved to another server"},
    {-119, ErrorCode::kUnsupported, "the server is read-only"},
    {-120, ErrorCode::kUnsupported, "a local session cannot have ephemeral nodes"},
    {-121, ErrorCode::kNotFound, "there is no such watch"},
    {-122, ErrorCode::kDeadline, "the server gave up on the request"},
    {-123, ErrorCode::kUnsupported, "reconfiguration is disabled"},
    {-124, ErrorCode::kUnauthenticated, "the server requires SASL authentication"},
    {-125, ErrorCode::kResourceExhausted, "a quota is exceeded"},
    {-127, ErrorCode::kUnavailable, "the server is overloaded and dropped the operation"},
};

const ServerCode* find_code(int32_t number) {
  for (const ServerCode& known : kServerCodes) {
    if (known.number == number) return &known;
  }
  return nullptr;
}

Op make_op(Op::Kind kind, std::string path, int32_t version) {
  Op op;
  op.kind = kind;
  op.path = std::move(path);
  op.version = version;
  return op;
}

// What the server's PathUtils refuses, of valid UTF-8: control characters of ASCII and Latin-1, the private use area of
// the basic plane, and the specials at its end.
std::string_view why_bad_characters(std::string_view path) {
  for (size_t i = 0; i < path.size(); ++i) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(path[at]); };
    const unsigned first = byte(i);
    if (first < 0x20 || first == 0x7f) return "a control character";
    if (first == 0xc2 && byte(i + 1) < 0xa0) return "a control character";
    if (first >= 0xee && first <= 0xef) {
      const unsigned point = (first & 0xfu) << 12 | (byte(i + 1) & 0x3fu) << 6 | (byte(i + 2) & 0x3fu);
      if (point <= 0xf8ff) return "a character for private use";
      if (point >= 0xfff0) return "a special character";
    }
  }
  return "";
}

}  // namespace

AclList open_acl() { return {{perms::kAll, "world", "anyone"}}; }

std::string digest_id(std::string_view user, std::string_view password) {
  const std::string plain = fmt::format("{}:{}", user, password);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  MY_ASSERT(EVP_Digest(plain.data(), plain.size(), digest, &size, EVP_sha1(), nullptr) == 1);
  unsigned char text[2 * EVP_MAX_MD_SIZE];
  const int length = EVP_EncodeBlock(text, digest, static_cast<int>(size));
  return fmt::format("{}:{}", user, std::string_view(reinterpret_cast<char*>(text), static_cast<size_t>(length)));
}

Op Op::create(std::string path, std::string data, CreateMode mode, AclList acl) {
  Op op = make_op(Kind::kCreate, std::move(path), kAnyVersion);
  op.data = std::move(data);
  op.mode = mode;
  op.acl = std::move(acl);
  return op;
}

Op Op::create_with_ttl(std::string path, std::string data, std::chrono::milliseconds ttl, bool sequential,
                       AclList acl) {
  const CreateMode mode = sequential ? CreateMode::kPersistentSequentialWithTtl : CreateMode::kPersistentWithTtl;
  Op op = create(std::move(path), std::move(data), mode, std::move(acl));
  op.ttl = ttl;
  return op;
}

Op Op::remove(std::string path, int32_t version) { return make_op(Kind::kDelete, std::move(path), version); }

Op Op::set(std::string path, std::string data, int32_t version) {
  Op op = make_op(Kind::kSetData, std::move(path), version);
  op.data = std::move(data);
  return op;
}

Op Op::check(std::string path, int32_t version) { return make_op(Kind::kCheck, std::move(path), version); }

ErrorCode error_code_of(int32_t server_code) {
  const ServerCode* known = find_code(server_code);
  return known != nullptr ? known->code : ErrorCode::kFailed;
}

std::string_view text_of(int32_t server_code) {
  const ServerCode* known = find_code(server_code);
  return known != nullptr ? known->text : std::string_view("the server answered with an unknown code");
}

Status check_path(std::string_view path) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is not a path of a node: {}", to_valid_utf8(path), why));
  };
  if (path.empty() || path.front() != '/') return bad("it does not start with '/'");
  if (path == "/") return {};
  if (path.back() == '/') return bad("it ends with '/'");
  for (const std::string_view part : split(path.substr(1), '/')) {
    if (part.empty()) return bad("a part of it is empty");
    if (part == "." || part == "..") return bad("it has a part that is '.' or '..'");
  }
  if (!is_valid_utf8(path)) return bad("it is not UTF-8");
  if (const std::string_view why = why_bad_characters(path); !why.empty()) return bad(fmt::format("it has {}", why));
  return {};
}

std::string_view parent_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? std::string_view("/") : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace modelyard::zookeeper
