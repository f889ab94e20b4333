// SPDX-License-Identifier: Apache-2.0
#include "hadoop/yarn/types.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace modelyard::hadoop::yarn {
namespace {

std::string cause_of(int32_t status, int64_t memory_mb) {
  const std::string had = memory_mb > 0 ? fmt::format("{} MB", memory_mb) : "it was given";
  switch (status) {
    case 0: return "ended by itself with exit status 0";
    case exit_status::kInvalid: return "never started: its files could not be brought to the node";
    case exit_status::kAborted: return "lost: its node is gone, or the container was given back";
    case exit_status::kDisksFailed: return "killed: the node's disks are bad or full";
    case exit_status::kPreempted: return "taken away by the cluster for another queue or user (preempted)";
    case exit_status::kOverVirtualMemory:
      return fmt::format("killed: more virtual memory used than {} allow (yarn.nodemanager.vmem-pmem-ratio)", had);
    case exit_status::kOverMemory: return fmt::format("killed: more memory used than {}", had);
    case exit_status::kKilledByMaster: return "stopped by the controller";
    case exit_status::kKilledByResourceManager: return "killed by the resource manager";
    case exit_status::kKilledAfterApplication: return "killed: the application ended";
    case 137: return "killed by signal KILL (exit status 137): out of the machine's memory, or by somebody";
    case 143: return "ended by signal TERM (exit status 143)";
    case 127: return "never started: a program was not found (exit status 127)";
    case 126: return "never started: a program may not be executed (exit status 126)";
    default: break;
  }
  if (status > 128 && status < 160) return fmt::format("ended by signal {} (exit status {})", status - 128, status);
  return fmt::format("ended with exit status {}", status);
}

// The node manager's texts come with stacks and empty lines; the first line that says something is what helps.
std::string first_words(std::string_view text) {
  constexpr size_t kMax = 300;
  for (std::string_view line : split(text, '\n')) {
    line = trim_ascii(line);
    if (line.empty() || line == "N/A" || line.starts_with("at ")) continue;
    return to_valid_utf8(line.substr(0, kMax));
  }
  return "";
}

}  // namespace

std::string explain(const ContainerStatus& status, int64_t memory_mb) {
  const std::string cause = cause_of(status.exit_status, memory_mb);
  const std::string words = first_words(status.diagnostics);
  const bool adds = !words.empty() && status.exit_status != 0 && status.exit_status != exit_status::kKilledByMaster;
  return adds ? fmt::format("{}; YARN says: {}", cause, words) : cause;
}

bool is_nodes_fault(const ContainerStatus& status) {
  if (status.exit_status == exit_status::kDisksFailed) return true;
  if (status.exit_status != exit_status::kInvalid) return false;
  const auto says = [&](std::string_view words) { return status.diagnostics.find(words) != std::string::npos; };
  return !says("does not exist") && !says("FileNotFoundException") && !says("changed on src filesystem") &&
         !says("AccessControlException") && !says("Permission denied");
}

Result<LocalResource> parse_local_resource(std::string_view url) {
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no address like hdfs://HOST[:PORT]/PATH", url));
  };
  const size_t colon = url.find("://");
  if (colon == std::string_view::npos || colon == 0) return wrong();
  LocalResource out;
  out.scheme = url.substr(0, colon);
  const std::string_view rest = url.substr(colon + 3);
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return wrong();
  out.path = rest.substr(slash);
  std::string_view authority = rest.substr(0, slash);
  const size_t port = authority.rfind(':');
  if (port != std::string_view::npos && !authority.ends_with(']')) {
    const std::optional<int64_t> number = parse_int(authority.substr(port + 1));
    if (!number || *number <= 0 || *number > 65535) return wrong();
    out.port = static_cast<int32_t>(*number);
    authority = authority.substr(0, port);
  }
  out.host = authority;
  return out;
}

}  // namespace modelyard::hadoop::yarn
