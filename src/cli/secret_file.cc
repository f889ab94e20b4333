// SPDX-License-Identifier: Apache-2.0
#include "cli/secret_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/strings.h"
#include "io/file.h"

namespace modelyard::cli {

Result<std::string> read_secret_file(const std::string& option, const std::string& file, size_t least) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return fail(errno_error(errno, option + " " + file));
  if ((info.st_mode & 077) != 0) {
    return fail(ErrorCode::kPermissionDenied, fmt::format("{0} {1} can be read by others (mode {2:o}): chmod 600 {1}",
                                                          option, file, info.st_mode & 0777));
  }
  MY_TRY(const std::string text, io::read_file(file, 4096));
  std::string secret(trim_ascii(text));
  if (secret.size() < least || secret.find_first_of(" \t\r\n") != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} {} must hold one word of at least {} characters, as `openssl rand -hex 32` makes",
                            option, file, least));
  }
  return secret;
}

Result<std::string> read_token_file(const std::string& file) {
  constexpr size_t kTokenLeast = 16;
  return read_secret_file("--token-file", file, kTokenLeast);
}

}  // namespace modelyard::cli
