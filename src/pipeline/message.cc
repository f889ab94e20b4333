// SPDX-License-Identifier: Apache-2.0
#include "pipeline/message.h"

#include <algorithm>

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

void append_value(json::Writer& writer, std::string& out, Value value) {
  switch (value.kind()) {
    case Kind::kNull: writer.null(); break;
    case Kind::kBoolean: writer.boolean(value.as_boolean()); break;
    case Kind::kByte:
    case Kind::kShort:
    case Kind::kInteger:
    case Kind::kLong: writer.number(value.as_integral()); break;
    case Kind::kDouble: writer.number(value.as_double()); break;
    case Kind::kString: writer.string(value.text()); break;
    default: {
      writer.raw("");  // the comma
      stellar::append_json(out, value);
    }
  }
}

// Most names are plain, and most have no dot.
void append_name(json::Writer& writer, std::string_view name, Names names) {
  if (names == Names::kDots || name.find('.') == std::string_view::npos) {
    writer.key(name);
    return;
  }
  std::string with_colons(name);
  std::replace(with_colons.begin(), with_colons.end(), '.', ':');
  writer.key(with_colons);
}

}  // namespace

void append_json(std::string& out, const Message& message, Names names) {
  json::Writer writer(out);
  writer.begin_object();
  for (const Message::Field& field : message.fields()) {
    append_name(writer, field.name, names);
    append_value(writer, out, field.value);
  }
  writer.end_object();
}

void append_json_value(std::string& out, Value value) {
  json::Writer writer(out);
  append_value(writer, out, value);
}

std::string text_of(Value value) {
  if (value.is_string()) return std::string(value.text());
  std::string out;
  stellar::append_text(out, value);
  return out;
}

}  // namespace modelyard::pipeline
