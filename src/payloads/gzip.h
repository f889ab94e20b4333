// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "payloads/tar.h"

namespace modelyard::payloads {

// Bytes as gzip (RFC 1952), quick rather than small, without a time or a name in it: the same bytes give the same
// archive. Not thread-safe.
class GzipReader {
 public:
  explicit GzipReader(ByteSource source);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  // The next bytes; empty = the end. The view lives until the next call.
  Result<std::string_view> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace modelyard::payloads
