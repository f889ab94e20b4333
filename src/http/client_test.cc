// SPDX-License-Identifier: Apache-2.0
// The client against servers that behave in every way a server can.
#include "http/client.h"

#include <gtest/gtest.h>

#include "http/testing/raw_peer.h"

namespace modelyard::http {
namespace {

using testing::RawPeer;
using testing::RawServer;

SteadyTime in(milliseconds time) { return system_clock().now() + time; }

ClientRequest get(uint16_t port, std::string target = "/") {
  ClientRequest request;
  request.origin = Origin::tcp("127.0.0.1", port);
  request.target = std::move(target);
  return request;
}

Result<ClientResponse> fetch_once(ClientRequest request, milliseconds patience = seconds(5),
                                  ClientOptions options = {}) {
  io::Loop loop;
  Client client(loop, options);
  return io::run_blocking(loop, client.fetch(std::move(request), in(patience)));
}

struct AnswerRow {
  std::string name;
  std::string answer;  // after which the server closes
  int status;          // 0: an error
  std::string body;    // or the error's code
};

class Answers : public ::testing::TestWithParam<AnswerRow> {};

TEST_P(Answers, AreUnderstoodOrRefused) {
  const AnswerRow& row = GetParam();
  for (const bool byte_by_byte : {false, true}) {
    RawServer server([&](RawPeer& peer, int) {
      peer.read_message();
      if (!byte_by_byte) {
        peer.send(row.answer);
        return;
      }
      for (const char c : row.answer) {
        if (!peer.send(std::string_view(&c, 1))) return;
      }
    });
    ClientOptions options;
    options.header_bytes_max = 8 << 10;
    options.body_bytes_max = 64 << 10;
    const Result<ClientResponse> got = fetch_once(get(server.port()), seconds(5), options);
    if (row.status == 0) {
      ASSERT_FALSE(got);
      EXPECT_EQ(to_string(got.error().code()), row.body) << got.error().message();
      EXPECT_NE(got.error().message().find(std::to_string(server.port())), std::string::npos)
          << "the message names the server";
    } else {
      ASSERT_TRUE(got) << got.error().message();
      EXPECT_EQ(got->status, row.status);
      EXPECT_EQ(got->body, row.body);
    }
  }
}

std::string unavailable() { return std::string(to_string(ErrorCode::kUnavailable)); }
std::string protocol() { return std::string(to_string(ErrorCode::kProtocol)); }
std::string exhausted() { return std::string(to_string(ErrorCode::kResourceExhausted)); }

INSTANTIATE_TEST_SUITE_P(
    Rows, Answers,
    ::testing::Values(
        AnswerRow{"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"},
        AnswerRow{"empty", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
        AnswerRow{"until_close", "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it"},
        AnswerRow{
            "chunked",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
            200, "abcde"},
        AnswerRow{"no_reason", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", 200, "x"},
        AnswerRow{"interim",
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
                  "OK\r\nContent-Length: 1\r\n\r\ny",
                  200, "y"},
        AnswerRow{"status_500", "HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\nwrong", 500, "wrong"},
        AnswerRow{"rubbish", "I am no web server\n\n\n", 0, protocol()},
        AnswerRow{"ssh", "SSH-2.0-OpenSSH_9.2\r\n", 0, protocol()}, AnswerRow{"nothing", "", 0, unavailable()},
        AnswerRow{"closed_in_header", "HTTP/1.1 200 OK\r\nContent-", 0, unavailable()},
        AnswerRow{"closed_in_body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 0, unavailable()},
        AnswerRow{"closed_in_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 0, unavailable()},
        AnswerRow{"no_last_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 0,
                  unavailable()},
        AnswerRow{"bad_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", 0, protocol()},
        AnswerRow{"two_lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 0, protocol()},
        AnswerRow{"bad_length", "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nab", 0, protocol()},
        AnswerRow{"switched", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 0, protocol()},
        AnswerRow{"huge_header", "HTTP/1.1 200 OK\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", 0, exhausted()},
        AnswerRow{"many_headers",
                  "HTTP/1.1 200 OK\r\n" +
                      [] {
                        std::string lines;
                        for (int i = 0; i < 1000; ++i) lines += "a: b\r\n";
                        return lines;
                      }() +
                      "\r\n",
                  0, exhausted()},
        AnswerRow{"huge_body", "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + std::string(70000, 'x'), 0,
                  exhausted()},
        AnswerRow{"huge_chunked",
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + std::string(70000, 'x') +
                      "\r\n0\r\n\r\n",
                  0, exhausted()}),
    [](const auto& row) { return row.param.name; });

TEST(Client, AConnectionIsUsedAgain) {
  RawServer server([](RawPeer& peer, int) {
    for (int i = 0; i < 3; ++i) {
      if (peer.read_message().empty()) return;
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(i));
    }
  });
  io::Loop loop;
  Client client(loop);
  io::run_blocking(loop, [](Client& c, uint16_t port) -> io::Task<void> {
    for (int i = 0; i < 3; ++i) {
      const auto got = co_await c.fetch(get(port), in(seconds(5)));
      EXPECT_TRUE(got);
      if (got) EXPECT_EQ(got->body, std::to_string(i));
    }
    EXPECT_EQ(c.open_connections(), 1u);
    EXPECT_EQ(c.idle_connections(), 1u);
  }(client, server.port()));
  EXPECT_EQ(server.connections(), 1);
}

struct RetryRow {
  std::string name;
  std::string method;
  bool reset;
  bool succeeds;
};
class StaleConnection : public ::testing::TestWithParam<RetryRow> {};

// The server takes the second request of a kept connection and closes without a word: it may have been closing all
// along.
TEST_P(StaleConnection, IsReplacedOnceForIdempotentRequests) {
  const RetryRow& row = GetParam();
  RawServer server([&](RawPeer& peer, int) {
    peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    peer.read_message();
    if (row.reset) peer.reset_connection();
  });
  io::Loop loop;
  Client client(loop);
  io::run_blocking(loop, [](Client& c, uint16_t port, const RetryRow& r) -> io::Task<void> {
    auto first = co_await c.fetch(get(port), in(seconds(5)));
    EXPECT_TRUE(first);
    ClientRequest request = get(port);
    request.method = r.method;
    const auto second = co_await c.fetch(std::move(request), in(seconds(5)));
    EXPECT_EQ(second.has_value(), r.succeeds);
    if (!second) EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable) << second.error().message();
  }(client, server.port(), row));
  EXPECT_EQ(server.connections(), row.succeeds ? 2 : 1);
}

INSTANTIATE_TEST_SUITE_P(Rows, StaleConnection,
                         ::testing::Values(RetryRow{"get_closed", "GET", false, true},
                                           RetryRow{"get_reset", "GET", true, true},
                                           RetryRow{"delete_closed", "DELETE", false, true},
                                           RetryRow{"post_closed", "POST", false, false}),
                         [](const auto& row) { return row.param.name; });

TEST(Client, AConnectionClosedWhileItRestedIsNotUsed) {
  std::atomic<bool> closed = false;
  RawServer server([&](RawPeer& peer, int number) {
    peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    peer.close();
    if (number == 0) closed = true;
  });
  io::Loop loop;
  Client client(loop);
  io::run_blocking(loop, [](Client& c, uint16_t port, std::atomic<bool>& gone) -> io::Task<void> {
    EXPECT_TRUE(co_await c.fetch(get(port), in(seconds(5))));
    const SteadyTime patience = in(seconds(10));
    while (!gone && in(milliseconds(0)) < patience) co_await io::sleep_for(milliseconds(1));
    ClientRequest request = get(port);
    request.method = "POST";
    EXPECT_TRUE(co_await c.fetch(std::move(request), in(seconds(5))))
        << "a POST cannot be repeated, so it must not meet a dead connection";
  }(client, server.port(), closed));
}

TEST(Client, DeadlineEndsAFetchThatGetsNoAnswer) {
  std::promise<void> over;
  auto until = over.get_future().share();
  RawServer server([&](RawPeer& peer, int) {
    peer.read_message();
    until.wait();
  });
  const SteadyTime begin = system_clock().now();
  const auto got = fetch_once(get(server.port()), milliseconds(50));
  over.set_value();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::kDeadline);
  EXPECT_LT(system_clock().now() - begin, seconds(2));
}

TEST(Client, DeadlineHoldsAgainstAServerThatDrips) {
  RawServer server([&](RawPeer& peer, int) {
    peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (peer.send("x")) std::this_thread::sleep_for(milliseconds(2));
  });
  const auto got = fetch_once(get(server.port()), milliseconds(100));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::kDeadline);
}

TEST(Client, DeadlinesOfOneConnectionDoNotDisturbEachOther) {
  RawServer server([](RawPeer& peer, int) {
    while (!peer.read_message().empty()) peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  io::Loop loop;
  Client client(loop);
  io::run_blocking(loop, [](Client& c, uint16_t port) -> io::Task<void> {
    // Late, early, late: the timer stands where the first put it, then earlier, and fires for none of them.
    for (const int patience : {10000, 30, 10000, 20, 5000}) {
      EXPECT_TRUE(co_await c.fetch(get(port), in(milliseconds(patience))));
      co_await io::sleep_for(milliseconds(patience < 100 ? patience + 10 : 0));
    }
    EXPECT_EQ(c.open_connections(), 1u);
  }(client, server.port()));
}

TEST(Client, RefusedAndUnknownAreUnavailable) {
  uint16_t free_port = 0;
  {
    RawServer gone([](RawPeer&, int) {});
    free_port = gone.port();
  }
  EXPECT_EQ(fetch_once(get(free_port)).error().code(), ErrorCode::kUnavailable);
  ClientRequest request;
  request.origin = Origin::tcp("no-such-host.invalid", 80);
  const auto unknown = fetch_once(request);
  EXPECT_EQ(unknown.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(unknown.error().message().find("no-such-host.invalid"), std::string::npos);
  request.origin = Origin::unix_socket("/nonexistent/socket");
  EXPECT_EQ(fetch_once(request).error().code(), ErrorCode::kUnavailable);
}

TEST(Client, WhatCannotBeSentIsRefused) {
  for (const std::string_view target : {"", "no-slash", "/a b", "/a\r\nX: y"}) {
    EXPECT_EQ(fetch_once(get(1, std::string(target))).error().code(), ErrorCode::kInvalidArgument) << target;
  }
  ClientRequest request = get(1);
  request.method = "GET /x";
  EXPECT_EQ(fetch_once(request).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(fetch_once(ClientRequest{}).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Client, ConnectionsToAnOriginAreBoundedAndWaitedFor) {
  std::atomic<int> served = 0;
  RawServer server([&](RawPeer& peer, int) {
    while (!peer.read_message().empty()) {
      ++served;
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
  });
  io::Loop loop;
  ClientOptions options;
  options.connections_per_origin_max = 1;
  Client client(loop, options);
  io::run_blocking(loop, [](io::Loop& l, Client& c, uint16_t port) -> io::Task<void> {
    io::Scope scope(l.executor());
    for (int i = 0; i < 20; ++i) {
      scope.spawn([](Client& cc, uint16_t p) -> io::Task<void> {
        EXPECT_TRUE(co_await cc.fetch(get(p), in(seconds(5))));
      }(c, port));
    }
    co_await scope.join();
    EXPECT_EQ(c.open_connections(), 1u);
  }(loop, client, server.port()));
  EXPECT_EQ(served, 20);
  EXPECT_EQ(server.connections(), 1);
}

TEST(Client, AWaitForAConnectionEndsWithTheDeadline) {
  std::promise<void> over;
  auto until = over.get_future().share();
  RawServer server([&](RawPeer& peer, int) {
    peer.read_message();
    until.wait();
  });
  io::Loop loop;
  ClientOptions options;
  options.connections_per_origin_max = 1;
  Client client(loop, options);
  io::run_blocking(loop, [](io::Loop& l, Client& c, uint16_t port) -> io::Task<void> {
    io::Scope scope(l.executor());
    scope.spawn(
        [](Client& cc, uint16_t p) -> io::Task<void> { (void)co_await cc.fetch(get(p), in(seconds(60))); }(c, port));
    const SteadyTime patience = in(seconds(10));
    while (c.open_connections() == 0 && in(milliseconds(0)) < patience) co_await io::sleep_for(milliseconds(1));
    EXPECT_EQ(c.open_connections(), 1u) << "the first fetch has the one connection";
    const auto second = co_await c.fetch(get(port), in(milliseconds(30)));
    EXPECT_FALSE(second);
    if (!second) EXPECT_EQ(second.error().code(), ErrorCode::kDeadline);
    co_await scope.stop();
    EXPECT_EQ(c.open_connections(), 0u) << "a cancelled fetch closes its connection";
  }(loop, client, server.port()));
  over.set_value();
}

TEST(Client, StreamsAnAnswerAndUploadsFromASource) {
  RawServer server([](RawPeer& peer, int) {
    const std::string head = peer.read_until("\r\n\r\n");
    EXPECT_NE(head.find("transfer-encoding: chunked"), std::string::npos);
    EXPECT_EQ(peer.read_until("0\r\n\r\n"), "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n");
    peer.send("1\r\nz\r\n0\r\n\r\n");
  });
  io::Loop loop;
  Client client(loop);
  io::run_blocking(loop, [](Client& c, uint16_t port) -> io::Task<void> {
    ClientRequest request = get(port);
    request.method = "POST";
    int step = 0;
    request.body_source = [&step]() -> io::Task<Result<std::string>> {
      static const std::string kPieces[] = {"abc", "de", ""};
      co_return kPieces[step++];
    };
    auto stream = co_await c.open_stream(std::move(request), in(seconds(5)));
    EXPECT_TRUE(stream);
    if (!stream) co_return;
    EXPECT_EQ((co_await (*stream)->read_all(in(seconds(5)))).value_or("?"), "xyz");
    stream->reset();
    EXPECT_EQ(c.idle_connections(), 1u) << "a body read to its end leaves the connection usable";
  }(client, server.port()));
}

TEST(Client, AnEarlyRefusalOfAnUploadIsSeen) {
  RawServer server([](RawPeer& peer, int) {
    peer.read_until("\r\n\r\n");
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    peer.read_all();
  });
  ClientRequest request = get(server.port());
  request.method = "POST";
  uint64_t sent = 0;
  request.body_size = int64_t{1} << 40;
  request.body_source = [&sent]() -> io::Task<Result<std::string>> {
    sent += 65536;
    co_return std::string(65536, 'x');
  };
  const auto got = fetch_once(request, seconds(10));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 413);
  EXPECT_LT(sent, uint64_t{1} << 32);
}

TEST(Client, EventsArriveAndSilenceIsNoticed) {
  std::promise<void> over;
  auto until = over.get_future().share();
  RawServer server([&](RawPeer& peer, int) {
    peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    peer.send("1c\r\nevent: snapshot\ndata: {}\n\n:b\r\n3\r\n\n\nd\r\n9\r\nata: two\n\r\n1\r\n\n\r\n");
    until.wait();
  });
  io::Loop loop;
  Client client(loop);
  io::run_blocking(loop, [](Client& c, uint16_t port) -> io::Task<void> {
    auto stream = co_await c.open_stream(get(port), in(seconds(5)));
    EXPECT_TRUE(stream);
    if (!stream) co_return;
    EventSource events(std::move(*stream));
    const auto first = co_await events.next(seconds(5));
    EXPECT_TRUE(first);
    EXPECT_EQ(first->name, "snapshot");
    const auto second = co_await events.next(seconds(5));
    EXPECT_TRUE(second);
    EXPECT_EQ(second->data, "two");
    const auto third = co_await events.next(milliseconds(20));
    EXPECT_FALSE(third);
    if (!third) EXPECT_EQ(third.error().code(), ErrorCode::kDeadline);
  }(client, server.port()));
  over.set_value();
}

}  // namespace
}  // namespace modelyard::http
