// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llhttp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/headers.h"

// The framing of HTTP/1.x without a socket: bytes in any pieces go in, a message comes out. Strict: what two
// implementations could read differently (both lengths, bare CR, folded lines) is refused.
namespace modelyard::http {

// What went wrong with the bytes, as the server's answer tells it: 400, 413, 431, 501, 505.
struct ParseFailure {
  int status = 400;
  std::string text;
};

enum class ParseState {
  kHeader,  // the header is not complete
  kBody,    // the header is, the message is not
  kDone,    // the message is complete; bytes after it were not consumed
  kFailed,  // failure() says why; the connection is of no further use
};

struct ParseLimits {
  size_t header_bytes_max =
      32 << 10;  // the start line and all header lines; apart from them, once more for trailers and chunk lines
  size_t header_count_max = 128;
  size_t body_bytes_max = SIZE_MAX;  // of the body kept
};

// What requests and responses share. The message is written into objects of the caller's, which clears them.
class MessageParser {
 public:
  ParseState state() const { return state_; }
  const ParseFailure& failure() const { return failure_; }
  // Valid once the header is complete.
  bool keep_alive() const { return keep_alive_; }
  bool is_chunked() const { return (parser_.flags & F_CHUNKED) != 0; }
  int minor_version() const { return parser_.http_minor; }
  // The body's declared length; -1 when it has none (chunked, or until the connection closes).
  int64_t content_length() const { return content_length_; }
  // True once any byte of the present message was seen.
  bool begun() const { return begun_; }
  void set_body_bytes_max(size_t bytes) { limits_.body_bytes_max = bytes; }
  // Body bytes taken so far, whether they still lie in the body or were moved away.
  uint64_t body_bytes() const { return body_bytes_; }

 protected:
  MessageParser(llhttp_type type, ParseLimits limits, Headers& headers, std::string& body);
  ~MessageParser() = default;
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  void restart();
  // Returns how many bytes were consumed; less than all only at a pause or failure.
  size_t execute(std::string_view bytes);
  int refuse(int status, std::string text);  // always -1
  void fail_with(int status, std::string text);

  // -1 with refuse() called, 0 to go on, 1 for a message without a body.
  virtual int header_complete() = 0;
  virtual int message_complete() = 0;
  virtual int start_text(std::string_view piece) = 0;

  llhttp_t parser_;
  ParseState state_ = ParseState::kHeader;
  ParseLimits limits_;
  Headers& headers_;
  std::string& body_;
  bool keep_alive_ = false;

 private:
  friend struct Callbacks;
  bool count_header_bytes(size_t bytes);

  llhttp_type type_;
  ParseFailure failure_;
  int64_t content_length_ = -1;
  size_t header_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  bool begun_ = false;
  bool in_value_ = false;
};

// Pauses after the header, so that the server can look at it before it takes the body: call feed() again with the rest.
class RequestParser final : public MessageParser {
 public:
  RequestParser(ParseLimits limits, std::string& target, Headers& headers, std::string& body);
  // For the next message of the connection. Clears what it writes to.
  void reset();
  size_t feed(std::string_view bytes);
  // The request's method, an upper-case name with static life.
  std::string_view method() const;
  bool expects_continue() const { return expects_continue_; }

 private:
  int header_complete() override;
  int message_complete() override;
  int start_text(std::string_view piece) override;

  bool is_folded(std::string_view header_piece);

  std::string& target_;
  bool after_line_feed_ = false;
  bool expects_continue_ = false;
};

// Interim answers (100, 103) are skipped.
class ResponseParser final : public MessageParser {
 public:
  ResponseParser(ParseLimits limits, Headers& headers, std::string& body);
  // head: the answer to HEAD, which has no body whatever its header says.
  void reset(bool head);
  size_t feed(std::string_view bytes);
  // The peer closed. A body that ends with the connection is complete by that; anything else has failed.
  void finish();
  int status() const { return parser_.status_code; }

 private:
  int header_complete() override;
  int message_complete() override;
  int start_text(std::string_view) override { return 0; }

  bool head_ = false;
};

}  // namespace modelyard::http
