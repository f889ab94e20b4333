// SPDX-License-Identifier: Apache-2.0
#include "stellar/arena.h"

#include <algorithm>
#include <cstring>

namespace modelyard::stellar {
namespace {
constexpr size_t kFirstBlock = 4096;
constexpr size_t kKeptBlock = size_t{256} << 10;
constexpr size_t kLargestStep = size_t{4} << 20;
}  // namespace

Arena::~Arena() { run_cleanups(); }

void* Arena::allocate_slow(size_t bytes, size_t align) {
  const size_t before = used();
  if (bytes > limit_ || before > limit_ - bytes) throw BoundReached{"memory"};
  const size_t grown = blocks_.empty() ? kFirstBlock : std::min(blocks_.back().size * 2, kLargestStep);
  const size_t size = std::max(grown, bytes + align);
  blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
  filled_ += cursor_ - begin_;
  begin_ = reinterpret_cast<uintptr_t>(blocks_.back().bytes.get());
  end_ = begin_ + size;
  const uintptr_t start = (begin_ + align - 1) & ~(uintptr_t{align} - 1);
  cursor_ = start + bytes;
  return reinterpret_cast<void*>(start);
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* to = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(to, text.data(), text.size());
  return {to, text.size()};
}

void Arena::charge(size_t bytes) {
  if (bytes > limit_ || used() > limit_ - bytes) throw BoundReached{"memory"};
  charged_ += bytes;
}

void Arena::run_cleanups() {
  while (cleanups_ != nullptr) {
    Cleanup* cleanup = cleanups_;
    cleanups_ = cleanup->next;
    cleanup->destroy(cleanup->object);
  }
}

void Arena::reset_slow() {
  run_cleanups();
  // The largest block that is cheap to keep serves the next evaluation alone.
  Block kept{nullptr, 0};
  for (Block& block : blocks_) {
    if (block.size <= kKeptBlock && block.size > kept.size) kept = std::move(block);
  }
  blocks_.clear();
  filled_ = 0;
  charged_ = 0;
  begin_ = reinterpret_cast<uintptr_t>(kept.bytes.get());
  cursor_ = begin_;
  end_ = begin_ + kept.size;
  if (kept.bytes != nullptr) blocks_.push_back(std::move(kept));
}

}  // namespace modelyard::stellar
