// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "zookeeper/client.h"

namespace modelyard::zookeeper {

// The watches of one session, as the server holds them for us: by the server's path and kind. It says which watchers an
// event is for, and what has to be set again on a new connection. No I/O; calls nobody.
class WatchTable {
 public:
  enum class Kind { kData, kExist, kChildren, kPersistent, kRecursive };
  using Watcher = std::shared_ptr<const Client::Watcher>;

  // The path is the server's, with the chroot.
  void add(Kind kind, std::string path, Watcher watcher);
  // False: it was not there. Persistent ones alone are taken away by their owner.
  bool remove(Kind kind, const std::string& path, const Watcher& watcher);
  // Whether the server may still hold a watch at this path for us.
  bool watches(const std::string& path) const;

  // Whether a persistent watch of ours tells everything that a one-shot watch of this kind would. Then the server must
  // not be asked for that one: before 3.9 it would take the persistent one's place (ZOOKEEPER-4466).
  bool covers(Kind kind, const std::string& path) const;

  // Whom the event is for; the one-shot ones among them are taken away.
  std::vector<Watcher> take(WatchEvent::Type type, const std::string& path);
  // Every watch with its path, for kLost; the table is empty then.
  std::vector<std::pair<std::string, Watcher>> take_all();
  // The persistent ones alone.
  std::vector<std::pair<std::string, Watcher>> take_persistent();
  size_t size() const { return size_; }

  // Bodies of SetWatches and SetWatches2 packets, each of about bytes_max at most.
  struct Packet {
    bool has_persistent = false;  // SetWatches2
    std::string body;
  };
  std::vector<Packet> set_again(int64_t last_zxid, size_t bytes_max) const;

 private:
  using Set = std::vector<Watcher>;
  using Map = std::map<std::string, Set, std::less<>>;
  void take_from(Kind kind, std::string_view path, std::vector<Watcher>& out);
  void copy_from(Kind kind, std::string_view path, std::vector<Watcher>& out) const;
  const Map& of(Kind kind) const { return maps_[static_cast<size_t>(kind)]; }

  Map maps_[5];
  size_t size_ = 0;
};

}  // namespace modelyard::zookeeper
