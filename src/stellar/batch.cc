// SPDX-License-Identifier: Apache-2.0
#include "stellar/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "json/writer.h"
#include "stellar/assignment.h"
#include "stellar/eval/conversions.h"
#include "stellar/eval/numbers.h"
#include "stellar/eval/utf16.h"
#include "stellar/json_reader.h"
#include "stellar/json_value.h"

namespace modelyard::stellar {
namespace {

constexpr int kDepthMax = 500;
constexpr size_t kAnswerMax = size_t{32} << 20;

// {"$tag": content} as the one entry of a map, else nothing.
const MapObject::Entry* tag_of(Value value) {
  if (!value.is_map() || value.map().count != 1) return nullptr;
  const MapObject::Entry& entry = *entries_of(value.map()).begin();
  return entry.key.is_string() && entry.key.text().starts_with('$') ? &entry : nullptr;
}

Value untag_at(Arena& arena, Value value, int depth);

Value from_tag(Arena& arena, std::string_view tag, Value content, int depth) {
  if (tag == "$set" && content.is_list()) {
    MapObject* set = make_map(arena, MapObject::Order::kInserted, content.list().size);
    for (const Value item : content.list()) put(*set, untag_at(arena, item, depth), {});
    return Value::set(set);
  }
  if (tag == "$map" && content.is_list()) {
    MapObject* map = make_map(arena, MapObject::Order::kHashed, content.list().size);
    for (const Value pair : content.list()) {
      if (!pair.is_list() || pair.list().size != 2) continue;
      put(*map, untag_at(arena, pair.list().items[0], depth), untag_at(arena, pair.list().items[1], depth));
    }
    return Value::map(map);
  }
  if (tag == "$char" && content.is_string() && !content.text().empty())
    return Value::character(to_utf16(content.text())[0]);
  if (tag == "$double") return Value::double_number(to_double(content).value_or(__builtin_nan("")));
  if (tag == "$float") {
    const auto number = content.is_string() ? parse_java_float(content.text()) : to_float(content);
    return Value::float_number(number.value_or(__builtin_nanf("")));
  }
  const int64_t whole = to_long(content).value_or(0);
  if (tag == "$long") return Value::long_integer(whole);
  if (tag == "$short") return Value::short_integer(static_cast<int16_t>(whole));
  if (tag == "$byte") return Value::byte(static_cast<int8_t>(whole));
  return {};
}

Value untag_at(Arena& arena, Value value, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  if (const MapObject::Entry* tagged = tag_of(value)) {
    constexpr std::string_view kTags[] = {"$set", "$map", "$char", "$double", "$float", "$long", "$short", "$byte"};
    if (std::find(std::begin(kTags), std::end(kTags), tagged->key.text()) != std::end(kTags)) {
      return from_tag(arena, tagged->key.text(), tagged->value, depth + 1);
    }
  }
  if (value.is_list()) {
    ListObject& list = value.list();
    for (uint32_t i = 0; i < list.size; ++i) list.items[i] = untag_at(arena, list.items[i], depth + 1);
  }
  if (value.is_map()) {
    MapObject& map = value.map();
    for (uint32_t i = 0; i < map.used; ++i) map.entries[i].value = untag_at(arena, map.entries[i].value, depth + 1);
    map.order = MapObject::Order::kHashed;
  }
  return value;
}

void append_special(std::string& out, Value value) {
  const bool is_float = value.kind() == Kind::kFloat;
  out += is_float ? "{\"$float\":\"" : "{\"$double\":\"";
  append_double(out, value.as_double());
  out += "\"}";
}

void append_at(std::string& out, Value value, int depth);

template <typename Append>
void append_all(std::string& out, const MapObject& map, Append append_entry) {
  out += '[';
  bool first = true;
  for (const auto& entry : entries_of(map)) {
    if (!first) out += ',';
    first = false;
    append_entry(entry);
  }
  out += ']';
}

void append_map(std::string& out, const MapObject& map, int depth) {
  bool strings = true;
  for (const auto& entry : entries_of(map)) strings = strings && entry.key.is_string();
  if (!strings) {
    out += "{\"$map\":";
    append_all(out, map, [&](const MapObject::Entry& entry) {
      out += '[';
      append_at(out, entry.key, depth);
      out += ',';
      append_at(out, entry.value, depth);
      out += ']';
    });
    out += '}';
    return;
  }
  char before = '{';
  for (const auto& entry : entries_of(map)) {
    out += before;
    before = ',';
    json::append_string(out, entry.key.text());
    out += ':';
    append_at(out, entry.value, depth);
  }
  out += before == '{' ? "{}" : "}";
}

void append_at(std::string& out, Value value, int depth) {
  if (depth > kDepthMax) throw BoundReached{"depth"};
  if (out.size() > kAnswerMax) throw BoundReached{"result"};
  switch (value.kind()) {
    case Kind::kLong: out += fmt::format("{{\"$long\":\"{}\"}}", value.as_integral()); return;
    case Kind::kShort: out += fmt::format("{{\"$short\":\"{}\"}}", value.as_integral()); return;
    case Kind::kByte: out += fmt::format("{{\"$byte\":\"{}\"}}", value.as_integral()); return;
    case Kind::kFloat:
      out += "{\"$float\":\"";
      append_float(out, static_cast<float>(value.as_double()));
      out += "\"}";
      return;
    case Kind::kDouble:
      if (!std::isfinite(value.as_double())) return append_special(out, value);
      append_double(out, value.as_double());
      return;
    case Kind::kCharacter:
      out += "{\"$char\":";
      append_json(out, value);
      out += '}';
      return;
    case Kind::kSet:
      out += "{\"$set\":";
      append_all(out, value.map(), [&](const MapObject::Entry& entry) { append_at(out, entry.key, depth + 1); });
      out += '}';
      return;
    case Kind::kList:
      out += '[';
      for (const Value& item : value.list()) {
        if (&item != value.list().begin()) out += ',';
        append_at(out, item, depth + 1);
      }
      out += ']';
      return;
    case Kind::kMap: append_map(out, value.map(), depth + 1); return;
    case Kind::kLambda: out += "{\"$opaque\":\"lambda\"}"; return;
    case Kind::kOpaque:
      out += "{\"$opaque\":";
      json::append_string(out, value.opaque().kind());
      out += '}';
      return;
    default: append_json(out, value);
  }
}

// "value":…,"type":"…" of a whole answer.
void append_answer(std::string& out, Value value) {
  out += "\"value\":";
  if (value.is_lambda() || value.kind() == Kind::kOpaque) {
    out +=
        fmt::format("null,\"type\":\"opaque\",\"kind\":\"{}\"", value.is_lambda() ? "lambda" : value.opaque().kind());
    return;
  }
  if (value.is_floating() && !std::isfinite(value.as_double())) {
    append_special(out, value);
  } else if (value.is_set()) {
    append_all(out, value.map(), [&](const MapObject::Entry& entry) { append_at(out, entry.key, 0); });
  } else if (value.is_list() || value.is_map()) {
    append_at(out, value, 0);
  } else {
    append_json(out, value);
  }
  out += fmt::format(",\"type\":\"{}\"", to_string(value.kind()));
}

// Every variable is there and null.
class NullVariables final : public VariableSource {
 public:
  Value get(const Variable&) override { return {}; }
};

class Answerer {
 public:
  Answerer(Frame& frame, const FunctionRegistry& registry, Capabilities& capabilities,
           const std::function<Value(const CallRequest&, Arena&)>& answer)
      : frame_(frame), registry_(registry), capabilities_(capabilities), answer_(answer) {}

  Result<std::string> run(const MapObject& question) {
    const Value text = get(question, "expr");
    if (!text.is_string()) return fail(ErrorCode::kInvalidArgument, "\"expr\" is missing or not a text");
    const Value mode_value = get(question, "mode");
    const std::string_view mode = mode_value.is_string() ? mode_value.text() : "";
    if (mode == "assign") return assign(text.text());
    if (!mode.empty() && mode != "predicate" && mode != "validate" && mode != "vars") {
      return fail(ErrorCode::kInvalidArgument, fmt::format("there is no mode {}", to_valid_utf8(mode)));
    }
    const auto program = compile(text.text(), registry_);
    if (!program) return fail(ErrorCode::kInvalidArgument, render(program.error(), text.text()));
    if (mode == "vars") return names(**program);
    return evaluate(**program, question, mode);
  }

 private:
  static Result<std::string> assign(std::string_view text) {
    const Assignment split = split_assignment(text);
    std::string out = "\"value\":[";
    if (split.name) {
      json::append_string(out, *split.name);
    } else {
      out += "null";
    }
    out += ',';
    json::append_string(out, split.expression);
    out += is_assignment(text) ? ",true],\"type\":\"List\"" : ",false],\"type\":\"List\"";
    return out;
  }

  static Result<std::string> names(const Program& program) {
    std::vector<std::string_view> sorted;
    for (const Variable& variable : program.variables()) sorted.push_back(variable.name);
    std::sort(sorted.begin(), sorted.end());
    std::string out;
    json::Writer writer(out);
    out += "\"value\":";
    writer.begin_array();
    for (const std::string_view name : sorted) writer.string(name);
    writer.end_array();
    out += ",\"type\":\"Set\"";
    return out;
  }

  Result<std::string> evaluate(const Program& program, const MapObject& question, std::string_view mode) {
    const Value variables = get(question, "vars");
    const Value resolver = get(question, "resolver");
    Arena none;
    const MapObject* map = variables.is_map() ? &variables.map() : make_map(none, MapObject::Order::kInserted);
    MapVariables mapped({&map, 1}, resolver.is_string() && resolver.text() == "strict");
    NullVariables nulls;
    VariableSource& source = mode == "validate" ? static_cast<VariableSource&>(nulls) : mapped;
    Outcome outcome = frame_.start(program, source, capabilities_);
    while (outcome.pending()) {
      outcome = answer_ ? frame_.resume(answer_(frame_.call(), frame_.arena()))
                        : frame_.resume_with_error("no models or services can be called here");
    }
    if (outcome.failed()) return fail(ErrorCode::kFailed, frame_.error().render(program.text()));
    std::string out;
    if (mode == "validate") {
      append_answer(out, Value::boolean(true));
      return out;
    }
    Value value = outcome.value;
    if (mode == "predicate") {
      if (program.is_blank()) value = Value::boolean(true);
      if (!value.is_boolean() && !value.is_null()) {
        return fail(ErrorCode::kFailed,
                    fmt::format("a predicate is true or false, this one is a {}", to_string(value.kind())));
      }
    }
    append_answer(out, value);
    return out;
  }

  Frame& frame_;
  const FunctionRegistry& registry_;
  Capabilities& capabilities_;
  const std::function<Value(const CallRequest&, Arena&)>& answer_;
};

std::string error_line(std::string_view id, std::string_view message) {
  std::string out = "{";
  if (!id.empty()) out += fmt::format("\"id\":{},", id);
  out += "\"error\":";
  json::append_string(out, message);
  out += '}';
  return out;
}

}  // namespace

Value untag(Arena& arena, Value value) { return untag_at(arena, value, 0); }
void append_tagged(std::string& out, Value value) { append_at(out, value, 0); }

std::string answer_line(std::string_view line, Frame& frame, const FunctionRegistry& registry,
                        Capabilities& capabilities, const std::function<Value(const CallRequest&, Arena&)>& answer) {
  std::string id;
  try {
    Arena arena;
    const Result<Value> question = JsonReader(arena, line, {.borrow = true}).read();
    if (!question) return error_line(id, "this line is no JSON: " + question.error().message());
    if (!question->is_map()) return error_line(id, "this line is no JSON object");
    MapObject& object = question->map();
    if (const MapObject::Entry* entry = find(object, "id")) append_json(id, entry->value);
    if (const MapObject::Entry* entry = find(object, "vars")) put(object, "vars", untag(arena, entry->value));
    const Result<std::string> body = Answerer(frame, registry, capabilities, answer).run(object);
    if (!body) return error_line(id, body.error().message());
    return id.empty() ? fmt::format("{{{}}}", *body) : fmt::format("{{\"id\":{},{}}}", id, *body);
  } catch (const BoundReached& bound) {
    return error_line(id, fmt::format("limit reached: {}", bound.bound));
  } catch (const std::bad_alloc&) {
    return error_line(id, "limit reached: memory");
  }
}

size_t run_batch(std::istream& in, std::ostream& out, const FunctionRegistry& registry, Capabilities& capabilities,
                 const BatchOptions& options, const std::function<Value(const CallRequest&, Arena&)>& answer) {
  Frame frame(options.limits);
  std::string line;
  size_t answered = 0;
  std::vector<char> buffer(size_t{64} << 10);
  bool too_long = false;
  bool any = false;
  const auto flush_line = [&] {
    out << (too_long ? error_line("", fmt::format("limit reached: line (longer than {} bytes)", options.line_bytes_max))
                     : answer_line(line, frame, registry, capabilities, answer))
        << '\n';
    ++answered;
    if (line.capacity() > (size_t{1} << 20)) line.shrink_to_fit();
    line.clear();
    too_long = any = false;
  };
  while (in.good()) {
    // What is there already is answered before more is waited for.
    const int first = in.get();
    if (first == std::char_traits<char>::eof()) break;
    size_t got = 1;
    buffer[0] = static_cast<char>(first);
    got += static_cast<size_t>(in.readsome(buffer.data() + 1, static_cast<std::streamsize>(buffer.size() - 1)));
    for (size_t from = 0; from < got;) {
      const std::string_view rest(buffer.data() + from, got - from);
      const size_t end = rest.find('\n');
      const std::string_view piece = rest.substr(0, end);
      any = true;
      if (line.size() + piece.size() > options.line_bytes_max) {
        too_long = true;
        line.clear();
      }
      if (!too_long) line += piece;
      if (end == std::string_view::npos) break;
      flush_line();
      from += end + 1;
    }
    out.flush();
  }
  if (any) flush_line();
  out.flush();
  return answered;
}

}  // namespace modelyard::stellar
