// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

Value get_endpoint(Call& call) {
  if (!has_arguments(call, 1)) return {};
  if (!is_string_or_null(call, 0) || !is_string_or_null(call, 1)) return {};
  if (!call.capabilities.has_models()) return call.fail("no model registry is connected here");
  if (call[0].is_null()) return {};
  const Value version = call.at(1);
  const auto found =
      call.capabilities.find_endpoint(call[0].text(), version.is_null() ? std::nullopt : std::optional(version.text()));
  if (!found) return {};
  MapObject* map = make_map(call.arena, MapObject::Order::kHashed, 3 + found->functions.size());
  put(*map, "name", call.string(found->name));
  put(*map, "version", call.string(found->version));
  put(*map, "url", call.string(found->url));
  for (const auto& [alias, path] : found->functions) put(*map, call.string("endpoint:" + alias), call.string(path));
  return Value::map(map);
}

std::string_view text_entry(const MapObject& map, std::string_view key) {
  const Value value = get(map, key);
  return value.is_string() ? value.text() : std::string_view();
}

// apply(endpoint, [function,] arguments): the function by its alias first, then taken literally.
Value model_apply(Call& call) {
  if (!has_arguments(call, 2)) return {};
  if (!call[0].is_map()) return {};
  const bool named = call.size() > 2;
  if (named && !is_string_or_null(call, 1)) return {};
  const Value arguments = call[named ? 2 : 1];
  if (!arguments.is_null() && !arguments.is_map()) return call.wrong_kind(named ? 2 : 1, "map");
  if (!call.capabilities.has_service("model")) return call.fail("no models can be called here");
  CallRequest request;
  request.kind = CallRequest::Kind::kModel;
  request.service = "model";
  request.endpoint = call[0];
  const MapObject& endpoint = call[0].map();
  request.model = text_entry(endpoint, "name");
  request.version = text_entry(endpoint, "version");
  request.url = text_entry(endpoint, "url");
  request.function = named && call[1].is_string() ? call[1].text() : std::string_view("apply");
  const Value alias = get(endpoint, fmt::format("endpoint:{}", request.function));
  request.path = alias.is_string() ? alias.text() : request.function;
  if (request.path.starts_with('/')) request.path.remove_prefix(1);
  if (arguments.is_map()) {
    for (const auto& entry : entries_of(arguments.map())) {
      if (entry.key.is_null() || entry.value.is_null()) continue;
      request.query.emplace_back(text_of(call.arena, entry.key), text_of(call.arena, entry.value));
    }
  }
  return call.suspend(std::move(request));
}

}  // namespace

void register_maas_functions(FunctionRegistry& registry) {
  registry.add({.name = "MAAS_GET_ENDPOINT",
                .category = "maas",
                .description = "An endpoint of a deployed model, chosen at random from those that are ready: a map "
                               "with name, version, url and its functions; "
                               "null when there is none.",
                .parameters = {{"name", "string", "the model"}, {"version", "string", "default the greatest", true}},
                .returns = "map",
                .run = get_endpoint});
  registry.add(
      {.name = "MAAS_MODEL_APPLY",
       .category = "maas",
       .description = "Calls a model and gives its answer; null when the call fails.",
       .parameters = {{"endpoint", "map", "of MAAS_GET_ENDPOINT; anything else gives null"},
                      {"function", "string", "an alias of the model's functions or a path; default apply", true},
                      {"args", "map", "the model's arguments; nulls are left out"}},
       .returns = "map",
       .run = model_apply});
}

}  // namespace modelyard::stellar
