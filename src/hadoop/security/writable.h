// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

// The two ways in which Hadoop writes lengths before bytes: WritableUtils' vint (token files) and protocol buffers'
// varint ("delimited", token files of version 1 and RPC).
namespace modelyard::hadoop {

void append_vint(std::string& out, int64_t value);
// vint of the length, then the bytes.
void append_writable(std::string& out, std::string_view bytes);

// Reads from bytes that outlive it. Every error is kProtocol.
class WritableReader {
 public:
  explicit WritableReader(std::string_view bytes) : rest_(bytes) {}
  Result<int64_t> read_vint();
  Result<std::string> read_bytes();
  // A number of elements that are `size_min` bytes long at least: never more than the rest can hold.
  Result<size_t> read_count(size_t size_min);
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// varint of the length, then the bytes.
void append_delimited(std::string& out, std::string_view message);
// Takes one such message off the front. kProtocol: there is none, or it is cut off.
Result<std::string_view> take_delimited(std::string_view& bytes);

// 32 bits, most significant byte first.
void append_int32(std::string& out, uint32_t value);
uint32_t int32_at(std::string_view bytes);  // of the first four

}  // namespace modelyard::hadoop
