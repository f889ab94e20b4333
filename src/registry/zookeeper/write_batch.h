// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "registry/contents.h"
#include "registry/zookeeper/access.h"
#include "registry/zookeeper/layout.h"
#include "zookeeper/types.h"

// A batch of writes as one multi. Pure: what the leader knows of the stored nodes goes in, operations that expect
// exactly that come out.
namespace modelyard::registry::zookeeper {

// Nobody but the leader changes these nodes, so what it read when it began and what it wrote since is what stands.
struct Known {
  struct Record {
    int32_t version = 0;
    int64_t number = 0;  // a deployment's generation, an instance's incarnation
    bool operator==(const Record&) const = default;
  };
  std::map<std::string, Record> records;  // by path: deployments, instances, names
  std::set<std::string> reports;          // paths
  std::deque<std::string> events;         // node names, oldest first
  std::deque<std::string> rejected;
  int64_t last_incarnation = 0;
};

inline constexpr size_t kBatchOpsMax = 1'000;
inline constexpr size_t kBatchBytesMax = 900 << 10;  // a server takes 1 MiB

class WriteBatch {
 public:
  // `leader`: the path of the candidate's node, whose check the multi begins with.
  WriteBatch(const Layout& layout, const Access& access, const Known& known, const std::string& leader);

  // kConflict: another generation is stored.
  Status add(const Write& write, int64_t now_ms);
  // kResourceExhausted: more than a server takes; nothing was sent.
  Result<std::vector<modelyard::zookeeper::Op>> finish();

  // What an operation is about, to say why the multi was refused.
  enum class Role { kLeader, kRecord, kQueue, kAppend, kTrim };
  Role role(size_t operation) const { return operation < roles_.size() ? roles_[operation] : Role::kRecord; }

  // The multi was carried out.
  void commit(const modelyard::zookeeper::MultiAnswer& answer, Known& known) const;

 private:
  void push(modelyard::zookeeper::Op op, Role role);
  const Known::Record* find(const std::string& path) const;
  void put_record(const std::string& path, std::string data, int64_t number);
  void remove_record(const std::string& path);
  Status put_deployment(const Deployment& deployment);
  void put_instance(const Instance& instance);
  void put_report(const std::string& path, bool anew);
  void append(const std::string& folder, const char* prefix, std::string data, size_t& count);
  void trim(const std::string& folder, const std::deque<std::string>& names, size_t appended, size_t max);

  const Layout& layout_;
  const Access& access_;
  const Known& known_;
  std::vector<modelyard::zookeeper::Op> ops_;
  std::vector<Role> roles_;
  std::map<std::string, std::optional<Known::Record>> records_;  // as they will be; nothing = removed
  std::map<std::string, bool> reports_;                          // there or not
  size_t events_ = 0;                                            // appended
  size_t rejected_ = 0;
  std::set<std::string> trimmed_;  // paths
  int64_t last_incarnation_ = 0;
};

}  // namespace modelyard::registry::zookeeper
