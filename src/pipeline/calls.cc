// SPDX-License-Identifier: Apache-2.0
#include "pipeline/calls.h"

#include <utility>

namespace modelyard::pipeline {
namespace {

ModelCall call_of(uint64_t id, const stellar::CallRequest& request) {
  ModelCall out;
  out.id = id;
  out.model = request.model;
  out.version = request.version;
  out.url = request.url;
  out.function = request.function;
  out.path = request.path;
  for (const auto& [name, value] : request.query) out.query.emplace_back(name, value);
  return out;
}

}  // namespace

// Texts with their lengths before them: no two calls share a key.
std::string Calls::key_of(const stellar::CallRequest& request) {
  std::string key;
  const auto add = [&key](std::string_view text) {
    key += std::to_string(text.size());
    key.push_back(':');
    key += text;
  };
  add(request.model);
  add(request.model.empty() ? request.url : request.version);
  add(request.function);
  add(request.path);
  for (const auto& [name, value] : request.query) {
    add(name);
    add(value);
  }
  return key;
}

bool Calls::add(Job& job, const stellar::CallRequest& request, std::string key) {
  if (const auto same = by_key_.find(key); same != by_key_.end()) {
    open_.find(same->second)->second.waiting.push_back(&job);
    return true;
  }
  const uint64_t id = ++last_id_;
  by_key_.emplace(key, id);
  open_.emplace(id, Open{.key = std::move(key), .call = call_of(id, request), .given = false, .waiting = {&job}});
  fresh_.push_back(id);
  return false;
}

std::vector<ModelCall> Calls::take() {
  std::vector<ModelCall> out;
  while (!fresh_.empty() && in_flight_ < in_flight_max_) {
    Open& open = open_.find(fresh_.front())->second;
    fresh_.pop_front();
    open.given = true;
    ++in_flight_;
    out.push_back(std::move(open.call));
  }
  return out;
}

Calls::Closed Calls::close(uint64_t id) {
  const auto found = open_.find(id);
  if (found == open_.end() || !found->second.given) return {};
  Closed out{.key = std::move(found->second.key), .waiting = std::move(found->second.waiting)};
  by_key_.erase(out.key);
  open_.erase(found);
  --in_flight_;
  return out;
}

}  // namespace modelyard::pipeline
