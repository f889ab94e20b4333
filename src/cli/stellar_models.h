// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "cli/remote.h"
#include "stellar/capabilities.h"
#include "stellar/eval/frame.h"

namespace modelyard::cli {

// The models of a server or a cluster for expressions at the command line. It is reached when the first expression asks
// for a model, so that an expression without one needs none; if it is not there, that is told once on stderr and no
// model is known. Blocks.
class StellarModels final : public stellar::Capabilities {
 public:
  explicit StellarModels(EndpointPlace place);
  ~StellarModels() override;

  bool has_models() const override { return true; }
  std::optional<stellar::ModelEndpoint> find_endpoint(std::string_view name,
                                                      std::optional<std::string_view> version) override;

  // For evaluate_blocking(), run_batch(): a failed call is null, its cause goes to stderr.
  std::function<stellar::Value(const stellar::CallRequest&, stellar::Arena&)> answer();

 private:
  struct State;
  State& state();
  EndpointPlace place_;
  std::unique_ptr<State> state_;
};

}  // namespace modelyard::cli
