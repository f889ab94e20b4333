// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace modelyard::pipeline {

// Answers of models that are used again, for sensors whose cacheConfig asks for it: the least recently used goes when
// there are too many, each goes a while after it came. Confined to one thread.
class AnswerCache {
 public:
  struct Options {
    size_t entries_max = 0;               // 0 = keeps nothing
    milliseconds retain{0};               // 0 = without end
    size_t bytes_max = size_t{64} << 20;  // of keys and answers
  };
  AnswerCache(const Options& options, const Clock& clock) : options_(options), clock_(clock) {}

  bool is_on() const { return options_.entries_max > 0; }
  // The answer to the call of this key; nullptr when there is none. Good until the next put().
  const std::string* find(const std::string& key);
  void put(const std::string& key, std::string_view json);

 private:
  struct Entry {
    std::string key;
    std::string json;
    SteadyTime until;
  };
  void drop(std::list<Entry>::iterator entry);

  const Options options_;
  const Clock& clock_;
  size_t bytes_ = 0;
  std::list<Entry> entries_;                                                        // most recently used first
  boost::unordered_flat_map<std::string_view, std::list<Entry>::iterator> by_key_;  // views of the entries' keys
};

}  // namespace modelyard::pipeline
