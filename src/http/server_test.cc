// SPDX-License-Identifier: Apache-2.0
// The server as the wire shows it: raw bytes in, raw bytes out.
#include "http/server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "http/client.h"
#include "http/testing/raw_peer.h"
#include "io/socket.h"

namespace modelyard::http {
namespace {

using testing::RawPeer;
using testing::ServerThread;

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

// Of the streams that wait.
struct Shared {
  std::atomic<int> streams_ended = 0;
  std::atomic<int> handlers_running = 0;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
};

Router make_router(Shared& shared) {
  Router router;
  router.add("GET", "/hello", [](Request& request) -> io::Task<Response> {
    co_return Response::text(200, "hello " + std::string(request.query("who").value_or("nobody")));
  });
  router.add("GET", "/models/{name}/{rest...}", [](Request& request) -> io::Task<Response> {
    co_return Response::text(200, std::string(request.parameter("name")) + "|" +
                                      std::string(request.parameter("rest")) + "|" + std::string(request.raw_query()));
  });
  router.add("POST", "/echo",
             [](Request& request) -> io::Task<Response> { co_return Response::text(200, request.body); },
             {.body_bytes_max = 1000});
  router.add("POST", "/count",
             [](Request& request) -> io::Task<Response> {
               uint64_t bytes = 0;
               while (true) {
                 const Result<std::string> piece = co_await request.read_chunk();
                 if (!piece) co_return Response::error(piece.error());
                 if (piece->empty()) break;
                 bytes += piece->size();
               }
               co_return Response::text(200, std::to_string(bytes));
             },
             {.body = BodyMode::kStreamed, .body_bytes_max = size_t{1} << 30});
  router.add("POST", "/ignore", [](Request&) -> io::Task<Response> { co_return Response::text(403, "no"); },
             {.body = BodyMode::kStreamed, .body_bytes_max = size_t{1} << 30});
  router.add("GET", "/chunks", [](Request&) -> io::Task<Response> {
    co_return Response::streamed("text/plain", [](ResponseStream& stream) -> io::Task<void> {
      (void)co_await stream.write("one");
      (void)co_await stream.write("");
      (void)co_await stream.write("three");
    });
  });
  router.add("GET", "/cut", [](Request&) -> io::Task<Response> {
    co_return Response::streamed("text/plain", [](ResponseStream& stream) -> io::Task<void> {
      (void)co_await stream.write("one");
      stream.abort();
    });
  });
  router.add("GET", "/events", [&shared](Request&) -> io::Task<Response> {
    co_return Response::events([&shared](SseStream& stream) -> io::Task<void> {
      struct Count {
        std::atomic<int>& count;
        ~Count() { ++count; }
      } count{shared.streams_ended};
      io::Event never(static_cast<io::Executor>(co_await boost::asio::this_coro::executor));
      stream.heartbeat = milliseconds(5);
      if (!co_await stream.send("snapshot", "{\"a\":1}\nb")) co_return;
      while (co_await stream.wait(never)) {
      }
    });
  });
  router.add("GET", "/endless", [&shared](Request&) -> io::Task<Response> {
    co_return Response::streamed("application/octet-stream", [&shared](ResponseStream& stream) -> io::Task<void> {
      struct Count {
        std::atomic<int>& count;
        ~Count() { ++count; }
      } count{shared.streams_ended};
      const std::string block(1 << 20, 'x');
      while (co_await stream.write(block)) {
      }
    });
  });
  router.add("GET", "/slow", [&shared](Request&) -> io::Task<Response> {
    ++shared.handlers_running;
    while (shared.released.wait_for(seconds(0)) != std::future_status::ready) co_await io::sleep_for(milliseconds(1));
    co_return Response::text(200, "at last");
  });
  router.add("GET", "/throws", [](Request&) -> io::Task<Response> {
    throw std::runtime_error("a mistake");
    co_return Response::empty();
  });
  router.add("GET", "/refused", [](Request&) -> io::Task<Response> {
    co_return Response::error(Error(ErrorCode::kNotFound, "no \"model\""));
  });
  return router;
}

std::string body_of(const std::string& answer) {
  return answer.substr(std::min(answer.find("\r\n\r\n") + 4, answer.size()));
}

struct WireRow {
  std::string name;
  std::string request;
  std::string expected_start;
  std::string expected_end;  // the connection closes after it; "" = any
};

class Wire : public ::testing::TestWithParam<WireRow> {};

// Each request is sent whole and byte by byte; the client says it will send no more, so the server closes when it is
// done.
TEST_P(Wire, IsAnswered) {
  const WireRow& row = GetParam();
  Shared shared;
  const Router router = make_router(shared);
  ServerThread server(router);
  for (const bool byte_by_byte : {false, true}) {
    RawPeer peer = RawPeer::connect(server.port());
    if (byte_by_byte) {
      for (const char c : row.request) {
        if (!peer.send(std::string_view(&c, 1))) break;
      }
    } else {
      peer.send(row.request);
    }
    ::shutdown(peer.fd(), SHUT_WR);
    const std::string answer = peer.read_all();
    EXPECT_TRUE(answer.starts_with(row.expected_start)) << answer;
    EXPECT_TRUE(answer.ends_with(row.expected_end)) << answer;
  }
}

const std::string kHost = "Host: x\r\n";

INSTANTIATE_TEST_SUITE_P(
    Rows, Wire,
    ::testing::Values(
        WireRow{"get", "GET /hello?who=a+b%21 HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 200 OK\r\n",
                "\r\n\r\nhello a b!"},
        WireRow{"parameters", "GET /models/a%20b/c/d%2Fe?x=%00&y HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 200",
                "a b|c/d/e|x=%00&y"},
        WireRow{"absolute_target", "GET http://x/hello HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 200", "hello nobody"},
        WireRow{"head", "HEAD /hello HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 200", "content-length: 12\r\n\r\n"},
        WireRow{"http10_closes", "GET /hello HTTP/1.0\r\n\r\n", "HTTP/1.1 200",
                "connection: close\r\n\r\nhello nobody"},
        WireRow{"http10_keep_alive", "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200",
                "connection: keep-alive\r\n\r\nhello nobody"},
        WireRow{"asked_to_close", "GET /hello HTTP/1.1\r\nConnection: close\r\n" + kHost + "\r\nGET /hello",
                "HTTP/1.1 200", "connection: close\r\n\r\nhello nobody"},
        WireRow{"upgrade_is_ignored",
                "GET /hello HTTP/1.1\r\n" + kHost +
                    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n",
                "HTTP/1.1 200", "hello nobody"},
        WireRow{"post", "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\n\r\nabc", "HTTP/1.1 200",
                "\r\n\r\nabc"},
        WireRow{"post_chunked",
                "POST /echo HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
                "HTTP/1.1 200", "\r\n\r\nabc"},
        WireRow{"post_streamed",
                "POST /count HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
                "HTTP/1.1 200", "\r\n\r\n3"},
        WireRow{"post_streamed_empty", "POST /count HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 200", "\r\n\r\n0"},
        WireRow{"bad_chunk_streamed", "POST /count HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                "HTTP/1.1 502", "}}\n"},
        WireRow{"too_long", "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 1001\r\n\r\n", "HTTP/1.1 413", "}}\n"},
        WireRow{"too_long_chunked",
                "POST /echo HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" +
                    std::string(1001, 'x') + "\r\n0\r\n\r\n",
                "HTTP/1.1 413", "}}\n"},
        WireRow{"pipelined",
                "GET /hello?who=1 HTTP/1.1\r\n" + kHost + "\r\nPOST /echo HTTP/1.1\r\n" + kHost +
                    "Content-Length: 1\r\n\r\n2GET /hello?who=3 HTTP/1.1\r\n" + kHost + "\r\n",
                "HTTP/1.1 200", "hello 3"},
        WireRow{"chunked_answer", "GET /chunks HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 200",
                "transfer-encoding: chunked\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"},
        WireRow{"streamed_answer_to_http10", "GET /chunks HTTP/1.0\r\n\r\n", "HTTP/1.1 200",
                "connection: close\r\n\r\nonethree"},
        WireRow{"cut_answer", "GET /cut HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 200", "\r\n\r\n3\r\none\r\n"},
        WireRow{"not_found", "GET /nowhere HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 404",
                "{\"error\":{\"code\":\"not_found\",\"message\":\"there is nothing at /nowhere\"}}\n"},
        WireRow{"not_allowed", "DELETE /echo HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 405", "}}\n"},
        WireRow{"error_of_handler", "GET /refused HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 404",
                "{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"model\\\"\"}}\n"},
        WireRow{"handler_throws", "GET /throws HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 500", "}}\n"},
        WireRow{"rubbish", "what is this\r\n\r\n", "HTTP/1.1 400", "}}\n"},
        WireRow{"tls_hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), "HTTP/1.1 400", "}}\n"},
        WireRow{"http2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 ", "}}\n"},
        WireRow{"no_host", "GET /hello HTTP/1.1\r\n\r\n", "HTTP/1.1 400", "}}\n"},
        WireRow{"two_hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400", "}}\n"},
        WireRow{"two_lengths", "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "HTTP/1.1 400", "}}\n"},
        WireRow{"length_and_chunked",
                "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 400", "}}\n"},
        WireRow{"chunked_not_last",
                "POST /echo HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "HTTP/1.1 400",
                "}}\n"},
        WireRow{"negative_length", "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: -1\r\n\r\n", "HTTP/1.1 400",
                "}}\n"},
        WireRow{"blank_before_colon", "GET /hello HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP/1.1 400", "}}\n"},
        WireRow{"bare_cr", "GET /hello HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", "HTTP/1.1 400", "}}\n"},
        WireRow{"folded_line", "GET /hello HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\n\r\n", "HTTP/1.1 400", "}}\n"},
        WireRow{"nul_in_value", std::string("GET /hello HTTP/1.1\r\nHost: x\0y\r\n\r\n", 34), "HTTP/1.1 400", "}}\n"},
        WireRow{"connect", "CONNECT x:1 HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 501", "}}\n"},
        WireRow{"closed_in_header", "GET /hello HTTP/1.1\r\nHo", "", ""},
        WireRow{"closed_in_body", "POST /echo HTTP/1.1\r\n" + kHost + "Content-Length: 10\r\n\r\nab", "", ""},
        WireRow{"long_target", "GET /" + std::string(40000, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n", "HTTP/1.1 4",
                "}}\n"},
        WireRow{"long_header", "GET /hello HTTP/1.1\r\n" + kHost + "X: " + std::string(40000, 'a') + "\r\n\r\n",
                "HTTP/1.1 431", "}}\n"},
        WireRow{"many_headers",
                "GET /hello HTTP/1.1\r\n" + kHost +
                    [] {
                      std::string lines;
                      for (int i = 0; i < 200; ++i) lines += "a: b\r\n";
                      return lines;
                    }() +
                    "\r\n",
                "HTTP/1.1 431", "}}\n"}),
    [](const auto& row) { return row.param.name; });

TEST(Server, AnswersExpectContinueOnlyWhenTheBodyIsWanted) {
  Shared shared;
  const Router router = make_router(shared);
  ServerThread server(router);
  RawPeer peer = RawPeer::connect(server.port());
  peer.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("ok");
  EXPECT_EQ(body_of(peer.read_message()), "ok");
  peer.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
  EXPECT_TRUE(peer.read_message().starts_with("HTTP/1.1 413"));
}

TEST(Server, AGuardAnswersBeforeTheHandlerAndTheBody) {
  Shared shared;
  const Router router = make_router(shared);
  ServerOptions options;
  options.guard = [](const Request& request) -> std::optional<Response> {
    EXPECT_TRUE(request.peer.is_loopback);
    if (request.headers.get("Origin")) return Response::error(403, "permission_denied", "another site's page");
    return std::nullopt;
  };
  ServerThread server(router, options);
  RawPeer peer = RawPeer::connect(server.port());
  peer.send("GET /hello HTTP/1.1\r\nHost: x\r\norigin: http://evil\r\n\r\n");
  EXPECT_TRUE(peer.read_message().starts_with("HTTP/1.1 403"));
  peer.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(peer.read_message().starts_with("HTTP/1.1 200"));
  peer.send("POST /echo HTTP/1.1\r\nHost: x\r\nOrigin: http://evil\r\nContent-Length: 1000000\r\n\r\nabc");
  EXPECT_TRUE(peer.read_message().starts_with("HTTP/1.1 403"));
}

TEST(Server, ARefusedUploadStillSeesItsAnswer) {
  Shared shared;
  const Router router = make_router(shared);
  ServerThread server(router);
  RawPeer peer = RawPeer::connect(server.port());
  peer.send("POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n");
  EXPECT_TRUE(peer.send(std::string(20000000, 'x'))) << "read on for a while, not reset";
  EXPECT_TRUE(peer.read_message().starts_with("HTTP/1.1 403"));
}

struct TimeRow {
  std::string name;
  std::string sent;
  std::string answer_start;
};
class Timeouts : public ::testing::TestWithParam<TimeRow> {};

TEST_P(Timeouts, CloseTheConnection) {
  Shared shared;
  const Router router = make_router(shared);
  ServerOptions options;
  options.header_timeout = options.idle_timeout = options.body_timeout = options.write_timeout = milliseconds(30);
  ServerThread server(router, options);
  RawPeer peer = RawPeer::connect(server.port());
  peer.send(GetParam().sent);
  const std::string answer = peer.read_all();
  EXPECT_TRUE(answer.starts_with(GetParam().answer_start)) << answer;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Timeouts,
    ::testing::Values(
        TimeRow{"silent", "", ""}, TimeRow{"half_a_header", "GET /hello HTTP/1.1\r\nHo", "HTTP/1.1 408"},
        TimeRow{"half_a_body", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab", "HTTP/1.1 408"},
        TimeRow{"half_a_stream", "POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab", "HTTP/1.1 504"},
        TimeRow{"idle_after_one", "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"}),
    [](const auto& row) { return row.param.name; });

TEST(Server, AClientThatDoesNotReadIsGivenUp) {
  Shared shared;
  const Router router = make_router(shared);
  ServerOptions options;
  options.write_timeout = milliseconds(50);
  ServerThread server(router, options);
  RawPeer peer = RawPeer::connect(server.port());
  peer.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
  while (shared.streams_ended == 0) std::this_thread::yield();
  EXPECT_EQ(shared.streams_ended, 1);
}

TEST(Server, AStreamLearnsThatItsClientLeft) {
  Shared shared;
  const Router router = make_router(shared);
  ServerThread server(router);
  RawPeer peer = RawPeer::connect(server.port());
  peer.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(peer.read_until(":\n\n").find("event: snapshot\ndata: {\"a\":1}\ndata: b\n\n"), std::string::npos);
  peer.close();
  while (shared.streams_ended == 0) std::this_thread::yield();
}

TEST(Server, StopEndsStreamsAndIdleConnectionsAtOnceAndWaitsForRequests) {
  Shared shared;
  const Router router = make_router(shared);
  ServerThread server(router);
  RawPeer idle = RawPeer::connect(server.port());
  RawPeer events = RawPeer::connect(server.port());
  RawPeer slow = RawPeer::connect(server.port());
  events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  events.read_until("data: b\n\n");
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  while (shared.handlers_running == 0) std::this_thread::yield();
  std::thread stopper([&] { EXPECT_LT(server.stop(seconds(20)), seconds(10)); });
  EXPECT_TRUE(idle.is_closed());
  events.read_all();
  EXPECT_EQ(shared.streams_ended, 1);
  shared.release.set_value();
  const std::string answer = slow.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_TRUE(answer.ends_with("connection: close\r\n\r\nat last")) << answer;
  stopper.join();
  EXPECT_EQ(server.server().connections(), 0u);
}

TEST(Server, StopCutsWhatOutlivesTheDeadline) {
  Shared shared;
  const Router router = make_router(shared);
  ServerThread server(router);
  RawPeer slow = RawPeer::connect(server.port());
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  while (shared.handlers_running == 0) std::this_thread::yield();
  EXPECT_LT(server.stop(milliseconds(20)), seconds(5));
  EXPECT_EQ(slow.read_all(), "");
}

TEST(Server, ThePortCanBeBoundAgainAtOnceButNotTwice) {
  const Router router;
  ServerOptions options;
  {
    ServerThread first(router);
    options.port = first.port();
    io::Loop loop;
    Server second(loop, router, options);
    const Status status = second.start();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), ErrorCode::kConflict);
    EXPECT_NE(status.error().message().find(std::to_string(options.port)), std::string::npos)
        << status.error().message();
    RawPeer left_in_time_wait = RawPeer::connect(options.port);
    left_in_time_wait.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    left_in_time_wait.read_message();
  }
  ServerThread again(router, options);
  EXPECT_TRUE(again.started());
}

TEST(Server, SharedPortsServeFromSeveralLoops) {
  Shared shared;
  const Router router = make_router(shared);
  ServerOptions options;
  options.share_port = true;
  ServerThread first(router, options);
  options.port = first.port();
  ServerThread second(router, options);
  ASSERT_TRUE(second.started());
  for (int i = 0; i < 20; ++i) {
    RawPeer peer = RawPeer::connect(options.port);
    peer.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(peer.read_message().starts_with("HTTP/1.1 200"));
  }
}

TEST(Server, ConnectionsAboveTheBoundWait) {
  Shared shared;
  const Router router = make_router(shared);
  ServerOptions options;
  options.connections_max = 1;
  ServerThread server(router, options);
  RawPeer first = RawPeer::connect(server.port());
  first.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  first.read_message();
  RawPeer second = RawPeer::connect(server.port());
  second.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  first.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(first.read_message().starts_with("HTTP/1.1 200"));
  first.close();
  EXPECT_TRUE(second.read_message().starts_with("HTTP/1.1 200"));
}

TEST(Server, UnixSocketsAreForTheOwnerAndStaleOnesReplaced) {
  const auto folder = io::TemporaryFolder::make("modelyard-http").value();
  Shared shared;
  const Router router = make_router(shared);
  // The second is longer than a socket's address can hold.
  const std::string long_name(60, 'd');
  for (const auto& path : {folder.path() / "s.sock", folder.path() / long_name / long_name / "s.sock"}) {
    ASSERT_TRUE(io::make_folder(path.parent_path()));
    ServerOptions options;
    options.unix_path = path;
    {
      // A process that died leaves its socket file.
      auto stale = std::make_unique<io::Loop>();
      Server abandoned(*stale, router, options);
      ASSERT_TRUE(io::listen_unix(path));
    }
    ServerThread server(router, options);
    ASSERT_TRUE(server.started()) << server.started().error().message();
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
    io::Loop loop;
    Server second(loop, router, options);
    const Status status = second.start();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code(), ErrorCode::kConflict);
    Client client(loop);
    ClientRequest request;
    request.origin = Origin::unix_socket(path.string());
    request.target = "/hello?who=unix";
    const auto got = io::run_blocking(loop, client.fetch(request, in(seconds(5))));
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->body, "hello unix");
    server.stop(seconds(1));
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

}  // namespace
}  // namespace modelyard::http
