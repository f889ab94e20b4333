// SPDX-License-Identifier: Apache-2.0
#include "hadoop/security/writable.h"

namespace modelyard::hadoop {
namespace {

Error cut_off() { return Error(ErrorCode::kProtocol, "the bytes end too early"); }

}  // namespace

void append_vint(std::string& out, int64_t value) {
  if (value >= -112 && value <= 127) {
    out.push_back(static_cast<char>(value));
    return;
  }
  const bool negative = value < 0;
  const auto bits = static_cast<uint64_t>(negative ? ~value : value);
  int size = 8;
  while (bits >> (8 * (size - 1)) == 0) --size;
  out.push_back(static_cast<char>(negative ? -120 - size : -112 - size));
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(bits >> (8 * i) & 0xff));
}

void append_writable(std::string& out, std::string_view bytes) {
  append_vint(out, static_cast<int64_t>(bytes.size()));
  out.append(bytes);
}

Result<int64_t> WritableReader::read_vint() {
  if (rest_.empty()) return fail(cut_off());
  const auto first = static_cast<signed char>(rest_.front());
  rest_.remove_prefix(1);
  if (first >= -112) return first;
  const bool negative = first < -120;
  const auto size = static_cast<size_t>(negative ? -120 - first : -112 - first);
  if (rest_.size() < size) return fail(cut_off());
  uint64_t bits = 0;
  for (const char c : rest_.substr(0, size)) bits = bits << 8 | static_cast<unsigned char>(c);
  rest_.remove_prefix(size);
  return static_cast<int64_t>(negative ? ~bits : bits);
}

Result<std::string> WritableReader::read_bytes() {
  MY_TRY(const int64_t size, read_vint());
  if (size < 0 || static_cast<uint64_t>(size) > rest_.size()) return fail(cut_off());
  std::string out(rest_.substr(0, static_cast<size_t>(size)));
  rest_.remove_prefix(static_cast<size_t>(size));
  return out;
}

Result<size_t> WritableReader::read_count(size_t size_min) {
  MY_TRY(const int64_t count, read_vint());
  if (count < 0 || static_cast<uint64_t>(count) > rest_.size() / size_min) return fail(cut_off());
  return static_cast<size_t>(count);
}

void append_delimited(std::string& out, std::string_view message) {
  size_t size = message.size();
  while (size > 127) {
    out.push_back(static_cast<char>((size & 127) | 128));
    size >>= 7;
  }
  out.push_back(static_cast<char>(size));
  out.append(message);
}

Result<std::string_view> take_delimited(std::string_view& bytes) {
  uint64_t size = 0;
  for (size_t i = 0; i < 5; ++i) {
    if (i == bytes.size()) return fail(cut_off());
    const auto byte = static_cast<unsigned char>(bytes[i]);
    size |= static_cast<uint64_t>(byte & 127) << (7 * i);
    if (byte > 127) continue;
    if (size > bytes.size() - i - 1) return fail(cut_off());
    const std::string_view message = bytes.substr(i + 1, size);
    bytes.remove_prefix(i + 1 + size);
    return message;
  }
  return fail(ErrorCode::kProtocol, "a length is too long");
}

void append_int32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

uint32_t int32_at(std::string_view bytes) {
  uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace modelyard::hadoop
