// SPDX-License-Identifier: Apache-2.0
// fuzz: DEPS registry json base
// Whatever stands in a node: each reader gives a value or an error, and what it gives is written and read as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "json/tree.h"
#include "registry/zookeeper/layout.h"
#include "registry/zookeeper/stored.h"

namespace {

namespace zk = modelyard::registry::zookeeper;
using modelyard::json::Tree;

void must(bool holds) {
  if (!holds) std::abort();
}

template <typename Record>
void read_and_write(const Tree& tree, modelyard::Result<Record> (*read)(const Tree&)) {
  using zk::to_json;  // records of other namespaces too
  const auto record = read(tree);
  if (!record) return;
  const Tree written = to_json(*record);
  const auto again = read(modelyard::json::parse(modelyard::json::dump(written)).value());
  must(again && modelyard::json::dump(to_json(*again)) == modelyard::json::dump(written));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view data(reinterpret_cast<const char*>(bytes), size);
  must(zk::text_of_segment(zk::segment_of(data)) == data);
  (void)zk::text_of_segment(data);
  if (const auto layout = zk::layout_from("/c", std::string(data))) must(layout->own != layout->service);
  if (auto endpoint = zk::endpoint_from_discovery(data)) {
    endpoint->host = "node1";
    const auto again = zk::endpoint_from_discovery(zk::to_discovery_json(*endpoint, 0));
    must(again && again->name == endpoint->name && again->id == endpoint->id && again->host != "localhost");
  }
  if (const auto request = zk::request_from(data); request && *request) {
    const auto again = zk::request_from(zk::to_json(**request));
    must(again && *again && zk::to_json(**again) == zk::to_json(**request));
  }
  const auto tree = modelyard::json::parse(data);
  if (!tree) return 0;
  read_and_write(*tree, zk::rejected_from_json);
  read_and_write(*tree, zk::leader_record_from_json);
  read_and_write(*tree, zk::lease_record_from_json);
  read_and_write(*tree, zk::settings_from_json);
  (void)zk::name_record_from_json(*tree);
  (void)zk::event_from_json(*tree);
  (void)zk::deployment_of(data);
  (void)zk::instance_of(data);
  (void)zk::report_of(data);
  return 0;
}
