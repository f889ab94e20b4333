// SPDX-License-Identifier: Apache-2.0
#include "http/sse.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace modelyard::http {

Status SseParser::feed(std::string_view bytes) {
  if (position_ > 0) {
    buffer_.erase(0, position_);
    scanned_ -= position_;
    position_ = 0;
  }
  // One network read more than an event may be is accepted here; next() takes the complete events out of it.
  if (buffer_.size() + event_.data.size() > bytes_max_)
    return fail(ErrorCode::kResourceExhausted, fmt::format("an event is longer than {} bytes", bytes_max_));
  buffer_.append(bytes);
  return {};
}

std::optional<SseEvent> SseParser::next() {
  while (true) {
    const size_t end = buffer_.find_first_of("\r\n", scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    // CR LF is one line end, and the LF may still be on its way: the line counts now, and a LF that comes next is
    // dropped.
    if (end == position_ && buffer_[end] == '\n' && skip_line_feed_) {
      position_ = scanned_ = end + 1;
      skip_line_feed_ = false;
      continue;
    }
    const size_t after = end + 1;
    skip_line_feed_ = buffer_[end] == '\r';
    const std::string_view text(buffer_.data() + position_, end - position_);
    const bool blank = text.empty();
    if (!blank) line(text);
    position_ = scanned_ = after;
    if (!blank) continue;
    if (std::optional<SseEvent> event = dispatch()) return event;
  }
}

void SseParser::line(std::string_view text) {
  if (!std::exchange(started_, true) && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.starts_with(':')) {
    ++comments_;
    return;
  }
  const size_t colon = text.find(':');
  const std::string_view field = text.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) event_.data.push_back('\n');
    event_.data.append(value);
    has_data_ = true;
  } else if (field == "event") {
    event_.name = value.empty() ? "message" : std::string(value);
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = value;
  }
}

std::optional<SseEvent> SseParser::dispatch() {
  std::optional<SseEvent> out;
  if (has_data_) out = event_;
  event_.data.clear();
  event_.name = "message";
  has_data_ = false;
  return out;
}

void SseParser::clear() {
  buffer_.clear();
  position_ = scanned_ = 0;
  started_ = has_data_ = skip_line_feed_ = false;
  event_ = {};
  comments_ = 0;
}

void append_sse_event(std::string& out, std::string_view name, std::string_view data) {
  const auto ends_line = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  if (!name.empty()) {
    out.append("event: ");
    const size_t at = out.size();
    out.append(name);
    std::replace_if(out.begin() + static_cast<std::ptrdiff_t>(at), out.end(), ends_line, ' ');
    out.push_back('\n');
  }
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(data.find_first_of("\r\n", begin), data.size());
    out.append("data: ").append(data.substr(begin, end - begin)).push_back('\n');
    if (end == data.size()) break;
    begin = end + (data.substr(end, 2) == "\r\n" ? 2 : 1);
  }
  out.push_back('\n');
}

void append_sse_comment(std::string& out, std::string_view text) { out.append(":").append(text).append("\n\n"); }

}  // namespace modelyard::http
