// SPDX-License-Identifier: Apache-2.0
#include "console/page.h"

#include <string>

#include "console/assets.h"

namespace modelyard::console {
namespace {

// Scripts and styles come from files of ours alone; nothing may frame the page or send its forms elsewhere.
constexpr std::string_view kPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

http::Response redirect_home() {
  http::Response response = http::Response::empty(302);
  response.headers.add("location", "/");
  return response;
}

}  // namespace

http::Response answer(const http::Request& request, std::string_view path) {
  const Asset* asset = find_asset(path);
  if (!asset) return http::Response::error(404, "not_found", "the console has no file " + std::string(path));
  const bool unchanged = request.headers.has_token("if-none-match", asset->etag);
  http::Response response = http::Response::empty(unchanged ? 304 : 200);
  response.headers.set("etag", asset->etag);
  response.headers.set("cache-control", "no-cache");
  if (unchanged) return response;
  response.headers.set("content-type", asset->media_type);
  response.headers.set("content-security-policy", kPolicy);
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("referrer-policy", "no-referrer");
  response.body = asset->text;
  return response;
}

void add_routes(http::Router& router) {
  router.add("GET", "/",
             [](http::Request& request) -> io::Task<http::Response> { co_return answer(request, "index.html"); });
  router.add("GET", "/console/{file...}", [](http::Request& request) -> io::Task<http::Response> {
    co_return answer(request, request.parameter("file"));
  });
  router.add("GET", "/console", [](http::Request&) -> io::Task<http::Response> { co_return redirect_home(); });
}

}  // namespace modelyard::console
