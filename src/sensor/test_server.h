// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "base/log.h"
#include "documents/documents.h"
#include "http/message.h"
#include "http/router.h"
#include "http/server.h"
#include "io/task.h"
#include "json/tree.h"

namespace modelyard::sensor {

// For tests: what a sensor talks to, on a thread of its own: the paths of the store, the feed of models with one model,
// and that model. Its answer is {"is_malicious":"legit"} for yahoo.com and amazon.com, else "malicious", after
// `model_time`.
class TestServer {
 public:
  explicit TestServer(const std::filesystem::path& folder, uint16_t port = 0, milliseconds model_time = milliseconds(0))
      : model_time_(model_time) {
    documents::Options options;
    options.folder = folder / "documents";
    store_ = std::move(*documents::Store::open(options, system_clock()));
    routes();
    std::promise<uint16_t> started;
    thread_ = std::thread([this, port, &started] { serve(port, started); });
    port_ = started.get_future().get();
  }
  ~TestServer() {
    loop_.post([this] {
      stopping_ = true;
      stop_.notify_all();
    });
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  uint16_t port() const { return port_; }
  documents::Store& store() { return *store_; }
  std::vector<std::string> search(std::string text) {
    documents::Query query;
    query.text = std::move(text);
    query.limit = 10'000;
    return store_->search_and_wait(query)->documents;
  }

  std::atomic<int> model_status{200};
  std::atomic<int> calls{0};
  std::atomic<int> posts{0};
  std::atomic<int> refuse_posts{0};  // so many of the next are answered 503, after having been stored
  std::atomic<bool> has_model{true};

 private:
  void serve(uint16_t port, std::promise<uint16_t>& started) {
    http::ServerOptions options;
    options.port = port;
    http::Server server(loop_, router_, options);
    const Status status = server.start();
    if (!status) spdlog::error("test server: {}", status.error().message());
    started.set_value(server.port());
    io::run_blocking(loop_, wait_and_stop(server));
  }
  io::Task<void> wait_and_stop(http::Server& server) {
    while (!stopping_) co_await stop_.wait();
    co_await server.stop(system_clock().now() + milliseconds(100));
  }

  void routes() {
    http::RouteOptions large;
    large.body_bytes_max = size_t{48} << 20;
    router_.add(
        "POST", "/api/v1/documents", [this](http::Request& r) { return post(r); }, large);
    router_.add("GET", "/api/v1/offsets", [this](http::Request& r) { return offset(r); });
    router_.add("GET", "/api/v1/watch", [this](http::Request& r) { return watch(r); });
    router_.add("POST", "/api/v1/calls",
                [](http::Request&) -> io::Task<http::Response> { co_return http::Response::empty(); });
    router_.add("GET", "/model/apply", [this](http::Request& r) { return apply(r); });
  }

  io::Task<http::Response> post(http::Request& request) {
    ++posts;
    auto batch = documents::batch_from_json(request.body);
    if (!batch) co_return http::Response::error(batch.error());
    const auto stored = store_->store_and_wait(std::move(*batch));
    if (!stored) co_return http::Response::error(stored.error());
    if (refuse_posts.load() > 0) {
      --refuse_posts;
      co_return http::Response::error(503, "unavailable", "not now");
    }
    co_return http::Response::json(
        200, "{\"stored\":" + std::to_string(stored->stored) + ",\"already\":" + std::to_string(stored->already) + "}");
  }
  io::Task<http::Response> offset(http::Request& request) {
    const auto offset = store_->offset(*request.query("sensor"), *request.query("source"));
    if (!offset) co_return http::Response::error(Error(ErrorCode::kNotFound, "never stored"));
    json::Tree tree = {{"offset", offset->offset}, {"position", offset->position}};
    co_return http::Response::json(200, json::dump(tree));
  }
  io::Task<http::Response> watch(http::Request&) {
    const std::string endpoint = R"({"id":"dga-1","name":"dga","version":"1.0","url":")" + url() +
                                 R"(/model","host":"127.0.0.1","functions":{"apply":"apply"}})";
    const std::string snapshot = R"({"epoch":1,"revision":1,"settled":true,"endpoints":[)" +
                                 (has_model.load() ? endpoint : std::string()) + "]}";
    co_return http::Response::events([this, snapshot](http::SseStream& stream) -> io::Task<void> {
      if (!co_await stream.send("snapshot", snapshot)) co_return;
      while (co_await stream.wait(never_)) {
      }
    });
  }
  io::Task<http::Response> apply(http::Request& request) {
    ++calls;
    const std::string host(request.query("host").value_or(""));
    co_await io::sleep_for(model_time_);
    if (model_status.load() != 200) co_return http::Response::text(model_status.load(), "the model is broken");
    const bool legit = host == "yahoo.com" || host == "amazon.com";
    co_return http::Response::json(200, legit ? R"({"is_malicious":"legit"})" : R"({"is_malicious":"malicious"})");
  }

  const milliseconds model_time_;
  std::unique_ptr<documents::Store> store_;
  http::Router router_;
  io::Loop loop_;
  bool stopping_ = false;  // on the loop
  io::Event stop_{loop_.executor()};
  io::Event never_{loop_.executor()};
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace modelyard::sensor
