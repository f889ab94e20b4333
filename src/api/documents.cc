// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <deque>

#include "api/impl.h"
#include "json/tree.h"
#include "json/writer.h"

namespace modelyard::api {
namespace {

using http::Response;

constexpr size_t kNewsKept = 256;  // batches that a slow watcher may be behind; the oldest are dropped
constexpr size_t kDocumentsInEvent = 500;

Result<documents::Query> query_of(const http::Request& request) {
  documents::Query query;
  query.text = request.query("q").value_or("");
  query.sensor = request.query("sensor").value_or("");
  query.before = request.query("before").value_or("");
  const std::string_view alert = request.query("alert").value_or("");
  if (alert == "true" || alert == "false") {
    query.alert = alert == "true";
  } else if (!alert.empty()) {
    return fail(ErrorCode::kInvalidArgument, "alert must be true or false");
  }
  MY_TRY(query.limit, query_number(request, "limit", 100, 1, 10'000));
  return query;
}

std::string array_of(const std::vector<std::string>& documents) {
  size_t size = 2;
  for (const std::string& document : documents) size += document.size() + 1;
  std::string out;
  out.reserve(size);
  out += '[';
  for (const std::string& document : documents) {
    if (out.size() > 1) out += ',';
    out += document;
  }
  out += ']';
  return out;
}

// Batches on their way from the writer's thread to one watcher.
struct NewsQueue {
  explicit NewsQueue(io::Executor executor) : arrived(executor) {}
  std::deque<std::shared_ptr<const documents::News>> batches;
  io::Event arrived;
};

}  // namespace

Api::Impl::Answer Api::Impl::search(http::Request& request) {
  auto query = query_of(request);
  if (!query) co_return Response::error(query.error());
  Promise<Result<documents::Page>> promise(parts_.loop);
  parts_.documents->search(std::move(*query),
                           [promise](Result<documents::Page> page) { promise.set(std::move(page)); });
  const auto page = co_await promise.wait();
  if (!page) co_return Response::error(page.error());
  Response response = Response::json(200, array_of(page->documents));
  if (!page->next.empty()) response.headers.add("Modelyard-Next", page->next);
  if (!page->complete) response.headers.add("Modelyard-Complete", "false");
  co_return response;
}

Api::Impl::Answer Api::Impl::facets(http::Request& request) {
  auto query = query_of(request);
  if (!query) co_return Response::error(query.error());
  Promise<Result<documents::Facets>> promise(parts_.loop);
  parts_.documents->facets(std::move(*query),
                           [promise](Result<documents::Facets> facets) { promise.set(std::move(facets)); });
  const auto facets = co_await promise.wait();
  if (!facets) co_return Response::error(facets.error());
  json::Tree sensors = json::Tree::object();
  for (const auto& [sensor, count] : facets->sensors) sensors[sensor] = count;
  const json::Tree answer{{"total", facets->total},
                          {"sensor", sensors},
                          {"alert", {{"true", facets->alerts}, {"false", facets->others}}},
                          {"complete", facets->complete}};
  co_return Response::json(200, json::dump(answer));
}

Api::Impl::Answer Api::Impl::watch_documents(http::Request& request) {
  const auto query = query_of(request);
  if (!query) co_return Response::error(query.error());
  auto matcher = parts_.documents->matcher(*query);
  if (!matcher) co_return Response::error(matcher.error());
  auto shared = std::make_shared<const documents::Matcher>(std::move(*matcher));
  co_return Response::events([this, shared](http::SseStream& stream) { return send_news(stream, shared); });
}

io::Task<void> Api::Impl::send_news(http::SseStream& stream, std::shared_ptr<const documents::Matcher> matcher) {
  const auto queue = std::make_shared<NewsQueue>(parts_.loop.executor());
  const auto subscription =
      parts_.documents->subscribe([&loop = parts_.loop, queue](std::shared_ptr<const documents::News> news) {
        loop.post([queue, news] {
          queue->batches.push_back(news);
          if (queue->batches.size() > kNewsKept) queue->batches.pop_front();
          queue->arrived.notify_all();
        });
      });
  while (!stream.closed()) {
    if (queue->batches.empty()) {
      if (!co_await stream.wait(queue->arrived)) co_return;
      continue;
    }
    const auto news = std::move(queue->batches.front());
    queue->batches.pop_front();
    std::vector<std::string> matching;
    for (const documents::News::Item& item : news->documents) {
      if (matcher->matches(item)) matching.push_back(item.json);
    }
    // Of a large batch the newest: a page cannot show more, and a search has all.
    if (matching.size() > kDocumentsInEvent) matching.erase(matching.begin(), matching.end() - kDocumentsInEvent);
    if (matching.empty()) continue;
    const std::string data = array_of(matching);
    if (!co_await stream.send("documents", data)) co_return;
  }
}

Api::Impl::Answer Api::Impl::store_documents(http::Request& request) {
  auto batch = documents::batch_from_json(request.body);
  if (!batch) co_return Response::error(batch.error());
  request.body = {};
  Promise<Result<documents::Stored>> promise(parts_.loop);
  parts_.documents->store(std::move(*batch),
                          [promise](Result<documents::Stored> stored) { promise.set(std::move(stored)); });
  const auto stored = co_await promise.wait();
  if (!stored) co_return Response::error(stored.error());
  const json::Tree answer{{"stored", stored->stored}, {"already", stored->already}};
  co_return Response::json(200, json::dump(answer));
}

Api::Impl::Answer Api::Impl::offsets(http::Request& request) {
  const std::string sensor(request.query("sensor").value_or(""));
  const std::string source(request.query("source").value_or(""));
  if (sensor.empty() || source.empty()) {
    co_return Response::error(Error(ErrorCode::kInvalidArgument, "sensor= and source= must be given"));
  }
  const auto offset = parts_.documents->offset(sensor, source);
  if (!offset) {
    co_return Response::error(
        Error(ErrorCode::kNotFound, fmt::format("no offset is stored of {} from {}", sensor, source)));
  }
  const json::Tree answer{{"offset", offset->offset}, {"position", offset->position}};
  co_return Response::json(200, json::dump(answer));
}

}  // namespace modelyard::api
