// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"
#include "http/message.h"
#include "http/url.h"
#include "io/task.h"
#include "json/tree.h"
#include "sensor/sensor.h"
#include "sensor/tap_server.h"

namespace modelyard::sensor {
namespace {

constexpr milliseconds kSilenceMax{30'000};  // the server writes a comment each 10 s
constexpr seconds kConnectTime{10};

// The sensor's own documents, and the errors of its lines, which are of source type error.
bool is_of(const json::Tree& document, const std::string& sensor) {
  const std::string type = json::get_string(document, "source:type");
  return type == sensor || (type == "error" && json::get_string(document, "failed_sensor_type") == sensor);
}

io::Task<Status> follow(io::Loop& loop, const TapOptions& options,
                        const std::function<bool(std::string_view)>& on_document) {
  http::Client client(loop);
  http::ClientRequest request;
  MY_CO_TRY(request.origin, http::Origin::of(options.server.url));
  request.target = "/api/v1/documents/watch";
  if (!options.server.token.empty()) request.headers.add("authorization", "Bearer " + options.server.token);
  MY_CO_TRY(auto stream, co_await client.open_stream(std::move(request), system_clock().now() + kConnectTime));
  if (stream->status() != 200) {
    MY_CO_TRY(const std::string body, co_await stream->read_all(system_clock().now() + kConnectTime));
    co_return fail(http::error_of(stream->status(), body));
  }
  http::EventSource events(std::move(stream));
  while (true) {
    MY_CO_TRY(const http::SseEvent event, co_await events.next(kSilenceMax));
    if (event.name != "documents") continue;
    const auto documents = json::parse(event.data);
    if (!documents || !documents->is_array())
      co_return fail(ErrorCode::kProtocol, "the server's event is not a list of documents");
    for (const json::Tree& document : *documents) {
      if (is_of(document, options.sensor) && !on_document(json::dump(document))) co_return Status();
    }
  }
}

// Takes whole lines off the front of the text. False when the viewer has seen enough.
bool give_lines(std::string& text, const std::function<bool(std::string_view)>& on_document) {
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    if (!on_document(std::string_view(text).substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  text.erase(0, begin);
  return true;
}

io::Task<Status> follow_socket(io::Loop& loop, const TapOptions& options,
                               const std::function<bool(std::string_view)>& on_document) {
  http::Client client(loop);
  MY_CO_TRY(const std::filesystem::path path, tap_socket(options.sensor));
  http::ClientRequest request;
  request.origin = http::Origin::unix_socket(path.string());
  request.target = "/tap?stage=" + std::string(pipeline::to_string(options.stage));
  auto opened = co_await client.open_stream(std::move(request), system_clock().now() + kConnectTime);
  if (!opened) {
    co_return fail(ErrorCode::kUnavailable, "no sensor '" + options.sensor + "' of this user runs on this machine (" +
                                                opened.error().message() +
                                                "): start it with `modelyard sensor run`, or see what " +
                                                "becomes of a sample with `modelyard sensor test`");
  }
  if ((*opened)->status() != 200) {
    MY_CO_TRY(const std::string body, co_await (*opened)->read_all(system_clock().now() + kConnectTime));
    co_return fail(http::error_of((*opened)->status(), body));
  }
  std::string text;
  while (true) {
    auto chunk = co_await (*opened)->read_chunk(SteadyTime::max());
    if (!chunk || chunk->empty()) co_return Status();  // the sensor has ended
    text += *chunk;
    if (!give_lines(text, on_document)) co_return Status();
  }
}

}  // namespace

Status tap(const TapOptions& options, const std::function<bool(std::string_view json)>& on_document) {
  io::Loop loop;
  if (options.stage != pipeline::Stage::kIndex)
    return io::run_blocking(loop, follow_socket(loop, options, on_document));
  Status status = io::run_blocking(loop, follow(loop, options, on_document));
  if (!status) return fail(std::move(status).error().with_context(options.server.url));
  return status;
}

}  // namespace modelyard::sensor
