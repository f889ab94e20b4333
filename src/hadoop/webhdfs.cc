// SPDX-License-Identifier: Apache-2.0
#include "hadoop/webhdfs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "hadoop/webhdfs_answers.h"
#include "http/url.h"
#include "json/tree.h"

namespace modelyard::hadoop {
namespace {

constexpr std::string_view kPrefix = "/webhdfs/v1";
constexpr milliseconds kPause{500};

std::string encoded(std::string_view path) {
  std::string out;
  for (const std::string_view part : split(path.substr(1), '/')) {
    out += '/';
    http::append_percent_encoded(out, part);
  }
  return out;
}

std::string octal(unsigned permission) { return fmt::format("{:o}", permission); }

}  // namespace

std::string join_path(std::string_view folder, std::string_view name) {
  std::string out(folder);
  if (!out.ends_with('/')) out += '/';
  return out.append(name);
}

WebHdfs::WebHdfs(FileSystemAddress address, RestOptions options)
    : address_(std::move(address)), connection_(std::move(options)) {}

Result<std::string> WebHdfs::absolute(std::string_view path) const {
  if (const size_t colon = path.find("://"); colon != std::string_view::npos) {
    const std::string_view rest = path.substr(colon + 3);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    const std::string own = address_.uri().substr(7);
    // "hdfs:///path" is the default file system's.
    const bool same = authority.empty() || authority == own || fmt::format("{}:8020", authority) == own;
    if (path.substr(0, colon) != "hdfs" || !same) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' lies in another file system than {}", path, address_.uri()));
    }
    path = rest.substr(authority.size());
    if (path.empty()) path = "/";
  }
  if (path.empty()) return fail(ErrorCode::kInvalidArgument, "the path is empty");
  if (path.find('\0') != std::string_view::npos) return fail(ErrorCode::kInvalidArgument, "the path holds a zero byte");
  std::string out = path.starts_with('/') ? "" : "/user/" + options().user;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    // HDFS refuses a colon in a name; said here it is said in words.
    if (part == ".." || part.find(':') != std::string_view::npos) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is no path of HDFS: '{}' may not stand in it", path, part == ".." ? ".." : ":"));
    }
    out.append("/").append(part);
  }
  return out.empty() ? "/" : out;
}

std::string WebHdfs::url_of(const FileSystemAddress::NameNode& node, const std::string& path,
                            const Query& query) const {
  Query all = query;
  if (!options().delegation.empty())
    all.emplace_back("delegation", options().delegation);
  else if (!options().kerberos)
    all.emplace_back("user.name", options().user);
  return node.web.url() + std::string(kPrefix) + encoded(path) + "?" + http::build_query(all);
}

Error WebHdfs::refused(const RestAnswer& answer, const std::string& path) const {
  return webhdfs_error(answer, uri(path));
}

Result<RestAnswer> WebHdfs::call_once(const std::string& method, const std::string& path, const Query& query,
                                      bool& elsewhere) {
  const FileSystemAddress::NameNode& node = address_.name_nodes[active_];
  RestRequest request;
  request.method = method;
  request.url = url_of(node, path, query);
  request.negotiate = options().kerberos && options().delegation.empty();
  auto answer = connection_.call(request);
  elsewhere = false;
  if (!answer) {
    elsewhere = answer.error().code() == ErrorCode::kUnavailable;
    return fail(std::move(answer).error().with_context(fmt::format("the NameNode of {}", address_.uri())));
  }
  if (answer->status < 400) return answer;
  elsewhere = is_said_later(*answer);
  return fail(refused(*answer, path));
}

Result<RestAnswer> WebHdfs::call(const std::string& method, const std::string& path, Query query) {
  MY_TRY(const std::string where, absolute(path));
  const SteadyTime end = system_clock().now() + options().failover_time;
  const size_t count = address_.name_nodes.size();
  for (size_t attempt = 1;; ++attempt) {
    bool elsewhere = false;
    auto answer = call_once(method, where, query, elsewhere);
    if (answer || !elsewhere) return answer;
    // A single one that nobody listens on is told at once; a pair changes its roles within seconds.
    const bool single_away = count == 1 && answer.error().code() == ErrorCode::kUnavailable &&
                             answer.error().message().starts_with("the NameNode of");
    if (single_away || system_clock().now() >= end) return answer;
    active_ = (active_ + 1) % count;
    if (attempt % count == 0 && !connection_.pause(kPause)) return fail(ErrorCode::kCancelled, "cancelled");
  }
}

Result<std::string> WebHdfs::location_of(const RestAnswer& answer, const std::string& path) const {
  std::string location = answer.location;
  if (location.empty()) {
    auto tree = json::parse(answer.body);
    if (tree) location = json::get_string(*tree, "Location");
  }
  if (!location.starts_with("http://") && !location.starts_with("https://")) {
    return fail(ErrorCode::kProtocol,
                fmt::format("{}: the NameNode named no DataNode (status {})", uri(path), answer.status));
  }
  return location;
}

Result<RestAnswer> WebHdfs::stream(RestRequest request, const std::string& path) {
  auto answer = connection_.call(request);
  if (!answer) return fail(std::move(answer).error().with_context(fmt::format("{}: the DataNode", uri(path))));
  if (answer->status >= 300) return fail(refused(*answer, path));
  return answer;
}

Status WebHdfs::make_folder(const std::string& path, unsigned permission) {
  MY_TRY(const RestAnswer answer, call("PUT", path, {{"op", "MKDIRS"}, {"permission", octal(permission)}}));
  MY_TRY(const bool made, boolean_of(answer));
  if (!made) return fail(ErrorCode::kConflict, fmt::format("{}: HDFS did not make the folder", path));
  return {};
}

Result<FileStatus> WebHdfs::status(const std::string& path) {
  MY_TRY(const RestAnswer answer, call("GET", path, {{"op", "GETFILESTATUS"}}));
  return file_status_of(answer);
}

Result<std::vector<FileStatus>> WebHdfs::list(const std::string& path) {
  MY_TRY(const RestAnswer answer, call("GET", path, {{"op", "LISTSTATUS"}}));
  return file_statuses_of(answer);
}

Result<ContentSummary> WebHdfs::summary(const std::string& path) {
  MY_TRY(const RestAnswer answer, call("GET", path, {{"op", "GETCONTENTSUMMARY"}}));
  return content_summary_of(answer);
}

Status WebHdfs::read(const std::string& path, const ByteWriter& writer) {
  MY_TRY(const std::string where, absolute(path));
  MY_TRY(const RestAnswer answer, call("GET", where, {{"op", "OPEN"}, {"noredirect", "true"}}));
  RestRequest request;
  MY_TRY(request.url, location_of(answer, where));
  request.writer = writer;
  MY_TRY_VOID(stream(std::move(request), where));
  return {};
}

Result<std::string> WebHdfs::read_text(const std::string& path, size_t size_max) {
  std::string out;
  MY_TRY_VOID(read(path, [&](std::string_view bytes) -> Status {
    if (out.size() + bytes.size() > size_max)
      return fail(ErrorCode::kResourceExhausted, fmt::format("{} is over {} bytes", path, size_max));
    out += bytes;
    return {};
  }));
  return out;
}

Status WebHdfs::create(const std::string& path, const ByteReader& reader, const CreateOptions& options) {
  MY_TRY(const std::string where, absolute(path));
  Query query{{"op", "CREATE"},
              {"overwrite", options.overwrite ? "true" : "false"},
              {"permission", octal(options.permission)},
              {"noredirect", "true"}};
  if (options.replication > 0) query.emplace_back("replication", std::to_string(options.replication));
  MY_TRY(const RestAnswer answer, call("PUT", where, query));
  RestRequest request;
  request.method = "PUT";
  MY_TRY(request.url, location_of(answer, where));
  request.reader = reader;
  request.size = options.size;
  MY_TRY_VOID(stream(std::move(request), where));
  return {};
}

Status WebHdfs::create_text(const std::string& path, std::string_view text, CreateOptions options) {
  options.size = static_cast<int64_t>(text.size());
  return create(
      path,
      [text](char* buffer, size_t size) mutable -> Result<size_t> {
        const size_t count = std::min(size, text.size());
        std::copy_n(text.data(), count, buffer);
        text.remove_prefix(count);
        return count;
      },
      options);
}

Status WebHdfs::rename(const std::string& from, const std::string& to, bool overwrite) {
  MY_TRY(const std::string target, absolute(to));
  Query query{{"op", "RENAME"}, {"destination", target}};
  if (overwrite) query.emplace_back("renameoptions", "OVERWRITE");
  MY_TRY(const RestAnswer answer, call("PUT", from, query));
  if (overwrite) return {};  // this form answers with nothing but its status
  MY_TRY(const bool done, boolean_of(answer));
  if (!done) {
    return fail(ErrorCode::kConflict,
                fmt::format("{} could not be renamed to {}: is one absent, or the other there?", from, to));
  }
  return {};
}

Result<bool> WebHdfs::remove(const std::string& path, bool recursive) {
  MY_TRY(const RestAnswer answer,
         call("DELETE", path, {{"op", "DELETE"}, {"recursive", recursive ? "true" : "false"}}));
  return boolean_of(answer);
}

Status WebHdfs::set_permission(const std::string& path, unsigned permission) {
  MY_TRY_VOID(call("PUT", path, {{"op", "SETPERMISSION"}, {"permission", octal(permission)}}));
  return {};
}

Result<std::string> WebHdfs::get_delegation_token(const std::string& renewer, const std::string& service) {
  const std::string ha = address_.token_service();
  MY_TRY(const RestAnswer answer, call("GET", "/",
                                       {{"op", "GETDELEGATIONTOKEN"},
                                        {"renewer", renewer},
                                        {"service", ha.empty() ? service : ha},
                                        {"kind", "HDFS_DELEGATION_TOKEN"}}));
  return token_of(answer);
}

Result<int64_t> WebHdfs::renew_delegation_token(const std::string& token) {
  MY_TRY(const RestAnswer answer, call("PUT", "/", {{"op", "RENEWDELEGATIONTOKEN"}, {"token", token}}));
  return long_of(answer);
}

Status WebHdfs::cancel_delegation_token(const std::string& token) {
  MY_TRY_VOID(call("PUT", "/", {{"op", "CANCELDELEGATIONTOKEN"}, {"token", token}}));
  return {};
}

}  // namespace modelyard::hadoop
