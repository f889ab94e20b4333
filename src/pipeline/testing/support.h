// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "configuration/folder.h"
#include "json/tree.h"
#include "pipeline/worker.h"

// For tests of this module: configurations from texts, a worker driven to the end, models that are functions.
namespace modelyard::pipeline::testing {

// One endpoint for every model name that was added.
class FakeModels final : public stellar::Capabilities {
 public:
  using Model = std::function<std::optional<std::string>(const std::map<std::string, std::string>&)>;
  void add(const std::string& name, Model model) { models_[name] = std::move(model); }
  std::optional<std::string> call(const ModelCall& call) const;

  bool has_models() const override { return true; }
  std::optional<stellar::ModelEndpoint> find_endpoint(std::string_view name,
                                                      std::optional<std::string_view> version) override;

 private:
  std::map<std::string, Model, std::less<>> models_;
};

// Documents of a configuration by their kind; "" = there is none. Patterns by name.
struct Texts {
  std::string parser;
  std::string global;
  std::string enrichment;
  std::string indexing;
  std::map<std::string, std::string> patterns;
};
Result<configuration::SensorConfig> config_of(const Texts& texts, const std::string& sensor = "squid");
Result<std::shared_ptr<const Pipeline>> compile(const Texts& texts, const std::string& sensor = "squid");

// Runs the lines, one record each, answers calls at once, and gives all documents in order.
struct Run {
  std::vector<OutputDocument> documents;
  WorkerStatistics statistics;
  json::Tree tree(size_t index) const;
};
Run run(std::shared_ptr<const Pipeline> pipeline, const std::vector<std::string>& lines, Stage stage,
        FakeModels& models);

// A squid line for a url.
std::string squid_line(const std::string& url, const std::string& peer = "93.184.216.34");
// parsers/squid.json with these members beside parserClassName and parserConfig (a leading comma is added when not
// empty).
std::string squid_parser(const std::string& more = "");

}  // namespace modelyard::pipeline::testing
