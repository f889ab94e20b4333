// SPDX-License-Identifier: Apache-2.0
#include "stellar/json_value.h"

#include <charconv>
#include <cmath>

#include "json/tree.h"
#include "json/writer.h"
#include "stellar/eval/numbers.h"
#include "stellar/eval/utf16.h"
#include "stellar/json_reader.h"

namespace modelyard::stellar {
namespace {

constexpr int kDepthMax = 1000;

void append_key(std::string& out, Value key) {
  std::string text;
  append_text(text, key);
  json::append_string(out, text);
  out += ':';
}

void append_at(std::string& out, Value value, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  switch (value.kind()) {
    case Kind::kNull:
    case Kind::kLambda: out += "null"; return;
    case Kind::kBoolean: out += value.as_boolean() ? "true" : "false"; return;
    case Kind::kFloat:
      if (std::isfinite(value.as_double())) {
        append_float(out, static_cast<float>(value.as_double()));
      } else {
        out += "null";
      }
      return;
    case Kind::kDouble:
      if (std::isfinite(value.as_double())) {
        append_double(out, value.as_double());
      } else {
        out += "null";
      }
      return;
    case Kind::kCharacter: {
      std::string text;
      append_unit(text, static_cast<char16_t>(value.as_integral()));
      json::append_string(out, text);
      return;
    }
    case Kind::kString: json::append_string(out, value.text()); return;
    case Kind::kList:
      out += '[';
      for (const Value& item : value.list()) {
        if (&item != value.list().begin()) out += ',';
        append_at(out, item, depth + 1);
      }
      out += ']';
      return;
    case Kind::kSet: {
      char before = '[';
      for (const auto& entry : entries_of(value.map())) {
        out += before;
        before = ',';
        append_at(out, entry.key, depth + 1);
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case Kind::kMap: {
      char before = '{';
      for (const auto& entry : entries_of(value.map())) {
        out += before;
        before = ',';
        append_key(out, entry.key);
        append_at(out, entry.value, depth + 1);
      }
      out += before == '{' ? "{}" : "}";
      return;
    }
    case Kind::kOpaque:
      out += "{\"$opaque\":";
      json::append_string(out, value.opaque().kind());
      out += '}';
      return;
    default: {
      char buffer[24];
      out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value.as_integral()).ptr);
    }
  }
}

json::Tree tree_at(Value value, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  switch (value.kind()) {
    case Kind::kBoolean: return value.as_boolean();
    case Kind::kFloat:
    case Kind::kDouble: return std::isfinite(value.as_double()) ? json::Tree(value.as_double()) : json::Tree();
    case Kind::kCharacter: {
      std::string text;
      append_unit(text, static_cast<char16_t>(value.as_integral()));
      return text;
    }
    case Kind::kString: return std::string(value.text());
    case Kind::kList: {
      json::Tree out = json::Tree::array();
      for (const Value item : value.list()) out.push_back(tree_at(item, depth + 1));
      return out;
    }
    case Kind::kSet: {
      json::Tree out = json::Tree::array();
      for (const auto& entry : entries_of(value.map())) out.push_back(tree_at(entry.key, depth + 1));
      return out;
    }
    case Kind::kMap: {
      json::Tree out = json::Tree::object();
      for (const auto& entry : entries_of(value.map())) {
        std::string key;
        append_text(key, entry.key);
        out[key] = tree_at(entry.value, depth + 1);
      }
      return out;
    }
    case Kind::kOpaque: return json::Tree{{"$opaque", std::string(value.opaque().kind())}};
    case Kind::kNull:
    case Kind::kLambda: return {};
    default: return value.as_integral();
  }
}

}  // namespace

Result<Value> value_from_json(Arena& arena, std::string_view text) { return JsonReader(arena, text, {}).read(); }

Value value_from_tree(Arena& arena, const json::Tree& tree) {
  switch (tree.type()) {
    case json::Tree::value_t::boolean: return Value::boolean(tree.get<bool>());
    case json::Tree::value_t::number_integer:
    case json::Tree::value_t::number_unsigned: {
      if (tree.is_number_unsigned() && tree.get<uint64_t>() > INT64_MAX)
        return Value::double_number(tree.get<double>());
      const auto number = tree.get<int64_t>();
      return number >= INT32_MIN && number <= INT32_MAX ? Value::integer(static_cast<int32_t>(number))
                                                        : Value::long_integer(number);
    }
    case json::Tree::value_t::number_float: return Value::double_number(tree.get<double>());
    case json::Tree::value_t::string: return make_string(arena, tree.get_ref<const std::string&>());
    case json::Tree::value_t::array: {
      ListObject* list = make_list(arena, tree.size());
      for (const json::Tree& item : tree) append(*list, value_from_tree(arena, item));
      return Value::list(list);
    }
    case json::Tree::value_t::object: {
      MapObject* map = make_map(arena, MapObject::Order::kInserted, tree.size());
      for (const auto& [key, item] : tree.items()) put(*map, make_string(arena, key), value_from_tree(arena, item));
      return Value::map(map);
    }
    default: return {};
  }
}

json::Tree tree_from_value(Value value) { return tree_at(value, 0); }
void append_json(std::string& out, Value value) { append_at(out, value, 0); }

}  // namespace modelyard::stellar
