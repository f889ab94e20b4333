// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway.h"

#include <gtest/gtest.h>

#include "client/model_client.h"
#include "http/client.h"
#include "http/testing/raw_peer.h"

namespace modelyard::gateway {
namespace {

using http::testing::RawPeer;
using http::testing::RawServer;

struct Row {
  std::string name;
  std::string request;   // of the client
  std::string received;  // start of what the model got; "" = nothing
  std::string answer;    // of the model; "" = it closes, "never" = it does not answer
  std::string status;
  std::string body_part;
};
class Gateway : public ::testing::TestWithParam<Row> {};

TEST_P(Gateway, PassesCallsThrough) {
  const Row& row = GetParam();
  http::testing::Noted noted;
  std::promise<void> over;
  auto until = over.get_future().share();
  RawServer model([&](RawPeer& peer, int) {
    noted.set(peer.read_message());
    if (row.answer == "never") return until.wait();
    peer.send(row.answer);
  });
  http::Router router;
  // One loop for server, client and directory.
  http::testing::ServerThread server(router);
  http::Client http(server.loop());
  client::Directory directory(system_clock(), Random(1));
  client::ModelClient client(directory, http, system_clock());
  io::Loop test_loop;
  {
    std::promise<void> ready;
    server.loop().post([&] {
      registry::Endpoint e;
      e.id = "i-1";
      e.name = "dga";
      e.url = model.url("/m");
      e.functions = {{"apply", "/v1/score"}, {"apply fast", "fast"}};
      e.version = "9.0";
      registry::Endpoint newer = e;
      newer.id = "i-2";
      newer.version = "10.0";
      newer.url = model.url("/new");
      directory.replace(registry::make_snapshot({e, newer}, {}, 1, 1, true));
      add_routes(router, client, {.deadline = milliseconds(100)});
      ready.set_value();
    });
    ready.get_future().wait();
  }
  RawPeer peer = RawPeer::connect(server.port());
  peer.send(row.request);
  const std::string answer = peer.read_message();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + row.status)) << answer;
  EXPECT_NE(answer.find(row.body_part), std::string::npos) << answer;
  over.set_value();
  server.stop(seconds(5));
  std::promise<void> cleared;
  server.loop().post([&] {
    http.close_idle();
    cleared.set_value();
  });
  cleared.get_future().wait();
  const std::string received = noted.get();
  EXPECT_TRUE(received.starts_with(row.received)) << received;
  if (row.received.empty()) EXPECT_EQ(received, "");
}

std::string ok(std::string_view body, std::string_view type = "application/json") {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Gateway,
    ::testing::Values(
        Row{"alias_of_the_greatest", "GET /models/dga/apply?host=a%00b+c&x HTTP/1.1\r\nHost: g\r\n\r\n",
            "GET /new/v1/score?host=a%00b+c&x HTTP/1.1\r\n", ok("{\"a\":1}"), "200", "\r\n\r\n{\"a\":1}"},
        Row{"version", "GET /models/dga/versions/9.0/apply HTTP/1.1\r\nHost: g\r\n\r\n", "GET /m/v1/score HTTP/1.1\r\n",
            ok("{}"), "200", "x-model-instance: i-1\r\n"},
        Row{"encoded_alias", "GET /models/d%67a/apply%20fast HTTP/1.1\r\nHost: g\r\n\r\n", "GET /new/fast HTTP/1.1\r\n",
            ok("{}"), "200", "{}"},
        Row{"path", "GET /models/dga/other/p%2Fq%3F?x=1 HTTP/1.1\r\nHost: g\r\n\r\n",
            "GET /new/other/p%2Fq%3F?x=1 HTTP/1.1\r\n", ok("{}"), "200", "{}"},
        Row{"post",
            "POST /models/dga/apply?k=v HTTP/1.1\r\nHost: g\r\nContent-Type: text/csv\r\nContent-Length: 3\r\n\r\n1,2",
            "POST /new/v1/score?k=v HTTP/1.1\r\n", ok("1,2,3", "text/csv"), "200", "content-type: text/csv\r\n"},
        Row{"any_body_passes", "GET /models/dga/apply HTTP/1.1\r\nHost: g\r\n\r\n", "GET ", ok("plain", "text/plain"),
            "200", "\r\n\r\nplain"},
        Row{"unknown_model", "GET /models/other/apply HTTP/1.1\r\nHost: g\r\n\r\n", "", "", "404",
            "\"code\":\"not_found\""},
        Row{"unknown_version", "GET /models/dga/versions/1/apply HTTP/1.1\r\nHost: g\r\n\r\n", "", "", "404",
            "version 1 of dga"},
        Row{"status_500", "GET /models/dga/apply HTTP/1.1\r\nHost: g\r\n\r\n", "GET ",
            "HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\noops", "502", "500: oops"},
        Row{"status_404_of_the_model", "GET /models/dga/apply HTTP/1.1\r\nHost: g\r\n\r\n", "GET ",
            "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", "502", "answered 404"},
        Row{"closes", "GET /models/dga/apply HTTP/1.1\r\nHost: g\r\n\r\n", "GET ", "", "502",
            "\"code\":\"unavailable\""},
        Row{"rubbish", "GET /models/dga/apply HTTP/1.1\r\nHost: g\r\n\r\n", "GET ", "?\r\n\r\n", "502",
            "\"code\":\"protocol\""},
        Row{"never", "GET /models/dga/apply HTTP/1.1\r\nHost: g\r\n\r\n", "GET ", "never", "504",
            "\"code\":\"deadline\""},
        Row{"other_method", "DELETE /models/dga/apply HTTP/1.1\r\nHost: g\r\n\r\n", "", "", "405",
            "allow: GET, POST, HEAD\r\n"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace modelyard::gateway
