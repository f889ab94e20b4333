// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway.h"

#include "client/model_client.h"

namespace modelyard::gateway {
namespace {

http::Response error_response(const Error& error, bool registry_known) {
  const ErrorCode code = error.code();
  int status = 502;
  if (code == ErrorCode::kNotFound) status = 404;
  if (code == ErrorCode::kDeadline) status = 504;
  if (code == ErrorCode::kUnavailable && !registry_known) status = 503;
  return http::Response::error(status, http::api_code(code), error.message());
}

// What follows the n-th '/' of the path, as it was sent.
std::string_view after_slash(std::string_view path, int n) {
  size_t at = 0;
  for (int i = 1; i < n; ++i) at = path.find('/', at + 1);
  return path.substr(at + 1);
}

io::Task<http::Response> answer(client::ModelClient& client, GatewayOptions options, http::Request& request) {
  const std::string name(request.parameter("name"));
  std::optional<std::string> version;
  if (const std::string_view given = request.parameter("version"); !given.empty()) version = given;
  client::PassedRequest call;
  call.method = request.method() == "HEAD" ? "GET" : std::string(request.method());
  call.query = request.raw_query();
  call.literal = after_slash(request.path(), version ? 5 : 3);
  call.content_type = request.headers.get("content-type").value_or("");
  if (const auto accept = request.headers.get("accept"); accept && *accept != "*/*") call.accept = *accept;
  call.body = std::move(request.body);
  Result<client::Answer> got = co_await client.pass(name, version, std::string(request.parameter("function")),
                                                    std::move(call), {.deadline = options.deadline});
  if (!got) co_return error_response(got.error(), client.directory().snapshot() != nullptr);
  http::Response response;
  if (!got->content_type.empty()) response.headers.add("content-type", got->content_type);
  response.headers.add("x-model-instance", got->id);
  response.body = std::move(got->body);
  co_return response;
}

}  // namespace

void add_routes(http::Router& router, client::ModelClient& client, GatewayOptions options) {
  const http::Handler handler = [&client, options](http::Request& request) { return answer(client, options, request); };
  for (const std::string_view method : {"GET", "POST"}) {
    for (const std::string_view pattern :
         {"/models/{name}/{function...}", "/models/{name}/versions/{version}/{function...}"}) {
      router.add(method, pattern, handler, {.body_bytes_max = options.body_bytes_max});
    }
  }
}

}  // namespace modelyard::gateway
