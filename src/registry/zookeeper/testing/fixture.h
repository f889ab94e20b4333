// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "io/task.h"
#include "json/tree.h"
#include "registry/contents.h"
#include "registry/zookeeper/layout.h"
#include "zookeeper/fake.h"

// What the tests of this folder share: an ensemble in memory, records, and waiting for a condition.
namespace modelyard::registry::zookeeper::testing {

using modelyard::zookeeper::Client;
using modelyard::zookeeper::FakeEnsemble;
using namespace std::chrono_literals;

inline SteadyTime soon(milliseconds in = 5s) { return std::chrono::steady_clock::now() + in; }

// True as soon as the condition holds. polls: each millisecond, five seconds at most.
inline io::Task<bool> until(std::function<bool()> condition, milliseconds within = 5s) {
  const SteadyTime deadline = soon(within);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) co_return false;
    co_await io::sleep_for(1ms);
  }
  co_return true;
}

inline Endpoint endpoint_at(const std::string& id, const std::string& url = "http://node1:1000",
                            const std::string& name = "dga", const std::string& version = "1.0") {
  return {.id = id, .name = name, .version = version, .url = url, .host = "node1", .functions = {{"apply", "apply"}}};
}

inline Instance instance(const std::string& id, int64_t incarnation, InstanceState state = InstanceState::kStarting) {
  Instance record;
  record.id = id;
  record.incarnation = incarnation;
  record.name = "dga";
  record.version = "1.0";
  record.state = state;
  return record;
}

inline Deployment deployment(const std::string& name, const std::string& version, int64_t generation) {
  Deployment record;
  record.name = name;
  record.version = version;
  record.generation = generation;
  return record;
}

// A program's run on one loop with an ensemble; the body is a coroutine.
class Ensemble : public ::testing::Test {
 protected:
  void run(const std::function<io::Task<void>()>& body) { io::run_blocking(loop, body()); }

  bool there(const std::string& path) const { return ensemble.nodes().contains(path); }
  std::string data(const std::string& path) const {
    const auto at = ensemble.nodes().find(path);
    return at == ensemble.nodes().end() ? "(no node)" : at->second.data;
  }
  int64_t owner(const std::string& path) const {
    const auto at = ensemble.nodes().find(path);
    return at == ensemble.nodes().end() ? -1 : at->second.stat.ephemeral_owner;
  }
  std::vector<std::string> below(const std::string& path) const {
    std::vector<std::string> out;
    for (const auto& [known, node] : ensemble.nodes()) {
      if (known.starts_with(path + "/")) out.push_back(known.substr(path.size() + 1));
    }
    return out;
  }
  void put(const std::string& path, const std::string& text) {
    for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      if (!there(path.substr(0, slash))) EXPECT_TRUE(ensemble.put(path.substr(0, slash), ""));
    }
    EXPECT_TRUE(ensemble.put(path, text)) << path;
  }
  void put(const Instance& record) { put(layout.instance(record.id), json::dump(to_json(record))); }

  io::Loop loop;
  FakeEnsemble ensemble{loop};
  const Layout layout = layout_from(kDefaultRoot, std::nullopt).value();
};

}  // namespace modelyard::registry::zookeeper::testing
