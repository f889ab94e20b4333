// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>

#include "base/strings.h"
#include "pipeline/parser.h"
#include "stellar/json_value.h"

// org.apache.metron.parsers.json.JSONMapParser (pipeline 3.3) for records that are one JSON object.
namespace modelyard::pipeline {
namespace {

using stellar::MapObject;
using stellar::Value;

enum class MapStrategy { kDrop, kUnfold, kAllow, kError };

class JsonMapParser final : public Parser {
 public:
  JsonMapParser(MapStrategy strategy, bool override_original)
      : strategy_(strategy), override_original_(override_original) {}

  Status parse(std::string_view bytes, ParseContext& context) const override {
    Message& message = context.out.add_message();
    const Result<Value> value =
        stellar::value_from_json(message.arena(), is_valid_utf8(bytes) ? bytes : to_valid_utf8(bytes));
    if (!value) return fail(ErrorCode::kFailed, fmt::format("the record is no JSON: {}", value.error().message()));
    if (!value->is_map()) return fail(ErrorCode::kFailed, "the record is no JSON map");
    if (!add_members(value->map(), "", message)) {
      return fail(ErrorCode::kFailed, "the record holds a map, which mapStrategy ERROR refuses");
    }
    if (override_original_) {
      std::string text;
      stellar::append_json(text, *value);
      message.put_text("original_string", text);
    }
    if (!message.has("timestamp")) message.put("timestamp", Value::long_integer(to_epoch_ms(context.clock.wall())));
    return {};
  }

 private:
  bool add_members(const MapObject& map, std::string_view prefix, Message& message) const {
    for (const MapObject::Entry& entry : stellar::entries_of(map)) {
      const std::string name = prefix.empty() ? text_of(entry.key) : fmt::format("{}.{}", prefix, text_of(entry.key));
      if (!entry.value.is_map() || strategy_ == MapStrategy::kAllow) {
        message.put_copy(name, entry.value);
      } else if (strategy_ == MapStrategy::kError) {
        return false;
      } else if (strategy_ == MapStrategy::kUnfold) {
        add_members(entry.value.map(), name, message);
      }
    }
    return true;
  }

  const MapStrategy strategy_;
  const bool override_original_;
};

std::optional<MapStrategy> strategy_of(std::string_view text) {
  if (text == "DROP") return MapStrategy::kDrop;
  if (text == "UNFOLD") return MapStrategy::kUnfold;
  if (text == "ALLOW") return MapStrategy::kAllow;
  if (text == "ERROR") return MapStrategy::kError;
  return std::nullopt;
}

Result<std::unique_ptr<Parser>> make_json_map_parser(const ParserSpec& spec) {
  for (const char* key : {"jsonpQuery", "wrapInEntityArray"}) {
    const std::string text = spec.text(key);
    if (!text.empty() && text != "false")
      return spec.refuse(key, fmt::format("{} is not part of this version of the JSONMapParser", key));
  }
  const std::optional<MapStrategy> strategy = strategy_of(spec.text("mapStrategy", "DROP"));
  if (!strategy) return spec.refuse("mapStrategy", "mapStrategy is DROP, UNFOLD, ALLOW or ERROR");
  return std::make_unique<JsonMapParser>(*strategy,
                                         equal_ignoring_case_ascii(spec.text("overrideOriginalString"), "true"));
}

}  // namespace

void register_json_map_parser(ParserRegistry& registry) {
  registry.add("org.apache.metron.parsers.json.JSONMapParser", make_json_map_parser);
}

}  // namespace modelyard::pipeline
