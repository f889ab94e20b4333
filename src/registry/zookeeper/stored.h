// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/task.h"
#include "json/json.h"
#include "registry/contents.h"
#include "registry/instance_folder.h"
#include "zookeeper/client.h"

// The records of OWN as the data of their nodes. Pure, but for what takes a client.
namespace modelyard::registry::zookeeper {

Result<Deployment> deployment_of(std::string_view data);
Result<Instance> instance_of(std::string_view data);
Result<RunnerReport> report_of(std::string_view data);

json::Tree name_record_to_json(const NameRecord& record);
Result<NameRecord> name_record_from_json(const json::Tree& tree);

// The sequence is the node's, so it is not in its data; the text is cut to 16 KiB.
json::Tree event_to_json(const Event& event);
Result<Event> event_from_json(const json::Tree& tree);

// "n-0000000003" -> 3, with the prefix "n-"; nothing: another node.
std::optional<int64_t> sequence_of(std::string_view name, std::string_view prefix);

// Makes the node where absent. An existing one gets this ACL if `keep` is false and it has another.
io::Task<Status> ensure_node(modelyard::zookeeper::Client& client, std::string path, std::string data,
                             modelyard::zookeeper::AclList acl, bool keep, SteadyTime deadline);

// Makes each absent node of the path, from the top, open to all: the places that the reference and ours share.
io::Task<Status> make_parents(modelyard::zookeeper::Client& client, std::string path, SteadyTime deadline);

}  // namespace modelyard::registry::zookeeper
