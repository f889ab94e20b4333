// SPDX-License-Identifier: Apache-2.0
#include "sensor/store_client.h"

#include "http/message.h"
#include "http/url.h"
#include "json/tree.h"

namespace modelyard::sensor {
namespace {

constexpr seconds kAskTime{5};
// A batch is some megabytes at most; a store whose disk is slow or that checkpoints may need a while.
constexpr seconds kStoreTime{60};

bool is_permanent(const Error& error, int status) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kConflict:
    case ErrorCode::kNotFound:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnsupported: return true;
    default: return status == 413;
  }
}

}  // namespace

Result<std::unique_ptr<HttpStoreClient>> HttpStoreClient::make(http::Client& client, const std::string& url,
                                                               const std::string& token, const Clock& clock) {
  MY_TRY(auto origin, http::Origin::of(url));
  return std::unique_ptr<HttpStoreClient>(new HttpStoreClient(client, std::move(origin), token, clock));
}

http::ClientRequest HttpStoreClient::request(std::string method, std::string target) const {
  http::ClientRequest request;
  request.origin = origin_;
  request.method = std::move(method);
  request.target = std::move(target);
  if (!token_.empty()) request.headers.add("authorization", "Bearer " + token_);
  return request;
}

io::Task<Result<std::optional<documents::Offset>>> HttpStoreClient::fetch_offset(std::string sensor,
                                                                                 std::string source) {
  const std::string query = http::build_query({{"sensor", sensor}, {"source", source}});
  http::ClientRequest ask = request("GET", "/api/v1/offsets?" + query);
  MY_CO_TRY(const http::ClientResponse answer, co_await client_.fetch(std::move(ask), clock_.now() + kAskTime));
  // The path itself unknown looks the same by its status; a store answers in JSON with its own text.
  if (answer.status == 404) co_return std::optional<documents::Offset>();
  if (answer.status != 200) co_return fail(http::error_of(answer.status, answer.body));
  MY_CO_TRY(const json::Tree tree, json::parse(answer.body));
  MY_CO_TRY(const int64_t offset, json::require_int(tree, "offset"));
  co_return documents::Offset{offset, json::get_string(tree, "position")};
}

io::Task<tl::expected<documents::Stored, StoreClient::Refusal>> HttpStoreClient::store(const std::string& body) {
  http::ClientRequest post = request("POST", "/api/v1/documents");
  post.headers.add("content-type", "application/json");
  post.body = body;
  auto answer = co_await client_.fetch(std::move(post), clock_.now() + kStoreTime);
  if (!answer) co_return tl::unexpected<Refusal>(Refusal{std::move(answer).error(), false});
  if (answer->status / 100 != 2) {
    Error error = http::error_of(answer->status, answer->body);
    const bool permanent = is_permanent(error, answer->status);
    co_return tl::unexpected<Refusal>(Refusal{std::move(error), permanent});
  }
  const auto tree = json::parse(answer->body);
  if (!tree)
    co_return tl::unexpected<Refusal>(Refusal{Error(ErrorCode::kProtocol, "the store's answer is not JSON"), false});
  co_return documents::Stored{json::get_int(*tree, "stored"), json::get_int(*tree, "already")};
}

}  // namespace modelyard::sensor
