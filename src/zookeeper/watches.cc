// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/watches.h"

#include <algorithm>
#include <array>

#include "zookeeper/jute.h"

namespace modelyard::zookeeper {
namespace {

constexpr size_t kKinds = 5;

bool is_persistent(size_t kind) { return kind >= static_cast<size_t>(WatchTable::Kind::kPersistent); }

std::string packet_body(int64_t last_zxid, const std::array<std::vector<std::string>, kKinds>& paths, bool persistent) {
  std::string body;
  JuteWriter out(body);
  out.number64(last_zxid);
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (!is_persistent(kind) || persistent) out.texts(paths[kind]);
  }
  return body;
}

}  // namespace

void WatchTable::add(Kind kind, std::string path, Watcher watcher) {
  maps_[static_cast<size_t>(kind)][std::move(path)].push_back(std::move(watcher));
  ++size_;
}

bool WatchTable::remove(Kind kind, const std::string& path, const Watcher& watcher) {
  Map& map = maps_[static_cast<size_t>(kind)];
  const auto at = map.find(path);
  if (at == map.end()) return false;
  const auto found = std::find(at->second.begin(), at->second.end(), watcher);
  if (found == at->second.end()) return false;
  at->second.erase(found);
  --size_;
  if (at->second.empty()) map.erase(at);
  return true;
}

bool WatchTable::watches(const std::string& path) const {
  return std::any_of(std::begin(maps_), std::end(maps_), [&](const Map& map) { return map.contains(path); });
}

bool WatchTable::covers(Kind kind, const std::string& path) const {
  return of(Kind::kPersistent).contains(path) || (kind != Kind::kChildren && of(Kind::kRecursive).contains(path));
}

void WatchTable::take_from(Kind kind, std::string_view path, std::vector<Watcher>& out) {
  Map& map = maps_[static_cast<size_t>(kind)];
  const auto at = map.find(path);
  if (at == map.end()) return;
  size_ -= at->second.size();
  std::move(at->second.begin(), at->second.end(), std::back_inserter(out));
  map.erase(at);
}

void WatchTable::copy_from(Kind kind, std::string_view path, std::vector<Watcher>& out) const {
  const auto at = of(kind).find(path);
  if (at != of(kind).end()) out.insert(out.end(), at->second.begin(), at->second.end());
}

std::vector<WatchTable::Watcher> WatchTable::take(WatchEvent::Type type, const std::string& path) {
  std::vector<Watcher> out;
  const bool children = type == WatchEvent::Type::kChildrenChanged;
  if (!children) {
    take_from(Kind::kData, path, out);
    take_from(Kind::kExist, path, out);
  }
  if (children || type == WatchEvent::Type::kDeleted) take_from(Kind::kChildren, path, out);
  copy_from(Kind::kPersistent, path, out);
  if (children || of(Kind::kRecursive).empty()) return out;
  for (std::string_view at = path;; at = parent_of(at)) {
    copy_from(Kind::kRecursive, at, out);
    if (at.size() <= 1) return out;
  }
}

std::vector<std::pair<std::string, WatchTable::Watcher>> WatchTable::take_all() {
  std::vector<std::pair<std::string, Watcher>> out;
  out.reserve(size_);
  for (Map& map : maps_) {
    for (auto& [path, set] : map) {
      for (Watcher& watcher : set) out.emplace_back(path, std::move(watcher));
    }
    map.clear();
  }
  size_ = 0;
  return out;
}

std::vector<std::pair<std::string, WatchTable::Watcher>> WatchTable::take_persistent() {
  std::vector<std::pair<std::string, Watcher>> out;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    if (!is_persistent(kind)) continue;
    for (auto& [path, set] : maps_[kind]) {
      for (Watcher& watcher : set) out.emplace_back(path, std::move(watcher));
    }
    maps_[kind].clear();
  }
  size_ -= out.size();
  return out;
}

std::vector<WatchTable::Packet> WatchTable::set_again(int64_t last_zxid, size_t bytes_max) const {
  std::vector<Packet> out;
  std::array<std::vector<std::string>, kKinds> paths;
  size_t bytes = 0;
  bool persistent = false;
  const auto end_packet = [&] {
    if (bytes == 0) return;
    out.push_back({persistent, packet_body(last_zxid, paths, persistent)});
    for (auto& list : paths) list.clear();
    bytes = 0;
    persistent = false;
  };
  for (size_t kind = 0; kind < kKinds; ++kind) {
    // One-shot watches go into packets that every server knows.
    if (is_persistent(kind) && !persistent) end_packet();
    for (const auto& [path, set] : maps_[kind]) {
      if (bytes != 0 && bytes + path.size() + 4 > bytes_max) end_packet();
      paths[kind].push_back(path);
      bytes += path.size() + 4;
      persistent = persistent || is_persistent(kind);
    }
  }
  end_packet();
  return out;
}

}  // namespace modelyard::zookeeper
