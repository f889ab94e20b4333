// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/strings.h"
#include "hadoop/webhdfs.h"
#include "http/testing/raw_peer.h"
#include "http/url.h"
#include "json/tree.h"

namespace modelyard::hadoop::testing {

// A small HDFS in memory, NameNode and DataNode in one, that speaks WebHDFS's REST interface. Names end with '/' for
// folders. Thread-safe.
class FakeHdfs {
 public:
  struct File {
    std::string content;
    unsigned permission = 0644;
    int64_t modified_ms = 1'000;
  };
  // Looked at before every operation: a status and a body to refuse it with, or nothing.
  using Refuse =
      std::function<std::optional<std::pair<int, std::string>>(const std::string& op, const std::string& path)>;

  FakeHdfs() : server_([this](http::testing::RawPeer& peer, int) { serve(peer); }) {}

  FileSystemAddress address() const {
    FileSystemAddress out;
    out.name_nodes.push_back({"", {"127.0.0.1", 8020}, WebAddress{false, {"127.0.0.1", server_.port()}}});
    return out;
  }
  void put(const std::string& path, File file) {
    const std::lock_guard lock(mutex_);
    store(path, std::move(file));
  }
  std::map<std::string, File> files() {
    const std::lock_guard lock(mutex_);
    return files_;
  }
  void refuse(Refuse refuse) {
    const std::lock_guard lock(mutex_);
    refuse_ = std::move(refuse);
  }
  // "OPEN /m/a", in order.
  std::vector<std::string> operations() {
    const std::lock_guard lock(mutex_);
    return operations_;
  }
  static std::string exception(const std::string& name, const std::string& message) {
    return json::dump({{"RemoteException", {{"exception", name}, {"message", message}}}});
  }

 private:
  using Answer = std::pair<int, std::string>;

  void serve(http::testing::RawPeer& peer) {
    const std::string head = peer.read_until("\r\n\r\n");
    const size_t start = head.find(' ') + 1;
    const std::string target = head.substr(start, head.find(' ', start) - start);
    std::map<std::string, std::string> query;
    const size_t mark = target.find('?');
    for (auto& [key, value] : http::parse_query(target.substr(mark + 1))) query[key] = value;
    const std::string path = http::percent_decode(target.substr(11, mark - 11));  // after /webhdfs/v1
    const std::string body = body_of(peer, to_lower_ascii(head));
    Answer answer;
    {
      const std::lock_guard lock(mutex_);
      operations_.push_back(query["op"] + " " + path);
      const auto refused = refuse_ ? refuse_(query["op"], path) : std::nullopt;
      answer = refused ? *refused : carry_out(path, query, body);
    }
    peer.send("HTTP/1.1 " + std::to_string(answer.first) + " Fake\r\nConnection: close\r\nContent-Length: " +
              std::to_string(answer.second.size()) + "\r\n\r\n" + answer.second);
  }

  static std::string body_of(http::testing::RawPeer& peer, const std::string& head) {
    if (const size_t at = head.find("content-length: "); at != std::string::npos)
      return peer.read_exactly(static_cast<size_t>(std::atoll(head.c_str() + at + 16)));
    std::string out;
    if (head.find("transfer-encoding: chunked") == std::string::npos) return out;
    for (;;) {
      const size_t size = std::stoul(peer.read_until("\r\n"), nullptr, 16);
      out += peer.read_exactly(size);
      peer.read_exactly(2);
      if (size == 0) return out;
    }
  }

  void store(const std::string& path, File file) {
    for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
      files_.try_emplace(path.substr(0, at + 1), File{"", 0755, 0});
    if (!path.ends_with('/')) files_[path] = std::move(file);
  }

  static json::Tree status_of(const std::string& name, const File& file, bool folder) {
    return {{"pathSuffix", name},
            {"type", folder ? "DIRECTORY" : "FILE"},
            {"length", file.content.size()},
            {"modificationTime", file.modified_ms},
            {"permission", fmt::format("{:o}", file.permission)}};
  }

  Answer carry_out(const std::string& path, std::map<std::string, std::string>& query, const std::string& body) {
    const std::string& op = query["op"];
    const Answer absent{404, exception("FileNotFoundException", "File does not exist: " + path)};
    if (op == "MKDIRS") {
      store(path + "/", {});
      return {200, R"({"boolean":true})"};
    }
    if (op == "CREATE") return create(path, query, body);
    const bool folder = path == "/" || files_.contains(path + "/");
    const auto at = files_.find(path);
    if (op == "DELETE") {
      const auto gone = std::erase_if(
          files_, [&](const auto& one) { return one.first == path || one.first.starts_with(path + "/"); });
      return {200, gone ? R"({"boolean":true})" : R"({"boolean":false})"};
    }
    if (!folder && at == files_.end()) return absent;
    if (op == "GETFILESTATUS")
      return {200, json::dump({{"FileStatus", status_of("", folder ? File{"", 0755, 0} : at->second, folder)}})};
    if (op == "LISTSTATUS") return {200, list(path, folder)};
    if (op == "RENAME") return rename(path, query);
    if (op == "OPEN" && query.contains("noredirect")) return {200, location(path, "OPEN")};
    if (op == "OPEN") return {200, at->second.content};
    return {400, exception("IllegalArgumentException", op)};
  }

  Answer create(const std::string& path, std::map<std::string, std::string>& query, const std::string& body) {
    if (query.contains("noredirect"))
      return {200, location(path, "CREATE&overwrite=" + query["overwrite"] + "&permission=" + query["permission"])};
    if (files_.contains(path) && query["overwrite"] != "true")
      return {403, exception("FileAlreadyExistsException", path)};
    store(path, {body, static_cast<unsigned>(std::stoul(query["permission"], nullptr, 8)), 2'000});
    return {201, ""};
  }

  Answer rename(const std::string& path, std::map<std::string, std::string>& query) {
    const std::string to = query["destination"];
    const bool overwrite = query.contains("renameoptions");
    if (files_.contains(to) && !overwrite) return {200, R"({"boolean":false})"};
    File file = files_[path];
    files_.erase(path);
    store(to, std::move(file));
    return {200, overwrite ? "" : R"({"boolean":true})"};
  }

  std::string list(const std::string& path, bool folder) {
    json::Tree out = json::Tree::array();
    if (!folder) out.push_back(status_of("", files_[path], false));
    const std::string prefix = path == "/" ? "/" : path + "/";
    for (const auto& [name, file] : files_) {
      if (!folder || !name.starts_with(prefix) || name == prefix) continue;
      const std::string rest = name.substr(prefix.size());
      const size_t slash = rest.find('/');
      if (slash != std::string::npos && slash + 1 != rest.size()) continue;
      out.push_back(status_of(rest.substr(0, slash), file, slash != std::string::npos));
    }
    return json::dump({{"FileStatuses", {{"FileStatus", out}}}});
  }

  std::string location(const std::string& path, const std::string& query) const {
    return json::dump({{"Location", server_.url("/webhdfs/v1" + path + "?op=" + query)}});
  }

  std::mutex mutex_;
  std::map<std::string, File> files_;
  Refuse refuse_;
  std::vector<std::string> operations_;
  http::testing::RawServer server_;
};

}  // namespace modelyard::hadoop::testing
