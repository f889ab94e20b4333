// SPDX-License-Identifier: Apache-2.0
// The framing alone, its input cut at every position.
#include "http/parser.h"

#include <gtest/gtest.h>

namespace modelyard::http {
namespace {

struct Message {
  std::string target;
  Headers headers;
  std::string body;
};

std::string headers_text(const Headers& headers) {
  std::string out;
  headers.append_to(out);
  return out;
}

// Feeds the pieces one after the other, as a connection does, until the message ends or fails.
template <typename Parser>
size_t feed_pieces(Parser& parser, const std::vector<std::string_view>& pieces) {
  size_t consumed = 0;
  for (std::string_view piece : pieces) {
    // A pause after the header leaves the rest of the piece.
    for (bool again = true; again;) {
      const size_t n = parser.feed(piece);
      consumed += n;
      piece.remove_prefix(n);
      again = n > 0 && !piece.empty() && parser.state() == ParseState::kBody;
    }
    if (parser.state() == ParseState::kDone || parser.state() == ParseState::kFailed) break;
  }
  return consumed;
}

const std::string kRequest =
    "POST /a/b?c=d HTTP/1.1\r\nHost: example\r\nEmpty:\r\nX-Two: 1\r\nx-two:  2 \r\nTransfer-Encoding: chunked\r\n\r\n"
    "4;ext=\"x\"\r\nbody\r\n3\r\n<->\r\n0\r\nTrailer: dropped\r\n\r\n";

TEST(RequestParser, IsTheSameForEveryCut) {
  for (size_t first = 0; first <= kRequest.size(); ++first) {
    for (size_t second = first; second <= std::min(first + 3, kRequest.size()); ++second) {
      Message message;
      RequestParser parser({}, message.target, message.headers, message.body);
      const std::string_view text = kRequest;
      const size_t consumed =
          feed_pieces(parser, {text.substr(0, first), text.substr(first, second - first), text.substr(second), ""});
      ASSERT_EQ(parser.state(), ParseState::kDone) << first << " " << second << " " << parser.failure().text;
      EXPECT_EQ(consumed, kRequest.size());
      EXPECT_EQ(parser.method(), "POST");
      EXPECT_EQ(message.target, "/a/b?c=d");
      EXPECT_EQ(headers_text(message.headers),
                "Host: example\r\nEmpty: \r\nX-Two: 1\r\nx-two: 2\r\nTransfer-Encoding: chunked\r\n")
          << first << " " << second;
      EXPECT_EQ(message.body, "body<->");
      EXPECT_TRUE(parser.keep_alive());
    }
  }
}

TEST(RequestParser, LeavesTheNextMessageAlone) {
  Message message;
  RequestParser parser({}, message.target, message.headers, message.body);
  const std::string two = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
  const size_t first = parser.feed(two);
  EXPECT_EQ(parser.state(), ParseState::kBody) << "paused after the header";
  EXPECT_EQ(parser.feed(""), 0u);
  EXPECT_EQ(parser.state(), ParseState::kDone);
  EXPECT_EQ(first, two.size() / 2);
  parser.reset();
  EXPECT_EQ(message.target, "");
  feed_pieces(parser, {std::string_view(two).substr(first)});
  EXPECT_EQ(message.target, "/2");
}

TEST(RequestParser, PausesBeforeTheBody) {
  Message message;
  RequestParser parser({}, message.target, message.headers, message.body);
  const std::string text = "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc";
  const size_t consumed = parser.feed(text);
  EXPECT_EQ(text.substr(consumed), "abc");
  EXPECT_EQ(parser.state(), ParseState::kBody);
  EXPECT_EQ(parser.content_length(), 3);
  EXPECT_TRUE(parser.expects_continue());
  EXPECT_EQ(parser.feed("abc"), 3u);
  EXPECT_EQ(parser.state(), ParseState::kDone);
}

TEST(RequestParser, BoundsHoldForEveryCut) {
  const std::string text =
      "GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: x\r\nA: " + std::string(200, 'b') + "\r\n\r\n";
  for (size_t cut = 1; cut < text.size(); ++cut) {
    Message message;
    RequestParser parser({.header_bytes_max = 150}, message.target, message.headers, message.body);
    feed_pieces(parser, {std::string_view(text).substr(0, cut), std::string_view(text).substr(cut)});
    ASSERT_EQ(parser.state(), ParseState::kFailed) << cut;
    EXPECT_EQ(parser.failure().status, 431);
  }
}

TEST(RequestParser, TrailersAndChunkExtensionsAreBounded) {
  for (const std::string& tail :
       {"1;" + std::string(5000, 'e') + "\r\nx\r\n0\r\n\r\n", "0\r\nT: " + std::string(5000, 't') + "\r\n\r\n"}) {
    Message message;
    RequestParser parser({.header_bytes_max = 1000}, message.target, message.headers, message.body);
    feed_pieces(parser, {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", tail});
    EXPECT_EQ(parser.state(), ParseState::kFailed);
  }
}

TEST(ResponseParser, IsTheSameForEveryCut) {
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 All right\r\nContent-Type: application/json\r\nContent-Length: "
      "11\r\n\r\n{\"a\":\"b c\"}";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Message message;
    ResponseParser parser({}, message.headers, message.body);
    const size_t consumed =
        feed_pieces(parser, {std::string_view(text).substr(0, cut), std::string_view(text).substr(cut)});
    ASSERT_EQ(parser.state(), ParseState::kDone) << cut << parser.failure().text;
    EXPECT_EQ(consumed, text.size());
    EXPECT_EQ(parser.status(), 200);
    EXPECT_EQ(headers_text(message.headers), "Content-Type: application/json\r\nContent-Length: 11\r\n");
    EXPECT_EQ(message.body, "{\"a\":\"b c\"}");
  }
}

TEST(ResponseParser, AnAnswerToHeadHasNoBody) {
  Message message;
  ResponseParser parser({}, message.headers, message.body);
  parser.reset(true);
  feed_pieces(parser, {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"});
  EXPECT_EQ(parser.state(), ParseState::kDone);
}

TEST(Headers, AreFoundIgnoringCaseAndCannotBreakTheLine) {
  Headers headers;
  headers.add("Content-Type", "text/plain");
  headers.add("Connection", "Keep-Alive, Upgrade");
  headers.add("X", "a\r\nInjected: b");
  EXPECT_EQ(headers.get("content-type"), "text/plain");
  EXPECT_FALSE(headers.get("content"));
  EXPECT_TRUE(headers.has_token("connection", "upgrade"));
  EXPECT_FALSE(headers.has_token("connection", "up"));
  EXPECT_EQ(headers.get("x"), "a  Injected: b");
  headers.set("CONTENT-TYPE", "x");
  EXPECT_EQ(headers.get("Content-Type"), "x");
  EXPECT_EQ(headers.size(), 3u);
}

}  // namespace
}  // namespace modelyard::http
