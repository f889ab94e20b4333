// SPDX-License-Identifier: Apache-2.0
#include "hadoop/timeline.h"

#include <fmt/format.h>

#include "http/url.h"
#include "json/tree.h"

namespace modelyard::hadoop {
namespace {

json::Tree object_of(const std::map<std::string, std::string>& map) {
  json::Tree out = json::Tree::object();
  for (const auto& [key, value] : map) out[key] = value;
  return out;
}

json::Tree to_json(const TimelineEntity& entity) {
  json::Tree events = json::Tree::array();
  for (const TimelineEvent& event : entity.events) {
    events.push_back({{"timestamp", event.at_ms}, {"eventtype", event.type}, {"eventinfo", object_of(event.info)}});
  }
  json::Tree filters = json::Tree::object();
  for (const auto& [key, value] : entity.primary_filters) filters[key] = json::Tree::array({value});
  json::Tree out = {{"entitytype", entity.type},
                    {"entity", entity.id},
                    {"starttime", entity.start_ms},
                    {"events", events},
                    {"primaryfilters", filters},
                    {"otherinfo", object_of(entity.info)},
                    {"relatedentities", json::Tree::object()}};
  if (!entity.domain.empty()) out["domain"] = entity.domain;
  return out;
}

}  // namespace

Timeline::Timeline(WebAddress address, RestOptions options)
    : address_(std::move(address)), connection_(std::move(options)) {}

Result<RestAnswer> Timeline::send(const std::string& method, const std::string& path, std::string body) {
  RestRequest request;
  request.method = method;
  request.url = address_.url() + "/ws/v1/timeline" + path;
  if (!connection_.options().kerberos)
    request.url += "?" + http::build_query({{"user.name", connection_.options().user}});
  request.negotiate = connection_.options().kerberos;
  request.body = std::move(body);
  auto answer = connection_.call(request);
  if (!answer) return fail(std::move(answer).error().with_context("the timeline server"));
  if (answer->status >= 300) {
    const RestException exception = rest_exception_of(answer->body);
    const ErrorCode code = answer->status == 401   ? ErrorCode::kUnauthenticated
                           : answer->status == 403 ? ErrorCode::kPermissionDenied
                                                   : ErrorCode::kFailed;
    return fail(code,
                fmt::format("the timeline server: {}",
                            exception.message.empty() ? fmt::format("status {}", answer->status) : exception.message));
  }
  return answer;
}

Status Timeline::put_domain(const TimelineDomain& domain) {
  MY_TRY_VOID(send("PUT", "/domain",
                   json::dump({{"id", domain.id},
                               {"description", domain.description},
                               {"readers", domain.readers},
                               {"writers", domain.writers}})));
  return {};
}

Status Timeline::put_entities(const std::vector<TimelineEntity>& entities) {
  json::Tree list = json::Tree::array();
  for (const TimelineEntity& entity : entities) list.push_back(to_json(entity));
  MY_TRY(const RestAnswer answer, send("POST", "", json::dump({{"entities", list}})));
  auto tree = json::parse(answer.body);
  if (!tree || !tree->is_object()) return {};
  const auto errors = tree->find("errors");
  if (errors == tree->end() || !errors->is_array() || errors->empty() || !errors->front().is_object()) return {};
  // Codes of TimelinePutResponse.TimelinePutError: 4 = not the domain's writer, 6 = the domain is another's, …
  return fail(ErrorCode::kFailed,
              fmt::format("the timeline server did not take entity {}: its error {}",
                          json::get_string(errors->front(), "entity"), json::get_int(errors->front(), "errorcode")));
}

}  // namespace modelyard::hadoop
