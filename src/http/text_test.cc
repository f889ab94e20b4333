// SPDX-License-Identifier: Apache-2.0
// URLs, encodings, server-sent events, routes, error bodies: texts in, texts out.
#include <gtest/gtest.h>

#include "http/message.h"
#include "http/router.h"
#include "http/sse.h"
#include "http/url.h"

namespace modelyard::http {
namespace {

struct UrlRow {
  std::string name;
  std::string text;
  std::string shape;  // authority|port|path|query, or the error's code
};
class Urls : public ::testing::TestWithParam<UrlRow> {};

TEST_P(Urls, AreTakenApartOrRefused) {
  const Result<Url> url = parse_url(GetParam().text);
  const std::string shape =
      url ? url->authority() + "|" + std::to_string(url->port) + "|" + url->path + "|" + url->query
          : std::string(to_string(url.error().code()));
  EXPECT_EQ(shape, GetParam().shape);
}

std::string invalid() { return std::string(to_string(ErrorCode::kInvalidArgument)); }
std::string unsupported() { return std::string(to_string(ErrorCode::kUnsupported)); }

INSTANTIATE_TEST_SUITE_P(
    Rows, Urls,
    ::testing::Values(UrlRow{"plain", "http://node1:50959", "node1:50959|50959|/|"},
                      UrlRow{"port_80", "http://Node1/", "node1|80|/|"},
                      UrlRow{"path_query", "http://h:1/a%20b/c?d=e&f#g", "h:1|1|/a%20b/c|d=e&f"},
                      UrlRow{"query_without_path", "http://h?x", "h|80|/|x"},
                      UrlRow{"v6", "HTTP://[::1]:8080/x", "[::1]:8080|8080|/x|"},
                      UrlRow{"empty_port", "http://h:/x", "h|80|/x|"}, UrlRow{"https", "https://h/", unsupported()},
                      UrlRow{"tcp", "tcp://h:1", unsupported()}, UrlRow{"no_scheme", "h:80/x", invalid()},
                      UrlRow{"empty", "", invalid()}, UrlRow{"no_host", "http:///x", invalid()},
                      UrlRow{"user", "http://u:p@h/", invalid()}, UrlRow{"port_0", "http://h:0/", invalid()},
                      UrlRow{"port_big", "http://h:65536/", invalid()}, UrlRow{"port_word", "http://h:x/", invalid()},
                      UrlRow{"port_sign", "http://h:+1/", invalid()}, UrlRow{"blank", "http://h/a b", invalid()},
                      UrlRow{"line_end", "http://h/a\r\nX: y", invalid()},
                      UrlRow{"open_v6", "http://[::1/x", invalid()}, UrlRow{"bad_v6", "http://[g]/x", invalid()},
                      UrlRow{"bad_host", "http://a<b/", invalid()}),
    [](const auto& row) { return row.param.name; });

TEST(FormEncoding, IsThatOfJavasUrlEncoder) {
  EXPECT_EQ(form_encode("aZ09*-._"), "aZ09*-._");
  EXPECT_EQ(form_encode("a b+c~d&e=f/%"), "a+b%2Bc%7Ed%26e%3Df%2F%25");
  EXPECT_EQ(form_encode("\xC3\xA9"), "%C3%A9");
  EXPECT_EQ(form_encode(std::string_view("\0\n\xff", 3)), "%00%0A%FF");
}

TEST(FormEncoding, EveryByteComesBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(form_decode(form_encode(all)), all);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(parse_query(build_query({{all, all}, {"", ""}})), (QueryPairs{{all, all}, {"", ""}}));
}

TEST(FormEncoding, BrokenEscapesStay) {
  EXPECT_EQ(form_decode("100%"), "100%");
  EXPECT_EQ(form_decode("%zz%4"), "%zz%4");
  EXPECT_EQ(form_decode("%41%4g"), "A%4g");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  EXPECT_EQ(parse_query("&&a&b=&=c&d=e=f"), (QueryPairs{{"a", ""}, {"b", ""}, {"", "c"}, {"d", "e=f"}}));
}

std::string events_text(SseParser& parser) {
  std::string out;
  while (const auto event = parser.next()) out += event->name + "[" + event->data + "]" + event->id + ";";
  return out;
}

struct SseRow {
  std::string name;
  std::string text;
  std::string events;
};
class Sse : public ::testing::TestWithParam<SseRow> {};

TEST_P(Sse, IsTheSameForEveryCut) {
  const SseRow& row = GetParam();
  for (size_t cut = 0; cut <= row.text.size(); ++cut) {
    SseParser parser;
    ASSERT_TRUE(parser.feed(row.text.substr(0, cut)));
    std::string events = events_text(parser);
    ASSERT_TRUE(parser.feed(row.text.substr(cut)));
    events += events_text(parser);
    EXPECT_EQ(events, row.events) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Sse,
    ::testing::Values(SseRow{"named", "event: a\ndata: 1\n\n", "a[1];"}, SseRow{"unnamed", "data:1\n\n", "message[1];"},
                      SseRow{"lines", "data: 1\ndata\ndata:  3\n\n", "message[1\n\n 3];"},
                      SseRow{"crlf", "event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", "a[1];message[2];"},
                      SseRow{"cr", "event: a\rdata: 1\r\rdata: 2\r\r", "a[1];message[2];"},
                      SseRow{"comment", ": hi\n\ndata: 1\n:x\n\n", "message[1];"},
                      SseRow{"id_stays", "id: 7\ndata: 1\n\ndata: 2\n\n", "message[1]7;message[2]7;"},
                      SseRow{"no_data", "event: a\n\ndata: 1\n\n", "message[1];"},
                      SseRow{"unfinished", "data: 1\n", ""},
                      SseRow{"unknown_field", "retry: 5\nfoo: x\ndata: 1\n\n", "message[1];"},
                      SseRow{"byte_order_mark",
                             "\xEF\xBB\xBF"
                             "data: 1\n\n",
                             "message[1];"}),
    [](const auto& row) { return row.param.name; });

TEST(SseWriter, WhatIsWrittenIsRead) {
  for (const std::string& data :
       {std::string("{}"), std::string("a\nb"), std::string(""), std::string("\n"), std::string("a\r\nb\rc")}) {
    std::string text;
    append_sse_event(text, "na\nme", data);
    append_sse_comment(text, "beat");
    SseParser parser;
    ASSERT_TRUE(parser.feed(text));
    const auto event = parser.next();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->name, "na me");
    std::string expected;
    for (size_t i = 0; i < data.size(); ++i) {
      if (data[i] == '\r' && i + 1 < data.size() && data[i + 1] == '\n') continue;
      expected.push_back(data[i] == '\r' ? '\n' : data[i]);
    }
    EXPECT_EQ(event->data, expected);
    EXPECT_FALSE(parser.next());
    EXPECT_EQ(parser.comments(), 1u);
  }
}

TEST(Sse, AnEventIsBounded) {
  SseParser parser(100);
  Status status;
  for (int i = 0; i < 100 && status; ++i) {
    status = parser.feed("data: 0123456789\n");
    (void)parser.next();
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kResourceExhausted);
}

struct RouteRow {
  std::string method;
  std::string target;
  std::string found;
};

TEST(Router, FindsTheMostLiteralRoute) {
  Router router;
  const auto none = [](Request&) -> io::Task<Response> { co_return Response::empty(); };
  for (const std::string_view pattern : {"/a/{x}/c", "/a/b/{y}", "/{all...}", "/", "/a", "/f/{rest...}", "/a/{x}/{y}"})
    router.add("GET", pattern, none);
  router.add("POST", "/a", none);
  const RouteRow rows[] = {
      {"GET", "/", "/"},
      {"GET", "/a", "/a"},
      {"HEAD", "/a", "/a"},
      {"POST", "/a", "/a"},
      {"PUT", "/a", "GET, POST, HEAD"},
      {"GET", "/a/b/c", "/a/b/{y}"},
      {"GET", "/a/z/c", "/a/{x}/c"},
      {"GET", "/a/z/z", "/a/{x}/{y}"},
      {"GET", "/a/", "/{all...}"},
      {"GET", "/f/1/2?q", "/f/{rest...}"},
      {"GET", "/f/", "/{all...}"},
      {"GET", "*", ""},
      {"GET", "/%61", "/{all...}"},
      {"PUT", "/", "GET, HEAD"},
  };
  for (const RouteRow& row : rows) {
    Request request = RequestBuilder::make(row.method, row.target);
    const Router::Match match = router.find(request);
    std::string found = match.allow;
    if (match.route != nullptr) {
      for (const std::string& segment : match.route->segments) found += "/" + segment;
    }
    EXPECT_EQ(found, row.found) << row.method << " " << row.target;
  }
}

TEST(ErrorBodies, SurviveTheWire) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const Error error(static_cast<ErrorCode>(code), "text \"with\" quotes\n");
    const Response response = Response::error(error);
    const Error back = error_of(response.status, response.body);
    EXPECT_EQ(back.code(), error.code()) << api_code(error.code());
    EXPECT_EQ(back.message(), error.message());
  }
  EXPECT_EQ(error_of(502, "<html>\nBad").code(), ErrorCode::kProtocol);
  EXPECT_EQ(error_of(502, "<html>\nBad").message(), "the server answered 502: <html>");
  EXPECT_EQ(error_of(413, "{\"error\":7}").code(), ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace modelyard::http
