// SPDX-License-Identifier: Apache-2.0
#include "pipeline/message.h"

#include <algorithm>

#include "base/strings.h"
#include "json/writer.h"
#include "stellar/json_value.h"

namespace modelyard::pipeline {

using stellar::Kind;
using stellar::Value;

void Message::put(std::string_view name, Value value) {
  for (Field& field : fields_) {
    if (field.name == name) {
      field.value = value;
      return;
    }
  }
  fields_.push_back({name, value});
}

void Message::put_copy(std::string_view name, Value value) {
  for (Field& field : fields_) {
    if (field.name == name) {
      field.value = value;
      return;
    }
  }
  fields_.push_back({arena_.copy(name), value});
}

bool Message::erase(std::string_view name) {
  const auto found =
      std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) { return field.name == name; });
  if (found == fields_.end()) return false;
  fields_.erase(found);
  return true;
}

namespace {

constexpr int kDepthMax = 200;  // as deep as JSON is read

void append_value(json::Writer& writer, Value value, int depth) {
  switch (value.kind()) {
    case Kind::kNull: writer.null(); break;
    case Kind::kBoolean: writer.boolean(value.as_boolean()); break;
    case Kind::kByte:
    case Kind::kShort:
    case Kind::kInteger:
    case Kind::kLong: writer.number(value.as_integral()); break;
    case Kind::kDouble: writer.number(value.as_double()); break;
    case Kind::kString: write_text(writer, value.text()); break;
    case Kind::kList:
      if (depth == 0) return writer.null();
      writer.begin_array();
      for (const Value item : value.list()) append_value(writer, item, depth - 1);
      writer.end_array();
      break;
    case Kind::kMap:
      if (depth == 0) return writer.null();
      writer.begin_object();
      for (const stellar::MapObject::Entry& entry : stellar::entries_of(value.map())) {
        writer.key(to_valid_utf8(text_of(entry.key)));
        append_value(writer, entry.value, depth - 1);
      }
      writer.end_object();
      break;
    case Kind::kSet:
      writer.begin_array();
      for (const stellar::MapObject::Entry& entry : stellar::entries_of(value.map())) {
        if (depth > 0) append_value(writer, entry.key, depth - 1);
      }
      writer.end_array();
      break;
    case Kind::kCharacter: write_text(writer, text_of(value)); break;
    default: {  // a Float; what has no JSON form
      std::string text;
      stellar::append_json(text, value);
      writer.raw(text);
    }
  }
}

// Most names are plain, and most have no dot.
void append_name(json::Writer& writer, std::string_view name, Names names) {
  if (name.find('\xed') != std::string_view::npos && !is_valid_utf8(name))
    return append_name(writer, to_valid_utf8(name), names);
  if (names == Names::kDots || name.find('.') == std::string_view::npos) {
    writer.key(name);
    return;
  }
  std::string with_colons(name);
  std::replace(with_colons.begin(), with_colons.end(), '.', ':');
  writer.key(with_colons);
}

}  // namespace

void write_text(json::Writer& writer, std::string_view text) {
  // A surrogate without its partner is three bytes that begin with 0xed; the writer would spell it as an escape that
  // most readers of JSON refuse.
  if (text.find('\xed') == std::string_view::npos || is_valid_utf8(text)) {
    writer.string(text);
  } else {
    writer.string(to_valid_utf8(text));
  }
}

void append_json(std::string& out, const Message& message, Names names) {
  json::Writer writer(out);
  writer.begin_object();
  for (const Message::Field& field : message.fields()) {
    append_name(writer, field.name, names);
    append_value(writer, field.value, kDepthMax);
  }
  writer.end_object();
}

void append_json_value(std::string& out, Value value) {
  json::Writer writer(out);
  append_value(writer, value, kDepthMax);
}

std::string text_of(Value value) {
  if (value.is_string()) return std::string(value.text());
  std::string out;
  stellar::append_text(out, value);
  return out;
}

}  // namespace modelyard::pipeline
