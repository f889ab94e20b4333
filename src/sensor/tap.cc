// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "http/client.h"
#include "http/message.h"
#include "http/url.h"
#include "io/task.h"
#include "json/tree.h"
#include "sensor/sensor.h"

namespace modelyard::sensor {
namespace {

constexpr milliseconds kSilenceMax{30'000};  // the server writes a comment each 10 s
constexpr seconds kConnectTime{10};

// The sensor's own documents, and the errors of its lines, which are of source type error.
bool is_of(const json::Tree& document, const std::string& sensor) {
  const std::string type = json::get_string(document, "source:type");
  return type == sensor || (type == "error" && json::get_string(document, "failed_sensor_type") == sensor);
}

io::Task<Status> follow(io::Loop& loop, const TapOptions& options, const std::function<bool(std::string_view)>& on_document) {
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
    if (!documents || !documents->is_array()) co_return fail(ErrorCode::kProtocol, "the server's event is not a list of documents");
    for (const json::Tree& document : *documents) {
      if (is_of(document, options.sensor) && !on_document(json::dump(document))) co_return Status();
    }
  }
}

}  // namespace

Status tap(const TapOptions& options, const std::function<bool(std::string_view json)>& on_document) {
  if (options.stage != pipeline::Stage::kIndex) {
    return fail(ErrorCode::kUnsupported,
                "only documents of stage index pass through the server; to see stage " +
                    std::string(pipeline::to_string(options.stage)) + ", give some lines to `modelyard sensor test " + options.sensor +
                    " --stage " + std::string(pipeline::to_string(options.stage)) + "`");
  }
  io::Loop loop;
  Status status = io::run_blocking(loop, follow(loop, options, on_document));
  if (!status) return fail(std::move(status).error().with_context(options.server.url));
  return status;
}

}  // namespace modelyard::sensor
