// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// Hadoop's tokens and the file that brings them into a container (HADOOP_TOKEN_FILE_LOCATION), as
// org.apache.hadoop.security.Credentials of Hadoop 2.x to 3.5 writes it. They are secrets: never logged.
namespace modelyard::hadoop {

struct Token {
  std::string identifier;
  std::string password;
  std::string kind;     // "YARN_AM_RM_TOKEN", "NMToken", "HDFS_DELEGATION_TOKEN", …
  std::string service;  // "127.0.0.1:8041"; may be empty: tokens are chosen by kind
  bool operator==(const Token&) const = default;
};

inline constexpr std::string_view kAmRmToken = "YARN_AM_RM_TOKEN";
inline constexpr std::string_view kNmToken = "NMToken";
inline constexpr std::string_view kHdfsToken = "HDFS_DELEGATION_TOKEN";

struct Credentials {
  std::vector<std::pair<std::string, Token>> tokens;  // alias and token, in the file's order; aliases may repeat
  std::map<std::string, std::string> secrets;

  // The first of the kind; nullptr = none.
  const Token* find(std::string_view kind) const;
  // All but those that let their holder act as the application master (kind YARN_AM_RM_TOKEN): what a worker may have.
  Credentials for_workers() const;
  bool operator==(const Credentials&) const = default;
};

inline constexpr size_t kCredentialsMax = 16 << 20;  // bytes of a file

// kProtocol: not such a file, cut off, or with bytes behind its end; kResourceExhausted: too long. kUnsupported: a
// version other than 0 (what YARN writes) and 1 (protocol buffers).
Result<Credentials> parse_credentials(std::string_view bytes);
enum class CredentialsVersion : char { kWritable = 0, kProtobuf = 1 };
std::string write_credentials(const Credentials& credentials,
                              CredentialsVersion version = CredentialsVersion::kWritable);
// Blocks for a small file: start-up only.
Result<Credentials> read_credentials(const std::filesystem::path& file);

// The form in which tokens stand in URLs (`delegation=`), JSON and environment: base64url of the Writable form.
std::string to_url_string(const Token& token);
Result<Token> token_from_url_string(std::string_view text);

}  // namespace modelyard::hadoop
