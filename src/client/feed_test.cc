// SPDX-License-Identifier: Apache-2.0
// A directory that follows a server, through the server's restarts and lies.
#include "client/feed.h"

#include <gtest/gtest.h>

#include "client/wire.h"
#include "http/testing/raw_peer.h"

namespace modelyard::client {
namespace {

using http::testing::RawPeer;
using http::testing::RawServer;

std::string event(std::string_view name, std::string_view data) {
  return "event: " + std::string(name) + "\ndata: " + std::string(data) + "\n\n";
}

std::string snapshot(int epoch, int revision, bool settled, const std::vector<std::string>& ids) {
  std::string out = "{\"epoch\":" + std::to_string(epoch) + ",\"revision\":" + std::to_string(revision) +
                    ",\"settled\":" + (settled ? "true" : "false") + ",\"endpoints\":[";
  for (const std::string& id : ids)
    out += std::string(out.ends_with('[') ? "" : ",") + R"({"id":")" + id +
           R"(","name":"m","version":"1","url":"http://h:1/)" + id + R"(","host":"h","functions":{"apply":"apply"}})";
  return event("snapshot", out + "]}");
}

std::string added(int epoch, int revision, const std::string& id) {
  return event("change", "{\"epoch\":" + std::to_string(epoch) + ",\"revision\":" + std::to_string(revision) +
                             R"(,"settled":true,"changes":[{"kind":"added","endpoint":{"id":")" + id +
                             R"(","name":"m","version":"1","url":"http://h:1/)" + id +
                             R"(","host":"h","functions":{}}}]})");
}

const std::string kStreamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

struct Fixture {
  io::Loop loop;
  http::Client http{loop};
  Directory directory{system_clock(), Random(1)};
  Feed feed;

  explicit Fixture(uint16_t port, std::string token = {})
      : feed(loop, http, directory, Random(2), options(port, std::move(token))) {}
  static FeedOptions options(uint16_t port, std::string token) {
    FeedOptions out;
    out.server = http::Origin::tcp("127.0.0.1", port);
    out.token = std::move(token);
    out.retry_min = milliseconds(1);
    out.retry_max = milliseconds(5);
    out.silence_max = milliseconds(300);
    out.report_each = milliseconds(5);
    return out;
  }
  std::string ids() const {
    std::string out;
    if (!directory.snapshot()) return "none";
    for (const auto& [name, versions] : directory.snapshot()->models) {
      for (const auto& [version, endpoints] : versions) {
        for (const auto& e : *endpoints) out += e.id;
      }
    }
    return out;
  }
  // Runs the loop until the directory holds these.
  bool until(const std::string& wanted) {
    return io::run_blocking(loop, [](Fixture& f, const std::string& w) -> io::Task<bool> {
      const SteadyTime deadline = system_clock().now() + seconds(5);
      while (f.ids() != w && system_clock().now() < deadline) co_await io::sleep_for(milliseconds(1));
      co_return f.ids() == w;
    }(*this, wanted));
  }
  void stop() {
    io::run_blocking(loop, [](Feed& f) -> io::Task<void> { co_await f.stop(); }(feed));
  }
};

TEST(Feed, FollowsChangesAndAsksAgainAfterAGap) {
  std::promise<void> over;
  auto until = over.get_future().share();
  http::testing::Noted noted;
  RawServer server([&](RawPeer& peer, int number) {
    const std::string request = peer.read_message();
    if (number == 0) noted.set(request);
    if (number == 0) {
      peer.send(kStreamHead + snapshot(1, 1, true, {"a"}) + ": beat\n\n" + added(1, 2, "b") + added(1, 4, "d"));
      peer.read_all();
    } else {
      peer.send(kStreamHead + snapshot(1, 4, true, {"a", "b", "c", "d"}));
      until.wait();
    }
  });
  Fixture f(server.port(), "secret");
  f.feed.start();
  EXPECT_TRUE(f.until("abcd"));
  EXPECT_EQ(server.connections(), 2);
  const std::string first_request = noted.get();
  EXPECT_TRUE(first_request.starts_with("GET /api/v1/watch HTTP/1.1\r\n"));
  EXPECT_NE(first_request.find("authorization: Bearer secret\r\n"), std::string::npos);
  over.set_value();
  f.stop();
}

struct LossRow {
  std::string name;
  std::string second;  // what the second connection says
};
class Losses : public ::testing::TestWithParam<LossRow> {};

TEST_P(Losses, EmptyNothing) {
  std::promise<void> over;
  auto until = over.get_future().share();
  std::atomic<bool> second_done = false;
  RawServer server([&](RawPeer& peer, int number) {
    peer.read_message();
    if (number == 0) {
      peer.send(kStreamHead + snapshot(1, 1, true, {"a", "b"}));
    } else if (number == 1) {
      peer.send(GetParam().second);
      if (GetParam().name == "silent") peer.read_all();
    } else {
      second_done = true;
      peer.send(kStreamHead + snapshot(1, 3, true, {"a", "b", "c"}));
      until.wait();
    }
  });
  Fixture f(server.port());
  f.feed.start();
  EXPECT_TRUE(f.until("ab"));
  const bool kept = io::run_blocking(f.loop, [](Fixture& x, std::atomic<bool>& done) -> io::Task<bool> {
    bool good = true;
    while (!done) {
      good = good && x.ids() == "ab";
      co_await io::sleep_for(milliseconds(1));
    }
    co_return good;
  }(f, second_done));
  EXPECT_TRUE(kept);
  EXPECT_TRUE(f.until("abc")) << "and it comes back";
  over.set_value();
  f.stop();
}

INSTANTIATE_TEST_SUITE_P(Rows, Losses,
                         ::testing::Values(LossRow{"closed", ""}, LossRow{"rubbish", "what?\r\n\r\n"},
                                           LossRow{"silent", kStreamHead},
                                           LossRow{"refused", "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
                                           LossRow{"bad_event", kStreamHead + event("snapshot", "{\"epoch\":")},
                                           LossRow{"unsettled_and_empty", kStreamHead + snapshot(2, 1, false, {})}),
                         [](const auto& row) { return row.param.name; });

TEST(Feed, SaysWhyThereIsNoSnapshot) {
  RawServer server([](RawPeer& peer, int) {
    peer.read_message();
    peer.send(
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: "
        "60\r\n\r\n{\"error\":{\"code\":\"unauthenticated\",\"message\":\"bring a token\"}}");
  });
  Fixture f(server.port());
  f.feed.start();
  const Status status = io::run_blocking(f.loop, f.feed.wait_for_snapshot(system_clock().now() + milliseconds(200)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(status.error().message().find("401"), std::string::npos) << status.error().message();
  f.stop();
}

TEST(Feed, GivesUpEarlyWhereAsked) {
  uint16_t port = 0;
  {
    RawServer gone([](RawPeer&, int) {});
    port = gone.port();
  }
  Fixture f(port);
  f.feed.start();
  const SteadyTime deadline = system_clock().now() + seconds(60);
  const Status status = io::run_blocking(f.loop, f.feed.wait_for_snapshot(deadline, 2));
  ASSERT_FALSE(status);
  EXPECT_LT(system_clock().now(), deadline);
  f.stop();
}

TEST(Feed, TellsWhatCallsFound) {
  std::promise<std::string> told;
  std::atomic<bool> answered = false;
  RawServer server([&](RawPeer& peer, int) {
    const std::string request = peer.read_message();
    if (request.starts_with("POST /api/v1/calls ") && !answered.exchange(true))
      told.set_value(request.substr(request.find("\r\n\r\n") + 4));
    peer.send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  });
  Fixture f(server.port());
  registry::Endpoint e;
  e.id = "a";
  e.name = "m";
  e.version = "1";
  e.url = "http://h:1";
  f.directory.replace(registry::make_snapshot({e}, {}, 1, 1, true));
  f.directory.note(*f.directory.find_url(e.url), {.latency_us = 70});
  f.feed.start();
  auto body = told.get_future();
  io::run_blocking(f.loop, [](std::future<std::string>& b) -> io::Task<void> {
    while (b.wait_for(seconds(0)) != std::future_status::ready) co_await io::sleep_for(milliseconds(1));
  }(body));
  EXPECT_EQ(body.get(), R"([{"id":"a","calls":1,"failures":0,"latency_us":{"sum":70,"max":70,"buckets":{"100":1}}}])");
  f.stop();
}

}  // namespace
}  // namespace modelyard::client
