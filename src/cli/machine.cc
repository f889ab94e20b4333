// SPDX-License-Identifier: Apache-2.0
#include "cli/machine.h"

#include <fmt/format.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "base/strings.h"
#include "io/own_program.h"

namespace modelyard::cli {

Result<std::filesystem::path> data_folder(const Invocation& invocation) {
  std::error_code error;
  if (const auto given = invocation.arguments().text("data"); given && !given->empty()) {
    return std::filesystem::absolute(*given, error).lexically_normal();
  }
  if (const auto data_home = invocation.environment("XDG_DATA_HOME"); data_home && data_home->starts_with('/')) {
    return std::filesystem::path(*data_home) / "modelyard";
  }
  if (const auto home = invocation.environment("HOME"); home && home->starts_with('/')) {
    return std::filesystem::path(*home) / ".local" / "share" / "modelyard";
  }
  return fail(ErrorCode::kFailed, "$HOME is not set; say where the data goes with --data DIR");
}

std::vector<std::string> host_names() {
  char name[HOST_NAME_MAX + 1] = "localhost";
  static_cast<void>(::gethostname(name, sizeof name - 1));
  std::vector<std::string> names{name};
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(name, nullptr, &hints, &found) == 0) {
    if (found->ai_canonname && names[0] != found->ai_canonname) names.emplace_back(found->ai_canonname);
    ::freeaddrinfo(found);
  }
  return names;
}

Result<std::filesystem::path> runner_program() {
  const std::filesystem::path self = io::own_program();
  const std::filesystem::path folder = self.parent_path();
  for (const std::filesystem::path& candidate :
       {folder / "modelyard-runner", folder.parent_path() / "libexec" / "modelyard" / "modelyard-runner"}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("modelyard-runner is not beside {}; install or build both programs", self.string()));
}

Result<ListenAddress> listen_address(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--listen must be HOST:PORT, as 127.0.0.1:8800, not '{}'", text));
  };
  const size_t colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "127.0.0.1" : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return bad();
  const auto number = parse_int(port);
  if (!number || *number < 0 || *number > 65535) return bad();
  return ListenAddress{host.empty() ? "0.0.0.0" : std::string(host), static_cast<uint16_t>(*number)};
}

}  // namespace modelyard::cli
