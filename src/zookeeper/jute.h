// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Jute, ZooKeeper's encoding of records: big-endian numbers, texts and buffers behind a 32-bit length, vectors behind a
// 32-bit count (org.apache.jute.BinaryInputArchive and BinaryOutputArchive).
namespace modelyard::zookeeper {

// Reads out of bytes that it does not own. The first thing that does not fit makes it bad for good: everything read
// after it is zero or empty, so a record is read whole and judged once.
class JuteReader {
 public:
  explicit JuteReader(std::string_view bytes) : rest_(bytes) {}

  int32_t number32();
  int64_t number64();
  bool boolean();
  // Text or buffer; a length of -1 (Java's null) is empty. A view into the bytes.
  std::string_view text();
  // The count of a vector whose elements take at least bytes_each; a count of -1 is 0. So the memory that a caller
  // reserves is bounded by what has come.
  size_t count(size_t bytes_each);
  std::vector<std::string> texts();

  bool good() const { return good_; }
  // Everything was read, and fitted.
  bool complete() const { return good_ && rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view take(size_t size);
  std::string_view rest_;
  bool good_ = true;
};

// Appends to a string.
class JuteWriter {
 public:
  explicit JuteWriter(std::string& out) : out_(out) {}

  JuteWriter& number32(int32_t value);
  JuteWriter& number64(int64_t value);
  JuteWriter& boolean(bool value);
  JuteWriter& text(std::string_view value);
  JuteWriter& texts(const std::vector<std::string>& values);

 private:
  std::string& out_;
};

// Puts the length of what was appended since `start` into the four bytes there.
void end_packet(std::string& out, size_t start);
// Appends four bytes for the length; end_packet() takes what is returned.
size_t begin_packet(std::string& out);

}  // namespace modelyard::zookeeper
