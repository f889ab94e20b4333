// SPDX-License-Identifier: Apache-2.0
#include "http/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"

namespace modelyard::http {

// llhttp's callbacks: plain functions that find their parser in llhttp_t::data. Trailers arrive by the same callbacks
// as headers, when the state is kBody; they are counted and dropped.
struct Callbacks {
  static MessageParser& of(llhttp_t* parser) { return *static_cast<MessageParser*>(parser->data); }

  static int start_text(llhttp_t* parser, const char* at, size_t size) { return of(parser).start_text({at, size}); }

  static int field(llhttp_t* parser, const char* at, size_t size) {
    MessageParser& self = of(parser);
    if (self.state_ != ParseState::kHeader) return self.count_header_bytes(size) ? 0 : -1;
    if (self.in_value_ || self.headers_.empty()) {
      self.in_value_ = false;
      if (self.headers_.size() >= self.limits_.header_count_max)
        return self.refuse(431, fmt::format("more than {} header lines", self.limits_.header_count_max));
      self.headers_.begin_field();
    }
    self.headers_.append_name({at, size});
    return 0;
  }

  static int value(llhttp_t* parser, const char* at, size_t size) {
    MessageParser& self = of(parser);
    if (self.state_ != ParseState::kHeader) return self.count_header_bytes(size) ? 0 : -1;
    if (self.headers_.empty()) return self.refuse(400, "a header value without a name");
    self.in_value_ = true;
    self.headers_.append_value({at, size});
    return 0;
  }

  static int value_complete(llhttp_t* parser) {
    MessageParser& self = of(parser);
    self.in_value_ = true;  // an empty value has no piece
    if (self.state_ == ParseState::kHeader && !self.headers_.empty()) self.headers_.end_value();
    return 0;
  }

  static int extension(llhttp_t* parser, const char*, size_t size) {
    return of(parser).count_header_bytes(size) ? 0 : -1;
  }

  static int header_complete(llhttp_t* parser) {
    MessageParser& self = of(parser);
    if (parser->http_major != 1) return self.refuse(505, "only HTTP/1.x is spoken");
    // A header that came in one piece was not counted yet.
    if (self.headers_.bytes() > self.limits_.header_bytes_max)
      return self.refuse(431, fmt::format("more than {} bytes of header", self.limits_.header_bytes_max));
    self.keep_alive_ = llhttp_should_keep_alive(parser) != 0;
    if ((parser->flags & F_CONTENT_LENGTH) != 0) {
      if (parser->content_length > static_cast<uint64_t>(INT64_MAX))
        return self.refuse(413, "the content-length is absurd");
      self.content_length_ = static_cast<int64_t>(parser->content_length);
    }
    return self.header_complete();
  }

  static int body(llhttp_t* parser, const char* at, size_t size) {
    MessageParser& self = of(parser);
    if (size > self.limits_.body_bytes_max - std::min<uint64_t>(self.body_bytes_, self.limits_.body_bytes_max))
      return self.refuse(413, fmt::format("the body is longer than {} bytes", self.limits_.body_bytes_max));
    self.body_bytes_ += size;
    self.body_.append(at, size);
    return 0;
  }

  static int message_complete(llhttp_t* parser) { return of(parser).message_complete(); }

  static const llhttp_settings_t* settings() {
    static const llhttp_settings_t settings = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_url = start_text;
      s.on_header_field = field;
      s.on_header_value = value;
      s.on_header_value_complete = value_complete;
      s.on_chunk_extension_name = extension;
      s.on_chunk_extension_value = extension;
      s.on_headers_complete = header_complete;
      s.on_body = body;
      s.on_message_complete = message_complete;
      return s;
    }();
    return &settings;
  }
};

MessageParser::MessageParser(llhttp_type type, ParseLimits limits, Headers& headers, std::string& body)
    : limits_(limits), headers_(headers), body_(body), type_(type) {
  restart();
}

void MessageParser::restart() {
  llhttp_init(&parser_, type_, Callbacks::settings());
  parser_.data = this;
  state_ = ParseState::kHeader;
  keep_alive_ = false;
  content_length_ = -1;
  header_bytes_ = 0;
  body_bytes_ = 0;
  begun_ = in_value_ = false;
  headers_.clear();
  body_.clear();
}

int MessageParser::refuse(int status, std::string text) {
  failure_ = {status, std::move(text)};
  return -1;
}

void MessageParser::fail_with(int status, std::string text) {
  refuse(status, std::move(text));
  state_ = ParseState::kFailed;
}

bool MessageParser::count_header_bytes(size_t bytes) {
  header_bytes_ += bytes;
  if (header_bytes_ <= limits_.header_bytes_max) return true;
  refuse(431, fmt::format("more than {} bytes of header", limits_.header_bytes_max));
  return false;
}

size_t MessageParser::execute(std::string_view bytes) {
  if (state_ == ParseState::kFailed || state_ == ParseState::kDone) return 0;
  if (llhttp_get_errno(&parser_) == HPE_PAUSED) llhttp_resume(&parser_);
  const bool in_header = state_ == ParseState::kHeader;
  begun_ = begun_ || !bytes.empty();
  failure_.text.clear();
  const char* data = bytes.empty() ? "" : bytes.data();
  const llhttp_errno_t error = llhttp_execute(&parser_, data, bytes.size());
  size_t consumed = bytes.size();
  if (error != HPE_OK) {
    const char* at = llhttp_get_error_pos(&parser_);
    consumed = at == nullptr ? 0 : std::min(bytes.size(), static_cast<size_t>(at - data));
  }
  if (error == HPE_OK || error == HPE_PAUSED) {
    if (!in_header) return consumed;
    // Counted here, a piece at a time: llhttp tells of names and values but not of what lies between them.
    if (state_ == ParseState::kHeader && !count_header_bytes(bytes.size())) state_ = ParseState::kFailed;
    if (state_ == ParseState::kHeader) return consumed;
    if (state_ != ParseState::kFailed) header_bytes_ = 0;
    return consumed;
  }
  state_ = ParseState::kFailed;
  if (failure_.text.empty()) {
    const char* reason = llhttp_get_error_reason(&parser_);
    refuse(400, reason != nullptr && *reason != '\0' ? reason : llhttp_errno_name(error));
  }
  return consumed;
}

RequestParser::RequestParser(ParseLimits limits, std::string& target, Headers& headers, std::string& body)
    : MessageParser(HTTP_REQUEST, limits, headers, body), target_(target) {
  target_.clear();
}

void RequestParser::reset() {
  restart();
  target_.clear();
  expects_continue_ = after_line_feed_ = false;
}

size_t RequestParser::feed(std::string_view bytes) {
  const bool in_header = state_ == ParseState::kHeader;
  const size_t consumed = execute(bytes);
  if (in_header && state_ != ParseState::kFailed && is_folded(bytes.substr(0, consumed)))
    fail_with(400, "a header line goes on in the next line");
  return consumed;
}

// llhttp joins folded lines, which other readers of the same bytes may not (RFC 9112 section 5.2).
bool RequestParser::is_folded(std::string_view piece) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (piece.empty()) return false;
  if (after_line_feed_ && is_blank(piece[0])) return true;
  for (size_t at = piece.find('\n'); at != std::string_view::npos && at + 1 < piece.size();
       at = piece.find('\n', at + 1)) {
    if (is_blank(piece[at + 1])) return true;
  }
  after_line_feed_ = piece.back() == '\n';
  return false;
}

std::string_view RequestParser::method() const {
  return llhttp_method_name(static_cast<llhttp_method_t>(parser_.method));
}

int RequestParser::start_text(std::string_view piece) {
  if (target_.size() + piece.size() > limits_.header_bytes_max)
    return refuse(414, fmt::format("the target is longer than {} bytes", limits_.header_bytes_max));
  target_.append(piece);
  return 0;
}

int RequestParser::header_complete() {
  if (parser_.method == HTTP_CONNECT) return refuse(501, "CONNECT is not served");
  // An offer to switch protocols may be ignored (RFC 9110 section 7.8); Java's client makes one with each first
  // request.
  parser_.upgrade = 0;
  // RFC 9112 section 3.2: exactly one Host in HTTP/1.1.
  size_t hosts = 0;
  for (size_t i = 0; i < headers_.size(); ++i) hosts += equal_ignoring_case_ascii(headers_[i].name, "host");
  if (hosts > 1 || (hosts == 0 && parser_.http_minor >= 1))
    return refuse(400, "HTTP/1.1 needs exactly one Host header");
  expects_continue_ = parser_.http_minor >= 1 && headers_.has_token("expect", "100-continue");
  state_ = ParseState::kBody;
  return HPE_PAUSED;
}

int RequestParser::message_complete() {
  state_ = ParseState::kDone;
  return HPE_PAUSED;
}

ResponseParser::ResponseParser(ParseLimits limits, Headers& headers, std::string& body)
    : MessageParser(HTTP_RESPONSE, limits, headers, body) {}

void ResponseParser::reset(bool head) {
  restart();
  head_ = head;
}

size_t ResponseParser::feed(std::string_view bytes) { return execute(bytes); }

int ResponseParser::header_complete() {
  if (parser_.status_code == 101) return refuse(502, "the server switched protocols without being asked");
  parser_.upgrade = 0;
  state_ = ParseState::kBody;
  return head_ ? 1 : 0;
}

int ResponseParser::message_complete() {
  if (parser_.status_code >= 100 && parser_.status_code < 200) {
    headers_.clear();
    state_ = ParseState::kHeader;
    return 0;
  }
  keep_alive_ = llhttp_should_keep_alive(&parser_) != 0;
  state_ = ParseState::kDone;
  return HPE_PAUSED;
}

void ResponseParser::finish() {
  if (state_ == ParseState::kFailed || state_ == ParseState::kDone) return;
  if (state_ == ParseState::kBody) {
    if (llhttp_get_errno(&parser_) == HPE_PAUSED) llhttp_resume(&parser_);
    const llhttp_errno_t error = llhttp_finish(&parser_);
    keep_alive_ = false;
    if ((error == HPE_OK || error == HPE_PAUSED) && state_ == ParseState::kDone) return;
  }
  fail_with(502, begun() ? "the connection closed in the middle of the answer"
                         : "the connection closed before an answer came");
}

}  // namespace modelyard::http
