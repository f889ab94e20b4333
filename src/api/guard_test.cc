// SPDX-License-Identifier: Apache-2.0
#include "api/guard.h"

#include <gtest/gtest.h>

namespace modelyard::api {
namespace {

struct Row {
  std::string name;
  std::string listen = "127.0.0.1";
  std::string token;
  std::string method = "GET";
  std::string target = "/api/v1/models";
  std::vector<std::pair<std::string, std::string>> headers;
  int status = 0;  // 0 = may pass
};
class Guarded : public testing::TestWithParam<Row> {};

TEST_P(Guarded, Answers) {
  const Row& row = GetParam();
  http::Request request = http::RequestBuilder::make(row.method, row.target);
  request.headers.clear();
  request.peer.is_unix = false;
  for (const auto& [name, value] : row.headers) request.headers.add(name, value);
  const auto answer = make_guard(
      {.listen_host = row.listen, .host_names = {"node1", "node1.example.org"}, .token = row.token})(request);
  EXPECT_EQ(answer ? answer->status : 0, row.status) << (answer ? answer->body : "");
}

const std::pair<std::string, std::string> kLocal{"host", "127.0.0.1:8800"};
const std::pair<std::string, std::string> kNode{"host", "node1:8800"};

INSTANTIATE_TEST_SUITE_P(
    Table, Guarded,
    testing::Values(
        Row{.name = "own_address", .headers = {kLocal}}, Row{.name = "localhost", .headers = {{"host", "LocalHost:1"}}},
        Row{.name = "ipv6_loopback", .headers = {{"host", "[::1]:8800"}}},
        Row{.name = "rebound_name", .headers = {{"host", "evil.example:8800"}}, .status = 403},
        Row{.name = "name_like_ours", .headers = {{"host", "127.0.0.1.evil.example"}}, .status = 403},
        Row{.name = "other_address_on_loopback", .headers = {{"host", "10.0.0.1:8800"}}, .status = 403},
        Row{.name = "no_host", .headers = {}, .status = 403},
        Row{.name = "same_origin", .headers = {kLocal, {"origin", "http://127.0.0.1:8800"}}},
        Row{.name = "other_origin", .headers = {kLocal, {"origin", "http://evil.example"}}, .status = 403},
        Row{.name = "other_port", .headers = {kLocal, {"origin", "http://127.0.0.1:9999"}}, .status = 403},
        Row{.name = "null_origin", .headers = {kLocal, {"origin", "null"}}, .status = 403},
        Row{.name = "other_origin_posts",
            .method = "POST",
            .headers = {kLocal, {"origin", "https://evil.example"}},
            .status = 403},
        Row{.name = "cross_site_image",
            .headers = {kLocal, {"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "no-cors"}},
            .status = 403},
        Row{.name = "cross_site_link",
            .target = "/",
            .headers = {kLocal, {"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}}},
        Row{.name = "listener_name",
            .listen = "node1",
            .token = "s3",
            .headers = {kNode, {"authorization", "Bearer s3"}}},
        Row{.name = "any_address_literal",
            .listen = "0.0.0.0",
            .token = "s3",
            .headers = {{"host", "10.0.0.1:1"}, {"authorization", "bearer s3"}}},
        Row{.name = "foreign_name",
            .listen = "0.0.0.0",
            .token = "s3",
            .headers = {{"host", "x.example"}, {"authorization", "Bearer s3"}},
            .status = 403},
        Row{.name = "no_token", .listen = "0.0.0.0", .token = "s3", .headers = {kNode}, .status = 401},
        Row{.name = "wrong_token",
            .listen = "0.0.0.0",
            .token = "s3",
            .headers = {kNode, {"authorization", "Bearer s4"}},
            .status = 401},
        Row{.name = "token_prefix",
            .listen = "0.0.0.0",
            .token = "s3",
            .headers = {kNode, {"authorization", "Bearer s"}},
            .status = 401},
        Row{.name = "basic_token",
            .listen = "0.0.0.0",
            .token = "s3",
            .headers = {kNode, {"authorization", "Basic s3"}},
            .status = 401},
        Row{.name = "health_is_open", .listen = "0.0.0.0", .token = "s3", .target = "/healthz", .headers = {kNode}},
        Row{.name = "console_is_open",
            .listen = "0.0.0.0",
            .token = "s3",
            .target = "/console/app.js",
            .headers = {kNode}},
        Row{.name = "metrics_are_not",
            .listen = "0.0.0.0",
            .token = "s3",
            .target = "/metrics",
            .headers = {kNode},
            .status = 401},
        Row{.name = "gateway_is_not",
            .listen = "0.0.0.0",
            .token = "s3",
            .target = "/models/dga/apply",
            .headers = {kNode},
            .status = 401}),
    [](const auto& row) { return row.param.name; });

TEST(Guarded, AUnixSocketIsGuardedByItsFileMode) {
  http::Request request = http::RequestBuilder::make("GET", "/api/v1/models");
  request.headers.clear();
  request.peer.is_unix = true;
  EXPECT_FALSE(make_guard({.listen_host = "127.0.0.1", .token = "s3"})(request));
}

TEST(Loopback, Hosts) {
  for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1", "a.localhost"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "node1", "127.0.0.1.evil.example", ""})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

}  // namespace
}  // namespace modelyard::api
