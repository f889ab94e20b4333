// SPDX-License-Identifier: Apache-2.0
#include "runner/endpoint_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace modelyard::runner {
namespace {

using Functions = std::map<std::string, std::string>;

struct GoodRow {
  std::string name;
  std::string text;
  std::string scheme, host;
  int port;
  bool local;
  Functions functions = {{"apply", "apply"}};
};
class Good : public ::testing::TestWithParam<GoodRow> {};
TEST_P(Good, IsRead) {
  const auto file = parse_endpoint_file(GetParam().text);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->scheme, GetParam().scheme);
  EXPECT_EQ(file->host, GetParam().host);
  EXPECT_EQ(file->port, GetParam().port);
  EXPECT_EQ(file->host_is_local, GetParam().local);
  EXPECT_EQ(file->functions, GetParam().functions);
}
INSTANTIATE_TEST_SUITE_P(
    EndpointFile, Good,
    ::testing::Values(GoodRow{"AsTheContractShows", R"({"url":"http://0.0.0.0:36161","functions":{"apply":"apply"}})",
                              "http", "0.0.0.0", 36161, true},
                      GoodRow{"UrlAlone", R"({"url":"http://localhost:5000"})", "http", "localhost", 5000, true},
                      GoodRow{"UnknownKeys", R"({"pid":1,"url":"http://127.0.0.1:1/","more":{"a":[]}})", "http",
                              "127.0.0.1", 1, true},
                      GoodRow{"NullFunctions", R"({"url":"http://a:1","functions":null})", "http", "a", 1, false},
                      GoodRow{"NoFunctions", R"({"url":"http://a:1","functions":{}})", "http", "a", 1, false},
                      GoodRow{"Aliases",
                              R"({"url":"http://a:1","functions":{"x":"v1/x","y":""}})",
                              "http",
                              "a",
                              1,
                              false,
                              {{"x", "v1/x"}, {"y", ""}}},
                      GoodRow{"DefaultPort", R"({"url":"http://node1/base"})", "http", "node1", 80, false},
                      GoodRow{"Https", R"({"url":"HTTPS://Node1"})", "https", "node1", 443, false},
                      GoodRow{"V6", R"({"url":"http://[::1]:8080/x"})", "http", "::1", 8080, true},
                      GoodRow{"Tcp", R"({"url":"tcp://0.0.0.0:9000"})", "tcp", "0.0.0.0", 9000, true},
                      GoodRow{"NoPortNeeded", R"({"url":"unix:///run/m.sock"})", "unix", "", 0, false},
                      GoodRow{"Blanks", "\n {\"url\" : \"http://a:1\"} \n\n", "http", "a", 1, false}),
    [](const auto& row) { return row.param.name; });

struct BadRow {
  std::string name;
  std::string text;
  std::string why;
};
class Bad : public ::testing::TestWithParam<BadRow> {};
TEST_P(Bad, SaysWhy) {
  const auto file = parse_endpoint_file(GetParam().text);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(file.error().message(), ::testing::HasSubstr(GetParam().why));
}
INSTANTIATE_TEST_SUITE_P(
    EndpointFile, Bad,
    ::testing::Values(
        BadRow{"Empty", " \n", "it is empty"}, BadRow{"Half", R"({"url":"http://0.0.0.0:36)", "endpoint.dat:1:"},
        BadRow{"Rubbish", "\xff\xfe", "endpoint.dat:1:1"}, BadRow{"Array", "[]", "no JSON object"},
        BadRow{"NoUrl", "{}", "it has no \"url\""}, BadRow{"UrlNumber", R"({"url":1})", "its url must be text"},
        BadRow{"UrlEmpty", R"({"url":""})", "its url is empty"},
        BadRow{"NoScheme", R"({"url":"0.0.0.0:80"})", "is no absolute url"},
        BadRow{"BadScheme", R"({"url":"1x://a"})", "is no absolute url"},
        BadRow{"NoHost", R"({"url":"http://:80"})", "has no host"},
        BadRow{"NoHostAtAll", R"({"url":"http:///x"})", "has no host"},
        BadRow{"TcpNoPort", R"({"url":"tcp://a"})", "has no port"},
        BadRow{"PortEmpty", R"({"url":"http://a:"})", "no port behind ':'"},
        BadRow{"PortHigh", R"({"url":"http://a:65536"})", "port between 1 and 65535"},
        BadRow{"PortZero", R"({"url":"http://a:0"})", "port between 1 and 65535"},
        BadRow{"PortText", R"({"url":"http://a:$PORT"})", "port between 1 and 65535"},
        BadRow{"Blank", R"({"url":"http://a:1/x y"})", "blanks or control"},
        BadRow{"LineEnd", "{\"url\":\"http://a:1\\r\\nx: y\"}", "blanks or control"},
        BadRow{"Password", R"({"url":"http://u:secret@a:1"})", "user name or password"},
        BadRow{"V6Open", R"({"url":"http://[::1:80"})", "no ']'"},
        BadRow{"FunctionsArray", R"({"url":"http://a:1","functions":["apply"]})", "must be an object"},
        BadRow{"FunctionNumber", R"({"url":"http://a:1","functions":{"a":1}})", "function \"a\" must name a path"},
        BadRow{"Large", "{\"url\":\"" + std::string(70'000, 'x') + "\"}", "larger than 65536"},
        BadRow{"LongUrl", "{\"url\":\"http://a:1/" + std::string(3000, 'x') + "\"}", "longer than 2048"},
        BadRow{"Deep", "{\"url\":" + std::string(5000, '['), "endpoint.dat"}),
    [](const auto& row) { return row.param.name; });

TEST(EndpointFile, APasswordIsNotShown) {
  EXPECT_EQ(parse_endpoint_file(R"({"url":"http://u:secret@a:1"})").error().message().find("secret"),
            std::string::npos);
}

TEST(EndpointFile, TheHostIsReplacedAloneWhateverStandsAroundIt) {
  const auto with = [](const std::string& url, std::string_view host) {
    return url_with_host(*parse_endpoint_file("{\"url\":\"" + url + "\"}"), host);
  };
  EXPECT_EQ(with("http://0.0.0.0:80/a?b=0.0.0.0", "node1"), "http://node1:80/a?b=0.0.0.0");
  EXPECT_EQ(with("http://localhost", "node1"), "http://node1");
  EXPECT_EQ(with("http://[::]:80/x", "127.0.0.1"), "http://127.0.0.1:80/x");
  EXPECT_EQ(with("tcp://0.0.0.0:80", "::1"), "tcp://[::1]:80");
}

}  // namespace
}  // namespace modelyard::runner
