// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace modelyard::stellar {

// A bound was reached inside an allocation or a loop. Thrown inside the module alone: Frame, compile() and the
// json_value.h functions turn it into an error value. `bound` names it, "memory" for instance.
struct BoundReached {
  const char* bound;
};

// Where the strings, lists and maps of evaluations live: a bump allocator that forgets everything at once. Owned by
// whoever keeps the values (a Frame, a message, a REPL session); confined to one thread; reset() ends the life of all
// values in it. Bytes are counted against `limit`, beyond which allocate() throws BoundReached{"memory"}.
class Arena {
 public:
  static constexpr size_t kDefaultLimit = size_t{256} << 20;

  explicit Arena(size_t limit = kDefaultLimit) : limit_(limit) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* allocate(size_t bytes, size_t align = 8) {
    const uintptr_t start = (cursor_ + align - 1) & ~(uintptr_t{align} - 1);
    if (start + bytes <= end_ && start != 0) [[likely]] {
      cursor_ = start + bytes;
      return reinterpret_cast<void*>(start);
    }
    return allocate_slow(bytes, align);
  }
  template <typename T>
  T* allocate_array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count > limit_ / sizeof(T)) throw BoundReached{"memory"};
    return static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
  }
  // An object whose destructor runs at reset().
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    if constexpr (std::is_trivially_destructible_v<T>) {
      return new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
    } else {
      auto* cleanup = static_cast<Cleanup*>(allocate(sizeof(Cleanup)));
      T* object = new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
      *cleanup = {cleanups_, object, [](void* p) { static_cast<T*>(p)->~T(); }};
      cleanups_ = cleanup;
      return object;
    }
  }
  std::string_view copy(std::string_view text);

  // Memory that an object of this arena holds elsewhere, counted against the limit until reset().
  void charge(size_t bytes);
  void set_limit(size_t limit) { limit_ = limit; }
  size_t limit() const { return limit_; }
  size_t used() const { return filled_ + charged_ + (cursor_ - begin_); }

  // Forgets everything; keeps one block of at most 256 KiB, so the next evaluation allocates nothing.
  void reset() {
    if (cleanups_ == nullptr && blocks_.size() <= 1 && charged_ == 0) [[likely]] {
      cursor_ = begin_;
      return;
    }
    reset_slow();
  }

 private:
  struct Cleanup {
    Cleanup* next;
    void* object;
    void (*destroy)(void*);
  };
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    size_t size;
  };
  void* allocate_slow(size_t bytes, size_t align);
  void reset_slow();
  void run_cleanups();

  uintptr_t begin_ = 0;  // of the current block
  uintptr_t cursor_ = 0;
  uintptr_t end_ = 0;
  size_t filled_ = 0;  // bytes in blocks before the current one
  size_t charged_ = 0;
  size_t limit_;
  Cleanup* cleanups_ = nullptr;
  std::vector<Block> blocks_;
};

}  // namespace modelyard::stellar
