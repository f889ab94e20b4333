// SPDX-License-Identifier: Apache-2.0
#include "pipeline/answer_cache.h"

namespace modelyard::pipeline {

void AnswerCache::drop(std::list<Entry>::iterator entry) {
  bytes_ -= entry->key.size() + entry->json.size();
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

const std::string* AnswerCache::find(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  if (found->second->until < clock_.now()) {
    drop(found->second);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front().json;
}

void AnswerCache::put(const std::string& key, std::string_view json) {
  if (!is_on() || key.size() + json.size() > options_.bytes_max / 16) return;
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  const SteadyTime until = options_.retain.count() == 0 ? SteadyTime::max() : clock_.now() + options_.retain;
  entries_.push_front({key, std::string(json), until});
  by_key_.emplace(entries_.front().key, entries_.begin());
  bytes_ += key.size() + json.size();
  while (entries_.size() > options_.entries_max || bytes_ > options_.bytes_max) drop(std::prev(entries_.end()));
}

}  // namespace modelyard::pipeline
