// SPDX-License-Identifier: Apache-2.0
#include "runner/environment.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "io/file.h"

namespace modelyard::runner {
namespace {

struct PortRange {
  int64_t first;
  int64_t last;
};

PortRange listening_range() {
  PortRange ephemeral{32768, 60999};
  if (const auto text = io::read_file("/proc/sys/net/ipv4/ip_local_port_range", 256)) {
    const std::string_view line = trim_ascii(*text);
    const size_t gap = line.find_first_of(" \t");
    if (gap != std::string_view::npos) {
      ephemeral.first = parse_int(line.substr(0, gap)).value_or(ephemeral.first);
      ephemeral.last = parse_int(trim_ascii(line.substr(gap))).value_or(ephemeral.last);
    }
  }
  constexpr int64_t kEnough = 1000;
  const PortRange below{20000, ephemeral.first - 1};
  if (below.last - below.first >= kEnough) return below;
  const PortRange above{ephemeral.last + 1, 65535};
  return above.last - above.first >= kEnough ? above : PortRange{20000, 65535};
}

bool is_free(uint16_t port) {
  // Both families in one socket where IPv6 is there: a listener of either takes the port.
  const io::UniqueFd v6(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (v6) {
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    const int both = 0;
    ::setsockopt(v6.get(), IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both);
    if (::bind(v6.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0) return true;
    if (errno == EADDRINUSE || errno == EACCES) return false;
  }
  const io::UniqueFd v4(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  return v4 && ::bind(v4.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
}

}  // namespace

std::vector<std::string> model_environment(const registry::InstanceSpec& spec, uint16_t port) {
  std::map<std::string, std::string> all;
  for (const auto& [key, value] : spec.deployer_env) {
    if (registry::is_inherited_variable(key)) all[key] = value;
  }
  if (!all.contains("PATH")) all["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  all["PORT"] = std::to_string(port);
  all["MODELYARD_MODEL"] = spec.name;
  all["MODELYARD_VERSION"] = spec.version;
  all["MODELYARD_INSTANCE"] = spec.id;
  all["MODELYARD_LOG_DIR"] = registry::log_folder_of(spec);
  if (!spec.registry_is_embedded) all["MODELYARD_BIND"] = "0.0.0.0";
  for (const auto& [key, value] : spec.env) all[key] = value;
  std::vector<std::string> lines;
  lines.reserve(all.size());
  for (const auto& [key, value] : all) lines.push_back(key + "=" + value);
  return lines;
}

Result<uint16_t> choose_free_port(Random& random) {
  const PortRange range = listening_range();
  constexpr int kTries = 200;
  for (int i = 0; i < kTries; ++i) {
    const auto port =
        static_cast<uint16_t>(range.first + static_cast<int64_t>(random.below(range.last - range.first + 1)));
    if (is_free(port)) return port;
  }
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("no free TCP port between {} and {}", range.first, range.last));
}

}  // namespace modelyard::runner
