// SPDX-License-Identifier: Apache-2.0
#include "hadoop/webhdfs_answers.h"

#include <fmt/format.h>

#include <charconv>

#include "base/strings.h"
#include "json/tree.h"

namespace modelyard::hadoop {
namespace {

constexpr size_t kShownMax = 500;

// Exceptions of Hadoop that name one condition, by their simple class name.
ErrorCode code_of_name(std::string_view name) {
  struct Row {
    std::string_view name;
    ErrorCode code;
  };
  static constexpr Row kRows[] = {
      {"FileNotFoundException", ErrorCode::kNotFound},
      {"AccessControlException", ErrorCode::kPermissionDenied},
      {"SecurityException", ErrorCode::kUnauthenticated},
      {"AuthorizationException", ErrorCode::kPermissionDenied},
      {"FileAlreadyExistsException", ErrorCode::kAlreadyExists},
      {"AlreadyBeingCreatedException", ErrorCode::kConflict},
      {"ParentNotDirectoryException", ErrorCode::kConflict},
      {"PathIsNotEmptyDirectoryException", ErrorCode::kConflict},
      {"SafeModeException", ErrorCode::kUnavailable},
      {"StandbyException", ErrorCode::kUnavailable},
      {"RetriableException", ErrorCode::kUnavailable},
      {"NSQuotaExceededException", ErrorCode::kResourceExhausted},
      {"DSQuotaExceededException", ErrorCode::kResourceExhausted},
      {"QuotaByStorageTypeExceededException", ErrorCode::kResourceExhausted},
      {"QuotaExceededException", ErrorCode::kResourceExhausted},
      {"DiskOutOfSpaceException", ErrorCode::kResourceExhausted},
      {"InvalidToken", ErrorCode::kUnauthenticated},
      {"IllegalArgumentException", ErrorCode::kInvalidArgument},
      {"InvalidPathException", ErrorCode::kInvalidArgument},
      {"UnsupportedOperationException", ErrorCode::kUnsupported},
  };
  for (const Row& row : kRows) {
    if (row.name == name) return row.code;
  }
  return ErrorCode::kFailed;
}

// Some conditions come as a plain IOException, or inside another one.
ErrorCode code_of_message(std::string_view message) {
  const auto has = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  if (has("SafeModeException") || has("in safe mode")) return ErrorCode::kUnavailable;
  if (has("could only be written to") || has("could only be replicated to") || has("No space left on device"))
    return ErrorCode::kResourceExhausted;
  if (has("QuotaExceededException") || has("quota of")) return ErrorCode::kResourceExhausted;
  return ErrorCode::kFailed;
}

ErrorCode code_of(int status, const RestException& exception) {
  if (const ErrorCode by_message = code_of_message(exception.message); by_message != ErrorCode::kFailed)
    return by_message;
  if (const ErrorCode by_name = code_of_name(exception.name); by_name != ErrorCode::kFailed) return by_name;
  switch (status) {
    case 401: return ErrorCode::kUnauthenticated;
    case 403: return exception.name.empty() ? ErrorCode::kPermissionDenied : ErrorCode::kFailed;
    case 404: return ErrorCode::kNotFound;
    case 503: return ErrorCode::kUnavailable;
    default: return ErrorCode::kFailed;
  }
}

Result<json::Tree> tree_of(const RestAnswer& answer) {
  auto tree = json::parse(answer.body);
  if (!tree || !tree->is_object())
    return fail(ErrorCode::kProtocol, "WebHDFS answered with something that is no JSON object");
  return tree;
}

Result<json::Tree> member_of(const RestAnswer& answer, const char* key) {
  MY_TRY(json::Tree tree, tree_of(answer));
  const auto at = tree.find(key);
  if (at == tree.end()) return fail(ErrorCode::kProtocol, fmt::format("WebHDFS's answer has no '{}'", key));
  return json::Tree(*at);
}

Result<FileStatus> status_of(const json::Tree& tree) {
  if (!tree.is_object()) return fail(ErrorCode::kProtocol, "WebHDFS's answer has a file that is no object");
  FileStatus out;
  out.name = json::get_string(tree, "pathSuffix");
  const std::string kind = json::get_string(tree, "type");
  if (kind == "DIRECTORY")
    out.kind = FileStatus::Kind::kFolder;
  else if (kind == "SYMLINK")
    out.kind = FileStatus::Kind::kLink;
  else if (kind != "FILE")
    return fail(ErrorCode::kProtocol, fmt::format("WebHDFS knows a kind of file '{}'", kind));
  MY_TRY(out.size, json::require_int(tree, "length"));
  MY_TRY(out.modified_ms, json::require_int(tree, "modificationTime"));
  const std::string permission = json::get_string(tree, "permission", "0");
  std::from_chars(permission.data(), permission.data() + permission.size(), out.permission, 8);
  out.owner = json::get_string(tree, "owner");
  out.group = json::get_string(tree, "group");
  // It becomes part of a local path.
  if (out.name == "." || out.name == ".." || out.name.find('/') != std::string::npos ||
      out.name.find('\0') != std::string::npos)
    return fail(ErrorCode::kProtocol, fmt::format("WebHDFS lists a file of the name '{}'", out.name));
  return out;
}

}  // namespace

bool is_said_later(const RestAnswer& answer) {
  const RestException exception = rest_exception_of(answer.body);
  return exception.name == "StandbyException" || exception.name == "RetriableException" ||
         (answer.status == 503 && exception.name.empty());
}

Error webhdfs_error(const RestAnswer& answer, const std::string& what) {
  RestException exception = rest_exception_of(answer.body);
  const ErrorCode code = code_of(answer.status, exception);
  if (answer.status == 401) {
    return Error(code, fmt::format("{}: the NameNode asks who we are (status 401): a Kerberos ticket (kinit) or a "
                                   "delegation token is needed",
                                   what));
  }
  if (exception.message.empty() && answer.status < 400)
    exception.message = fmt::format("status {} where an answer was due", answer.status);
  if (exception.message.empty())
    exception.message = fmt::format("status {} without a reason; is WebHDFS on (dfs.webhdfs.enabled)?", answer.status);
  if (exception.message.size() > kShownMax) exception.message.resize(kShownMax);
  return Error(code, fmt::format("{}: {}{}{}", what, exception.name, exception.name.empty() ? "" : ": ",
                                 to_valid_utf8(exception.message)));
}

Result<bool> boolean_of(const RestAnswer& answer) {
  MY_TRY(const json::Tree value, member_of(answer, "boolean"));
  if (!value.is_boolean()) return fail(ErrorCode::kProtocol, "WebHDFS's 'boolean' is none");
  return value.get<bool>();
}

Result<int64_t> long_of(const RestAnswer& answer) {
  MY_TRY(const json::Tree value, member_of(answer, "long"));
  if (!value.is_number_integer()) return fail(ErrorCode::kProtocol, "WebHDFS's 'long' is no number");
  return value.get<int64_t>();
}

Result<FileStatus> file_status_of(const RestAnswer& answer) {
  MY_TRY(const json::Tree tree, member_of(answer, "FileStatus"));
  return status_of(tree);
}

Result<std::vector<FileStatus>> file_statuses_of(const RestAnswer& answer) {
  MY_TRY(const json::Tree outer, member_of(answer, "FileStatuses"));
  const auto at = outer.is_object() ? outer.find("FileStatus") : outer.end();
  if (at == outer.end() || !at->is_array()) return fail(ErrorCode::kProtocol, "WebHDFS's answer has no list of files");
  std::vector<FileStatus> out;
  out.reserve(at->size());
  for (const json::Tree& one : *at) {
    MY_TRY(FileStatus status, status_of(one));
    out.push_back(std::move(status));
  }
  return out;
}

Result<ContentSummary> content_summary_of(const RestAnswer& answer) {
  MY_TRY(const json::Tree tree, member_of(answer, "ContentSummary"));
  if (!tree.is_object()) return fail(ErrorCode::kProtocol, "WebHDFS's 'ContentSummary' is no object");
  ContentSummary out;
  MY_TRY(out.bytes, json::require_int(tree, "length"));
  out.files = json::get_int(tree, "fileCount");
  out.folders = json::get_int(tree, "directoryCount");
  out.quota = json::get_int(tree, "quota", -1);
  out.space_quota = json::get_int(tree, "spaceQuota", -1);
  out.space_used = json::get_int(tree, "spaceConsumed");
  return out;
}

Result<std::string> token_of(const RestAnswer& answer) {
  MY_TRY(const json::Tree tree, member_of(answer, "Token"));
  const std::string text = tree.is_object() ? json::get_string(tree, "urlString") : "";
  if (text.empty())
    return fail(ErrorCode::kUnsupported, "the NameNode gives no delegation token: the cluster has no Kerberos");
  return text;
}

}  // namespace modelyard::hadoop
