// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "hadoop/configuration.h"
#include "hadoop/rest.h"

namespace modelyard::hadoop {

// Who may read and write entities. Lists as Hadoop writes access control lists: "user1,user2 group1"; "*" = all.
struct TimelineDomain {
  std::string id;
  std::string description;
  std::string readers;
  std::string writers;
};

struct TimelineEvent {
  int64_t at_ms = 0;
  std::string type;
  std::map<std::string, std::string> info;
};
struct TimelineEntity {
  std::string type;
  std::string id;
  std::string domain;  // "" = the default one
  int64_t start_ms = 0;
  std::vector<TimelineEvent> events;
  std::map<std::string, std::string> primary_filters;
  std::map<std::string, std::string> info;
};

// The timeline server's REST interface, version 1 (/ws/v1/timeline), which answers questions about applications after
// they have ended. What it holds is for people: a caller reports an error once and goes on without it.
// Blocks; one thread at a time.
class Timeline {
 public:
  Timeline(WebAddress address, RestOptions options);

  // Makes or changes it; only its owner may change it.
  Status put_domain(const TimelineDomain& domain);
  // kFailed names the first entity that was not taken.
  Status put_entities(const std::vector<TimelineEntity>& entities);

 private:
  Result<RestAnswer> send(const std::string& method, const std::string& path, std::string body);
  WebAddress address_;
  RestConnection connection_;
  bool property_names_ = false;  // what this server calls the members of an entity
};

}  // namespace modelyard::hadoop
