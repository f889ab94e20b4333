// SPDX-License-Identifier: Apache-2.0
// Calls against models that behave in every way a model can, over real sockets.
#include "client/model_client.h"

#include <gtest/gtest.h>

#include "http/client.h"
#include "http/testing/raw_peer.h"

namespace modelyard::client {
namespace {

using http::testing::RawPeer;
using http::testing::RawServer;

std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

registry::Endpoint endpoint(std::string id, std::string url, std::string version = "1.0") {
  registry::Endpoint e;
  e.name = "dga";
  e.version = std::move(version);
  e.id = std::move(id);
  e.url = std::move(url);
  e.functions = {{"apply", "apply"}, {"info", "/about"}};
  return e;
}

// A port that refuses.
std::string nobody() {
  RawServer gone([](RawPeer&, int) {});
  return gone.url();
}

struct Fixture {
  io::Loop loop;
  http::Client http{loop};
  Directory directory{system_clock(), Random(1)};
  ModelClient client{directory, http, system_clock()};

  explicit Fixture(std::vector<registry::Endpoint> endpoints) {
    directory.replace(registry::make_snapshot(std::move(endpoints), {}, 1, 1, true));
  }
  Result<Answer> call(std::string function = "apply", Arguments arguments = {}, milliseconds deadline = seconds(5)) {
    return io::run_blocking(
        loop, client.call("dga", std::nullopt, std::move(function), std::move(arguments), {.deadline = deadline}));
  }
};

TEST(ModelClient, SpeaksTheModelContract) {
  http::testing::Noted noted;
  RawServer model([&](RawPeer& peer, int) {
    noted.set(peer.read_message());
    peer.send(ok(R"({"is_malicious":"legit"})"));
  });
  Fixture f({endpoint("a", model.url("/base/"))});
  const auto answer = f.call("apply", {{"host", "ya hoo.com&x=\xC3\xA9*-._"}, {"none", std::nullopt}, {"q", "~+"}});
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, R"({"is_malicious":"legit"})");
  EXPECT_EQ(answer->id, "a");
  const std::string request = noted.get();
  EXPECT_TRUE(request.starts_with("GET /base/apply?host=ya+hoo.com%26x%3D%C3%A9*-._&q=%7E%2B HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("accept: application/json\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("host: 127.0.0.1:"), std::string::npos) << request;
}

struct AnswerRow {
  std::string name;
  std::string answer;
  ErrorCode code;
  std::string says;
  int failures;
};
class BadAnswers : public ::testing::TestWithParam<AnswerRow> {};

TEST_P(BadAnswers, AreErrorsThatNameModelInstanceAndCause) {
  const AnswerRow& row = GetParam();
  RawServer model([&](RawPeer& peer, int) {
    peer.read_message();
    peer.send(row.answer);
  });
  Fixture f({endpoint("dga-1.0-abc", model.url())});
  const auto answer = f.call();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), row.code) << answer.error().message();
  for (const std::string& part : {std::string("dga@1.0"), std::string("dga-1.0-abc"), model.url(), row.says})
    EXPECT_NE(answer.error().message().find(part), std::string::npos)
        << part << " is not in: " << answer.error().message();
  const auto reports = f.directory.take_reports();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].failures, row.failures);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadAnswers,
    ::testing::Values(
        AnswerRow{"status_500", "HTTP/1.1 500 Oops\r\nContent-Length: 13\r\n\r\nTraceback:\n x", ErrorCode::kFailed,
                  "500: Traceback:", 1},
        AnswerRow{"status_404", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ErrorCode::kFailed, "404", 0},
        AnswerRow{"status_201", "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", ErrorCode::kFailed, "201: {}",
                  0},
        AnswerRow{"array", ok("[1]"), ErrorCode::kProtocol, "an array", 1},
        AnswerRow{"text", ok("<html>no</html>"), ErrorCode::kProtocol, "<html>no</html>", 1},
        AnswerRow{"empty", ok(""), ErrorCode::kProtocol, "empty", 1},
        AnswerRow{"rubbish", "hello there\r\n\r\n", ErrorCode::kProtocol, "not HTTP", 1},
        AnswerRow{"closes", "", ErrorCode::kUnavailable, "closed before", 1},
        AnswerRow{"closes_midway", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":", ErrorCode::kUnavailable,
                  "closed in the middle", 1},
        AnswerRow{"wrong_length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"a\":1}", ErrorCode::kProtocol,
                  "no JSON object", 1},
        AnswerRow{"huge_header", "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n",
                  ErrorCode::kResourceExhausted, "too large", 0},
        AnswerRow{"huge_body", "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + std::string(17 << 20, ' '),
                  ErrorCode::kResourceExhausted, "too large", 0}),
    [](const auto& row) { return row.param.name; });

TEST(ModelClient, AnAnswerThatDripsIsTaken) {
  RawServer model([&](RawPeer& peer, int) {
    peer.read_message();
    for (const char c : ok(R"({"slow":"but sure"})")) peer.send(std::string_view(&c, 1));
  });
  Fixture f({endpoint("a", model.url())});
  EXPECT_EQ(f.call().value().body, R"({"slow":"but sure"})");
}

TEST(ModelClient, AModelThatNeverAnswersMeetsTheDeadline) {
  std::promise<void> over;
  auto until = over.get_future().share();
  RawServer model([&](RawPeer& peer, int) {
    peer.read_message();
    until.wait();
  });
  Fixture f({endpoint("a", model.url())});
  const SteadyTime begin = system_clock().now();
  const auto answer = f.call("apply", {}, milliseconds(50));
  over.set_value();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kDeadline) << answer.error().message();
  EXPECT_LT(system_clock().now() - begin, seconds(2));
}

TEST(ModelClient, OneMoreInstanceIsTriedAndTheFailedOneSetAside) {
  RawServer good([](RawPeer& peer, int) {
    while (!peer.read_message().empty()) peer.send(ok("{}"));
  });
  RawServer broken([](RawPeer& peer, int) {
    while (!peer.read_message().empty()) peer.send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  });
  for (const std::string& url : {nobody(), broken.url()}) {
    Fixture f({endpoint("bad", url), endpoint("good", good.url())});
    for (int i = 0; i < 50; ++i) {
      const auto answer = f.call();
      ASSERT_TRUE(answer) << answer.error().message();
      EXPECT_EQ(answer->id, "good");
    }
    int64_t bad_calls = 0;
    for (const CallReport& report : f.directory.take_reports()) bad_calls += report.id == "bad" ? report.calls : 0;
    EXPECT_EQ(bad_calls, 1) << "set aside after its first failure";
  }
}

TEST(ModelClient, TwoFailuresTellOfBoth) {
  Fixture f({endpoint("one", nobody()), endpoint("two", nobody()), endpoint("three", nobody())});
  const auto answer = f.call();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(answer.error().message().find("and before it"), std::string::npos);
  EXPECT_EQ(f.directory.take_reports().size(), 2u) << "one retry, not more";
}

TEST(ModelClient, AnInstanceThatHangsLeavesTimeForAnother) {
  std::atomic<bool> hangs = false;
  std::promise<void> over;
  auto until = over.get_future().share();
  const auto script = [&](RawPeer& peer, int) {
    while (!peer.read_message().empty()) {
      if (hangs.exchange(false)) return until.wait();
      peer.send(ok("{}"));
    }
  };
  RawServer a(script);
  RawServer b(script);
  Fixture f({endpoint("a", a.url()), endpoint("b", b.url())});
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(f.call());
  hangs = true;
  const auto answer = f.call("apply", {}, milliseconds(300));
  EXPECT_TRUE(answer) << answer.error().message();
  over.set_value();
}

TEST(ModelClient, APostIsRepeatedOnlyIfItCannotHaveArrived) {
  std::atomic<int> posts = 0;
  RawServer closes([&](RawPeer& peer, int) {
    if (!peer.read_message().empty()) ++posts;
  });
  RawServer good([](RawPeer& peer, int) {
    while (!peer.read_message().empty()) peer.send(ok("{}"));
  });
  PassedRequest post;
  post.method = "POST";
  post.body = "{}";
  {
    Fixture f({endpoint("a", closes.url()), endpoint("b", closes.url("/"))});
    EXPECT_FALSE(io::run_blocking(f.loop, f.client.pass("dga", std::nullopt, "apply", post)));
    EXPECT_EQ(posts, 1);
  }
  Fixture f({endpoint("a", nobody()), endpoint("b", good.url())});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(io::run_blocking(f.loop, f.client.pass("dga", std::nullopt, "apply", post)));
}

TEST(ModelClient, WhatIsNotHttpSaysSo) {
  Fixture f({endpoint("a", "tcp://127.0.0.1:9")});
  const auto answer = f.call();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(answer.error().message().find("tcp://127.0.0.1:9"), std::string::npos);
  EXPECT_NE(answer.error().message().find("only http"), std::string::npos) << answer.error().message();
}

TEST(ModelClient, UnknownModelsAndVersionsAreToldApart) {
  Fixture f({endpoint("a", "http://127.0.0.1:1")});
  const auto other = io::run_blocking(f.loop, f.client.call("nobody", std::nullopt, "apply", {}));
  EXPECT_EQ(other.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(other.error().message().find("nobody"), std::string::npos);
  const auto version = io::run_blocking(f.loop, f.client.call("dga", "7", "apply", {}));
  EXPECT_EQ(version.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(version.error().message().find("version 7"), std::string::npos);
  Directory empty(system_clock(), Random(1));
  ModelClient early(empty, f.http, system_clock());
  EXPECT_EQ(io::run_blocking(f.loop, early.call("dga", std::nullopt, "apply", {})).error().code(),
            ErrorCode::kUnavailable);
}

TEST(ModelClient, AnEndpointMapIsCalledAsItIs) {
  http::testing::Noted noted;
  RawServer model([&](RawPeer& peer, int) {
    for (std::string request; !(request = peer.read_message()).empty();) {
      noted.set(request);
      peer.send(ok("{}"));
    }
  });
  Fixture f({});
  const ModelClient::EndpointMap map{"dga", "1.0", model.url(), {{"apply", "score"}}};
  ASSERT_TRUE(io::run_blocking(f.loop, f.client.call_endpoint(map, "apply", {{"a", "b"}})));
  EXPECT_TRUE(noted.get().starts_with("GET /score?a=b ")) << noted.get();
  ASSERT_TRUE(io::run_blocking(f.loop, f.client.call_endpoint(map, "other", {})));
  EXPECT_TRUE(noted.get().starts_with("GET /other HTTP")) << noted.get();
  EXPECT_TRUE(f.directory.take_reports().empty()) << "nobody asked for calls of unknown instances";
  f.directory.replace(registry::make_snapshot({endpoint("a", model.url())}, {}, 1, 2, true));
  ASSERT_TRUE(io::run_blocking(f.loop, f.client.call_endpoint(map, "apply", {})));
  EXPECT_TRUE(noted.get().starts_with("GET /score HTTP")) << noted.get() << " the map's aliases count";
  EXPECT_EQ(f.directory.take_reports().size(), 1u) << "a known instance's calls are counted";
}

TEST(ModelClient, AFailedEndpointMapFallsBackOnAnotherInstance) {
  RawServer good([](RawPeer& peer, int) {
    while (!peer.read_message().empty()) peer.send(ok("{}"));
  });
  const std::string gone = nobody();
  Fixture f({endpoint("gone", gone), endpoint("good", good.url())});
  const auto answer = io::run_blocking(
      f.loop, f.client.call_endpoint({"dga", "1.0", gone, {{"apply", "apply"}, {"info", "/about"}}}, "apply", {}));
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->id, "good");
}

}  // namespace
}  // namespace modelyard::client
