// SPDX-License-Identifier: Apache-2.0
#include "controller/runner_routes.h"

#include <gtest/gtest.h>

#include "controller/controller.h"
#include "controller/fake_launcher.h"
#include "http/client.h"
#include "http/router.h"
#include "http/server.h"
#include "http/sse.h"
#include "io/file.h"
#include "json/tree.h"
#include "registry/fake.h"

namespace modelyard::controller {
namespace {

using namespace std::chrono_literals;
using registry::InstanceState;

SteadyTime soon() { return std::chrono::steady_clock::now() + 5s; }

// polls: turns the loop until it is so.
io::Task<bool> until(std::function<bool()> condition) {
  const SteadyTime deadline = soon();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) co_return false;
    co_await io::sleep_for(500us);
  }
  co_return true;
}

// A controller with one instance of dga that is not connected yet, its socket, and a client of that.
class RunnerSocket : public testing::Test {
 protected:
  void play(std::function<io::Task<void>()> scene) {
    io::run_blocking(loop_, [](RunnerSocket& test, std::function<io::Task<void>()> act) -> io::Task<void> {
      EXPECT_TRUE(test.server_.start());
      EXPECT_TRUE(co_await test.controller_.start());
      DeployRequest request{.name = "dga", .version = "1.0", .digest = "sha256:1"};
      EXPECT_TRUE(co_await test.controller_.deploy(std::move(request)));
      EXPECT_TRUE(co_await until([&] { return !test.launcher_.running.empty(); }));
      test.id_ = test.launcher_.running.begin()->first;
      test.incarnation_ = test.launcher_.running.begin()->second.spec.incarnation;
      co_await act();
      co_await test.controller_.stop(true);
      co_await test.server_.stop(soon());
    }(*this, std::move(scene)));
  }

  http::ClientRequest request(std::string method, std::string target, std::string body = "") {
    http::ClientRequest out{.origin = http::Origin::unix_socket(socket_)};
    out.method = std::move(method);
    out.target = std::move(target);
    out.body = std::move(body);
    return out;
  }
  std::string orders_path(std::string id, std::string incarnation) {
    return "/runner/v1/instances/" + id + "/orders?incarnation=" + incarnation;
  }
  io::Task<int> put_report(std::string path_id, std::string body) {
    auto response =
        co_await client_.fetch(request("PUT", "/runner/v1/instances/" + path_id + "/report", std::move(body)), soon());
    co_return response ? response->status : -1;
  }
  std::string ready_report(int64_t incarnation) {
    registry::RunnerReport report{
        .id = id_, .incarnation = incarnation, .state = InstanceState::kReady, .runner_pid = 7};
    report.endpoint = registry::Endpoint{.id = id_, .name = "dga", .version = "1.0", .url = "http://127.0.0.1:9"};
    return json::dump(to_json(report));
  }

  io::TemporaryFolder folder_ = io::TemporaryFolder::make("modelyard-socket").value();
  std::string socket_ = (folder_.path() / "control.sock").string();
  io::Loop loop_;
  registry::FakeRegistry store_;
  FakeLauncher launcher_{loop_.executor()};
  Controller controller_{
      {loop_.executor(),
       store_,
       launcher_,
       system_clock(),
       Random(1),
       {.find = [](const std::string&) -> Result<std::filesystem::path> { return std::filesystem::path("/p"); }}},
      {.data = folder_.path(), .socket = socket_, .host = "here"}};
  http::Router router_ = [this] {
    http::Router router;
    add_runner_routes(router, controller_);
    return router;
  }();
  http::Server server_{loop_, router_, {.unix_path = socket_}};
  http::Client client_{loop_};
  std::string id_;
  int64_t incarnation_ = 0;
};

TEST_F(RunnerSocket, ALeaseBringsOrdersAndAReportMakesItReady) {
  play([this]() -> io::Task<void> {
    auto stream = co_await client_.open_stream(request("GET", orders_path(id_, std::to_string(incarnation_))), soon());
    EXPECT_TRUE(stream);
    http::EventSource source(std::move(*stream));
    auto first = co_await source.next(5s);
    EXPECT_TRUE(first);
    EXPECT_EQ(first->name, "order");
    EXPECT_EQ(first->data, R"({"want":"serve","incarnation":)" + std::to_string(incarnation_) + "}");
    EXPECT_EQ(co_await put_report(id_, ready_report(incarnation_)), 204);
    EXPECT_TRUE(co_await until([&] { return controller_.snapshot()->models.contains("dga"); }));
    EXPECT_TRUE(co_await controller_.remove("dga", std::nullopt, std::nullopt));
    auto second = co_await source.next(5s);
    EXPECT_TRUE(second);
    EXPECT_EQ(second->data, R"({"want":"drain","incarnation":)" + std::to_string(incarnation_) + "}");
    EXPECT_FALSE(controller_.snapshot()->models.contains("dga")) << "out of the snapshot before it is told to drain";
  });
}

TEST_F(RunnerSocket, AClosedConnectionEndsTheLease) {
  play([this]() -> io::Task<void> {
    {
      auto stream =
          co_await client_.open_stream(request("GET", orders_path(id_, std::to_string(incarnation_))), soon());
      EXPECT_TRUE(stream);
      EXPECT_EQ(co_await put_report(id_, ready_report(incarnation_)), 204);
      EXPECT_TRUE(co_await until([&] { return controller_.snapshot()->models.contains("dga"); }));
    }
    // Its process lives (the lock is held): not failed, not restarted.
    EXPECT_TRUE(co_await until(
        [&] { return controller_.statuses().at(0).instances.at(0).instance.state == InstanceState::kUnreachable; }));
    EXPECT_EQ(controller_.statuses().at(0).restarts, 0);
    auto back = co_await client_.open_stream(request("GET", orders_path(id_, std::to_string(incarnation_))), soon());
    EXPECT_TRUE(back);
    EXPECT_TRUE(co_await until([&] { return controller_.snapshot()->models.contains("dga"); }));
  });
}

struct BadRequest {
  std::string name;
  std::string method, id, incarnation, body;
  int status;
};

TEST_F(RunnerSocket, RefusesWhatIsNotItsOwn) {
  play([this]() -> io::Task<void> {
    const std::string mine = std::to_string(incarnation_);
    const std::vector<BadRequest> rows = {
        {"unknown instance", "GET", "nobody", mine, "", 404},
        {"an older incarnation", "GET", id_, "0", "", 409},
        {"no incarnation", "GET", id_, "", "", 400},
        {"no number", "GET", id_, "one", "", 400},
        {"report of an unknown one", "PUT", "nobody", "", R"({"id":"nobody","incarnation":1,"state":"ready"})", 404},
        {"report of an older one", "PUT", id_, "", ready_report(0), 409},
        {"report of another", "PUT", "nobody", "", ready_report(incarnation_), 400},
        {"no JSON", "PUT", id_, "", "{", 400},
        {"no object", "PUT", id_, "", "[]", 400},
        {"no state", "PUT", id_, "", R"({"id":"x"})", 400},
        {"rubbish state", "PUT", id_, "", R"({"id":"x","state":"happy"})", 400},
        {"too large", "PUT", id_, "", std::string(300 << 10, ' '), 413},
    };
    for (const BadRequest& row : rows) {
      int status = 0;
      if (row.method == "PUT") {
        status = co_await put_report(row.id, row.body);
      } else {
        auto response = co_await client_.fetch(request("GET", orders_path(row.id, row.incarnation)), soon());
        status = response ? response->status : -1;
      }
      EXPECT_EQ(status, row.status) << row.name;
    }
    EXPECT_FALSE(controller_.snapshot()->models.contains("dga"));
  });
}

TEST(RunnerRoutes, BeforeTheRecordsAreReadARunnerIsAskedToComeAgain) {
  io::Loop loop;
  registry::FakeRegistry store;
  FakeLauncher launcher(loop.executor());
  Controller controller({loop.executor(), store, launcher, system_clock(), Random(1), {}}, {});
  EXPECT_EQ(controller.open_lease("dga-1.0-000001", 1, [](const Order&) {}).error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace modelyard::controller
