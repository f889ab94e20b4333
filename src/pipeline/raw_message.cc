// SPDX-License-Identifier: Apache-2.0
#include "pipeline/raw_message.h"

#include <fmt/format.h>

#include "stellar/json_value.h"

namespace modelyard::pipeline {

using configuration::RawMessageStrategy;
using stellar::Value;

namespace {

void add(RawMessage& out, const std::string& prefix, std::string_view name, Value value) {
  out.metadata.put_copy(prefix.empty() ? std::string(name) : fmt::format("{}.{}", prefix, name), value);
}

Result<const stellar::MapObject*> read_map(stellar::Arena& arena, std::string_view json, std::string_view what) {
  Result<Value> value = stellar::value_from_json(arena, json);
  if (!value || !value->is_map()) return fail(ErrorCode::kInvalidArgument, fmt::format("{} is no JSON map", what));
  return &value->map();
}

Status open_envelope(const configuration::ParserConfig& config, std::string_view bytes, RawMessage& out) {
  MY_TRY(const stellar::MapObject* envelope, read_map(out.metadata.arena(), bytes, "the envelope"));
  const Value data = stellar::get(*envelope, config.message_field);
  if (!data.is_string()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the envelope has no text \"{}\", the messageField", config.message_field));
  }
  out.bytes = data.text();
  if (!config.read_metadata) return {};
  for (const stellar::MapObject::Entry& entry : stellar::entries_of(*envelope)) {
    const std::string name = text_of(entry.key);
    if (name == config.message_field) continue;
    if (name == "original_string" && entry.value.is_string()) out.original_string = entry.value.text();
    add(out, config.metadata_prefix, name, entry.value);
  }
  return {};
}

}  // namespace

Status take_apart(const configuration::ParserConfig& config, const Record& record, RawMessage& out) {
  out.metadata.clear();
  out.original_string.reset();
  out.bytes = record.bytes;
  if (config.read_metadata) {
    if (!record.topic.empty())
      add(out, config.metadata_prefix, "topic", stellar::make_string(out.metadata.arena(), record.topic));
    if (!record.key.empty()) {
      MY_TRY(const stellar::MapObject* key, read_map(out.metadata.arena(), record.key, "the record's key"));
      for (const stellar::MapObject::Entry& entry : stellar::entries_of(*key)) {
        add(out, config.metadata_prefix, text_of(entry.key), entry.value);
      }
    }
  }
  if (config.raw_message_strategy == RawMessageStrategy::kEnvelope) return open_envelope(config, record.bytes, out);
  return {};
}

void merge_metadata(const configuration::ParserConfig& config, const RawMessage& raw, Message& message) {
  const bool overwrite = config.raw_message_strategy == RawMessageStrategy::kDefault;
  for (const Message::Field& field : raw.metadata.fields()) {
    if (!overwrite && message.has(field.name)) continue;
    message.put_copy(field.name, stellar::copy_value(message.arena(), field.value));
  }
}

}  // namespace modelyard::pipeline
