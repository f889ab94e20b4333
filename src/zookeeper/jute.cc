// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/jute.h"

#include <cstring>

#include "base/assert.h"

namespace modelyard::zookeeper {
namespace {

template <typename Unsigned>
Unsigned from_big_endian(std::string_view bytes) {
  Unsigned value = 0;
  for (const char c : bytes) value = static_cast<Unsigned>(value << 8 | static_cast<unsigned char>(c));
  return value;
}

template <typename Unsigned>
void append_big_endian(std::string& out, Unsigned value) {
  char bytes[sizeof value];
  for (size_t i = sizeof value; i-- > 0; value = static_cast<Unsigned>(value >> 8))
    bytes[i] = static_cast<char>(value & 0xff);
  out.append(bytes, sizeof bytes);
}

}  // namespace

std::string_view JuteReader::take(size_t size) {
  if (size > rest_.size()) {
    good_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return out;
}

int32_t JuteReader::number32() { return static_cast<int32_t>(from_big_endian<uint32_t>(take(4))); }
int64_t JuteReader::number64() { return static_cast<int64_t>(from_big_endian<uint64_t>(take(8))); }
bool JuteReader::boolean() { return from_big_endian<uint8_t>(take(1)) != 0; }

std::string_view JuteReader::text() {
  const int32_t size = number32();
  if (size == -1) return {};
  return take(static_cast<uint32_t>(size));  // any other negative length is larger than everything
}

size_t JuteReader::count(size_t bytes_each) {
  const int32_t count = number32();
  if (count == -1) return 0;
  if (static_cast<uint32_t>(count) > rest_.size() / bytes_each) {
    take(rest_.size() + 1);
    return 0;
  }
  return static_cast<size_t>(count);
}

std::vector<std::string> JuteReader::texts() {
  std::vector<std::string> out(count(4));
  for (std::string& each : out) each = text();
  return out;
}

JuteWriter& JuteWriter::number32(int32_t value) {
  append_big_endian(out_, static_cast<uint32_t>(value));
  return *this;
}

JuteWriter& JuteWriter::number64(int64_t value) {
  append_big_endian(out_, static_cast<uint64_t>(value));
  return *this;
}

JuteWriter& JuteWriter::boolean(bool value) {
  out_.push_back(value ? '\1' : '\0');
  return *this;
}

JuteWriter& JuteWriter::text(std::string_view value) {
  number32(static_cast<int32_t>(value.size()));
  out_.append(value);
  return *this;
}

JuteWriter& JuteWriter::texts(const std::vector<std::string>& values) {
  number32(static_cast<int32_t>(values.size()));
  for (const std::string& value : values) text(value);
  return *this;
}

size_t begin_packet(std::string& out) {
  out.append(4, '\0');
  return out.size() - 4;
}

void end_packet(std::string& out, size_t start) {
  MY_ASSERT(out.size() >= start + 4);
  std::string length;
  append_big_endian(length, static_cast<uint32_t>(out.size() - start - 4));
  std::memcpy(out.data() + start, length.data(), length.size());
}

}  // namespace modelyard::zookeeper
