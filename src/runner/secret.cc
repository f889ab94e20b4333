// SPDX-License-Identifier: Apache-2.0
#include "runner/secret.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <optional>

#include "base/strings.h"
#include "hadoop/security/tokens.h"
#include "io/file.h"

namespace modelyard::runner {
namespace {

constexpr const char* kVariable = "MODELYARD_ZK_SECRET";
constexpr const char* kFileVariable = "MODELYARD_ZK_SECRET_FILE";
constexpr const char* kCredentialsVariable = "HADOOP_TOKEN_FILE_LOCATION";
constexpr size_t kSecretMax = 4096;

// unsetenv() forgets the variable but leaves its bytes where the kernel shows them.
std::optional<std::string> take_variable(const char* name) {
  char* const value = ::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken(value);
  ::explicit_bzero(value, taken.size());
  ::unsetenv(name);
  return taken;
}

Result<std::string> read_secret_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail(errno_error(errno, path));
  if ((info.st_mode & 077) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{0} can be read by others (mode {1:o}): chmod 600 {0}", path, info.st_mode & 0777));
  }
  return io::read_file(path, kSecretMax);
}

Result<std::string> checked(std::string_view text) {
  std::string secret(trim_ascii(text));
  if (secret.empty()) return fail(ErrorCode::kInvalidArgument, "it is empty");
  if (secret.size() > kSecretMax || secret.find_first_of(" \t\r\n:") != std::string::npos)
    return fail(ErrorCode::kInvalidArgument, "it is not one word without colons");
  return secret;
}

// The variable stays: it is YARN's, and the model's user may read that file in any case.
Result<std::string> secret_from_credentials() {
  const char* const path = ::getenv(kCredentialsVariable);
  if (path == nullptr || *path == '\0') return std::string();
  const auto credentials = hadoop::read_credentials(path);
  if (!credentials) return fail(Error(credentials.error()).with_context(kCredentialsVariable));
  const auto at = credentials->secrets.find(std::string(kSecretAlias));
  if (at == credentials->secrets.end()) return std::string();
  auto secret = checked(at->second);
  if (!secret) return fail(std::move(secret).error().with_context(kCredentialsVariable));
  return secret;
}

Result<std::string> find_secret() {
  if (const auto value = take_variable(kVariable)) {
    auto secret = checked(*value);
    if (!secret) return fail(std::move(secret).error().with_context(kVariable));
    return secret;
  }
  if (const auto path = take_variable(kFileVariable)) {
    auto text = read_secret_file(*path);
    auto secret = text ? checked(*text) : fail(std::move(text).error());
    if (!secret) return fail(std::move(secret).error().with_context(kFileVariable));
    return secret;
  }
  return secret_from_credentials();
}

}  // namespace

Result<std::string> take_secret() {
  auto secret = find_secret();
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)  // its leak check reads our own memory so
  if (secret && !secret->empty()) ::prctl(PR_SET_DUMPABLE, 0);
#endif
  return secret;
}

}  // namespace modelyard::runner
