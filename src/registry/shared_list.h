// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

namespace modelyard::registry {

// A list in the order of its members' keys, of which copies share what they do not differ in: a copy and one change of
// a list of 10,000 cost a few microseconds. Members lie in chunks; a copy takes the chunks over, a change makes one
// chunk anew. A member is immutable once it stands in a list; a list is a value, and one that several threads read must
// not be changed (as every container). KeyOf{}(member) is a string_view of something that lies in the member.
template <typename T, typename KeyOf>
class SharedList {
 public:
  using value_type = T;
  using Pointer = std::shared_ptr<const T>;

  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    const_iterator() = default;
    reference operator*() const { return *list_->chunks_[chunk_]->at(at_); }
    pointer operator->() const { return list_->chunks_[chunk_]->at(at_).get(); }
    const_iterator& operator++() {
      if (++at_ >= list_->chunks_[chunk_]->size()) {
        ++chunk_;
        at_ = 0;
      }
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const const_iterator&) const = default;

   private:
    friend class SharedList;
    const_iterator(const SharedList* list, size_t chunk, size_t at) : list_(list), chunk_(chunk), at_(at) {}
    const SharedList* list_ = nullptr;
    size_t chunk_ = 0;
    size_t at_ = 0;
  };
  using iterator = const_iterator;

  const_iterator begin() const { return {this, 0, 0}; }
  const_iterator end() const { return {this, chunks_.size(), 0}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  const_iterator find(std::string_view key) const {
    const auto [chunk, at, present] = place(key);
    return present ? const_iterator{this, chunk, at} : end();
  }
  bool contains(std::string_view key) const { return find(key) != end(); }

  // In the place of the member with the same key, if there is one.
  void put(Pointer member) {
    const auto [chunk, at, present] = place(KeyOf{}(*member));
    if (chunk == chunks_.size()) {
      if (chunks_.empty() || chunks_.back()->size() >= kChunk) {
        chunks_.push_back(std::make_shared<const Chunk>(Chunk{std::move(member)}));
      } else {
        edit(chunk - 1, [&](Chunk& made) { made.push_back(std::move(member)); });
      }
      ++size_;
      return;
    }
    const size_t index = at;
    const bool replace = present;
    edit(chunk, [&](Chunk& made) {
      if (replace) {
        made[index] = std::move(member);
      } else {
        made.insert(made.begin() + static_cast<std::ptrdiff_t>(index), std::move(member));
      }
    });
    if (!present) ++size_;
    if (chunks_[chunk]->size() > kChunk) cut(chunk);
  }
  void put(T member) { put(std::make_shared<const T>(std::move(member))); }

  bool erase(std::string_view key) {
    const auto [chunk, at, present] = place(key);
    if (!present) return false;
    if (chunks_[chunk]->size() == 1) {
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(chunk));
    } else {
      const size_t index = at;
      edit(chunk, [&](Chunk& made) { made.erase(made.begin() + static_cast<std::ptrdiff_t>(index)); });
    }
    --size_;
    return true;
  }

  bool operator==(const SharedList& other) const {
    if (size_ != other.size_) return false;
    const_iterator a = begin();
    const_iterator b = other.begin();
    for (; a != end(); ++a, ++b) {
      if (&*a != &*b && !(*a == *b)) return false;
    }
    return true;
  }

 private:
  using Chunk = std::vector<Pointer>;
  static constexpr size_t kChunk = 128;

  struct Place {
    size_t chunk;  // chunks_.size(): behind all
    size_t at;
    bool present;
  };
  Place place(std::string_view key) const {
    const auto chunk =
        std::lower_bound(chunks_.begin(), chunks_.end(), key,
                         [](const auto& one, std::string_view wanted) { return KeyOf{}(*one->back()) < wanted; });
    if (chunk == chunks_.end()) return {chunks_.size(), 0, false};
    const Chunk& in = **chunk;
    const auto at = std::lower_bound(
        in.begin(), in.end(), key, [](const Pointer& one, std::string_view wanted) { return KeyOf{}(*one) < wanted; });
    return {static_cast<size_t>(chunk - chunks_.begin()), static_cast<size_t>(at - in.begin()), KeyOf{}(**at) == key};
  }
  template <typename Edit>
  void edit(size_t chunk, Edit change) {
    Chunk made;
    made.reserve(chunks_[chunk]->size() + 1);
    made = *chunks_[chunk];
    change(made);
    chunks_[chunk] = std::make_shared<const Chunk>(std::move(made));
  }
  void cut(size_t chunk) {
    const Chunk& full = *chunks_[chunk];
    const auto middle = full.begin() + static_cast<std::ptrdiff_t>(full.size() / 2);
    auto second = std::make_shared<const Chunk>(middle, full.end());
    chunks_[chunk] = std::make_shared<const Chunk>(full.begin(), middle);
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(chunk) + 1, std::move(second));
  }

  std::vector<std::shared_ptr<const Chunk>> chunks_;  // none empty
  size_t size_ = 0;
};

}  // namespace modelyard::registry
