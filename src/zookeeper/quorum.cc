// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/strings.h"
#include "zookeeper/client.h"

namespace modelyard::zookeeper {
namespace {

constexpr size_t kServersMax = 64;

Result<Quorum::Server> parse_server(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is not a ZooKeeper server: {}", to_valid_utf8(text), why));
  };
  Quorum::Server server;
  std::string_view rest = text;
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return bad("']' is missing");
    server.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!rest.empty() && rest.front() != ':') return bad("a port must follow ']'");
  } else {
    const size_t colon = rest.find(':');
    if (colon != rest.rfind(':')) return bad("an IPv6 address stands in brackets: [::1]:2181");
    server.host = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
  }
  if (server.host.empty()) return bad("the host is missing");
  for (const char c : server.host) {
    if (c <= ' ' || c == 0x7f || c == '[') return bad("a character of it cannot be in a host's name");
  }
  if (rest.empty()) return server;
  const std::optional<int64_t> port = parse_int(rest.substr(1));
  if (!port || *port < 1 || *port > 65535) return bad("the port is not a number from 1 to 65535");
  server.port = static_cast<uint16_t>(*port);
  return server;
}

}  // namespace

Result<Quorum> parse_quorum(std::string_view text) {
  Quorum quorum;
  std::string_view hosts = trim_ascii(text);
  if (const size_t slash = hosts.find('/'); slash != std::string_view::npos) {
    const std::string_view chroot = hosts.substr(slash);
    hosts = hosts.substr(0, slash);
    if (chroot != "/") {
      if (Status status = check_path(chroot); !status)
        return fail(std::move(status).error().with_context("the chroot of the quorum"));
      quorum.chroot = chroot;
    }
  }
  if (hosts.empty()) return fail(ErrorCode::kInvalidArgument, "the quorum names no ZooKeeper server");
  for (const std::string_view part : split(hosts, ',')) {
    if (quorum.servers.size() == kServersMax)
      return fail(ErrorCode::kInvalidArgument, fmt::format("the quorum names more than {} servers", kServersMax));
    MY_TRY(Quorum::Server server, parse_server(trim_ascii(part)));
    quorum.servers.push_back(std::move(server));
  }
  return quorum;
}

}  // namespace modelyard::zookeeper
