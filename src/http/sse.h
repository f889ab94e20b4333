// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace modelyard::http {

struct SseEvent {
  std::string name = "message";
  std::string data;
  std::string id;
};

// Server-sent events (WHATWG HTML, "Server-sent events") taken from bytes that arrive in any pieces. Feed, then take
// events until there are none. Confined to its owner; reusable after clear().
class SseParser {
 public:
  explicit SseParser(size_t event_bytes_max = size_t{64} << 20) : bytes_max_(event_bytes_max) {}

  // kResourceExhausted when one event (or one line) grows over the bound; the parser is of no use afterwards until
  // clear().
  Status feed(std::string_view bytes);
  // The next complete event, oldest first. Comments give no event, but see comments().
  std::optional<SseEvent> next();
  // How many comment lines came: heartbeats.
  uint64_t comments() const { return comments_; }
  void clear();

 private:
  void line(std::string_view text);
  std::optional<SseEvent> dispatch();

  size_t bytes_max_;
  std::string buffer_;  // bytes not yet taken, from position_ on
  size_t position_ = 0;
  size_t scanned_ = 0;  // no line end before this one
  bool started_ = false;
  bool has_data_ = false;
  bool skip_line_feed_ = false;
  SseEvent event_;
  uint64_t comments_ = 0;
};

// Appends one event; each line of data gets its own field. Line ends inside the name become spaces.
void append_sse_event(std::string& out, std::string_view name, std::string_view data);
// ":text\n\n"
void append_sse_comment(std::string& out, std::string_view text);

}  // namespace modelyard::http
