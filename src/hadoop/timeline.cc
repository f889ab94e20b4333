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

// What the members are called. Hadoop 2 and 3 up to 3.4 take the first row and refuse any other name; 3.5.0 takes the
// names of its Java properties and passes over the others.
struct Names {
  const char *type, *id, *start, *event_type, *event_info, *filters, *info, *related, *domain;
};
constexpr Names kClassic{"entitytype",     "entity",    "starttime",       "eventtype", "eventinfo",
                         "primaryfilters", "otherinfo", "relatedentities", "domain"};
constexpr Names kOfProperties{"entityType",     "entityId",  "startTime",       "eventType", "eventInfo",
                              "primaryFilters", "otherInfo", "relatedEntities", "domainId"};

json::Tree to_json(const TimelineEntity& entity, const Names& names) {
  json::Tree events = json::Tree::array();
  for (const TimelineEvent& event : entity.events) {
    events.push_back(
        {{"timestamp", event.at_ms}, {names.event_type, event.type}, {names.event_info, object_of(event.info)}});
  }
  json::Tree filters = json::Tree::object();
  for (const auto& [key, value] : entity.primary_filters) filters[key] = json::Tree::array({value});
  json::Tree out = {{names.type, entity.type},
                    {names.id, entity.id},
                    {names.start, entity.start_ms},
                    {"events", events},
                    {names.filters, filters},
                    {names.info, object_of(entity.info)},
                    {names.related, json::Tree::object()}};
  if (!entity.domain.empty()) out[names.domain] = entity.domain;
  return out;
}

json::Tree to_json(const std::vector<TimelineEntity>& entities, const Names& names) {
  json::Tree list = json::Tree::array();
  for (const TimelineEntity& entity : entities) list.push_back(to_json(entity, names));
  return {{"entities", list}};
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
  auto sent = send("POST", "", json::dump(to_json(entities, property_names_ ? kOfProperties : kClassic)));
  if (!sent && !property_names_ && sent.error().message().find("without entity id/type") != std::string::npos) {
    property_names_ = true;
    sent = send("POST", "", json::dump(to_json(entities, kOfProperties)));
  }
  MY_TRY(const RestAnswer answer, std::move(sent));
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
