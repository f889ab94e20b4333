// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/strings.h"
#include "grok/common_patterns.h"
#include "grok/grok.h"
#include "pipeline/parser.h"
#include "stellar/functions/dates/date_format.h"

// org.apache.metron.parsers.GrokParser (pipeline 3.1): one grok expression per line.
namespace modelyard::pipeline {
namespace {

using stellar::Value;

constexpr std::string_view kOriginalString = "original_string";
constexpr std::string_view kTimestamp = "timestamp";

struct GrokScratch final : ParserScratch {
  grok::Scratch match;
  std::vector<grok::Capture> captures;
};

struct Settings {
  std::string grok_path;
  std::string pattern_label;
  std::string timestamp_field;
  std::vector<std::string> time_fields;
  bool multi_line = false;
  bool latin1 = false;  // readCharset ISO-8859-1, which counts for multi-line records alone
  std::shared_ptr<const stellar::DateFormat> dates;
  std::shared_ptr<const stellar::Zone> zone;
};

// Dots are dropped and the rest is a Java long: "1461576382.642" is in milliseconds, "1461576500" stays as it is.
std::optional<int64_t> long_without_dots(std::string_view text) {
  char digits[24];
  size_t count = 0;
  for (const char c : text) {
    if (c == '.') continue;
    if (count == sizeof digits) return std::nullopt;
    digits[count++] = c;
  }
  const char* begin = digits;
  if (count > 1 && digits[0] == '+' && digits[1] != '-') ++begin;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(begin, digits + count, value);
  if (error != std::errc() || end != digits + count) return std::nullopt;
  return value;
}

std::string from_latin1(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xc0 | (byte >> 6)));
      out.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  return out;
}

class GrokParser final : public Parser {
 public:
  GrokParser(Settings settings, grok::Grok grok) : settings_(std::move(settings)), grok_(std::move(grok)) {}

  std::unique_ptr<ParserScratch> make_scratch() const override { return std::make_unique<GrokScratch>(); }

  Status parse(std::string_view bytes, ParseContext& context) const override {
    std::string decoded;
    if (settings_.latin1) {
      decoded = from_latin1(bytes);
      bytes = decoded;
    } else if (!is_valid_utf8(bytes)) {
      decoded = to_valid_utf8(bytes);
      bytes = decoded;
    }
    if (!settings_.multi_line) return parse_line(bytes, context);
    while (!bytes.empty()) {
      const size_t end = std::min(bytes.find_first_of("\r\n"), bytes.size());
      const std::string_view line = bytes.substr(0, end);
      bytes.remove_prefix(std::min(bytes.size(), end + (bytes.substr(end, 2) == "\r\n" ? 2 : 1)));
      if (Status status = parse_line(line, context); !status) context.out.add_error(line, status.error().message());
    }
    return {};
  }

  std::string why_invalid(const Message& message) const override {
    const Value timestamp = message.get(kTimestamp);
    if (timestamp.kind() != stellar::Kind::kLong) return "timestamp is not there or no long number";
    return timestamp.as_integral() > 0 ? "" : fmt::format("timestamp is {}, not above 0", timestamp.as_integral());
  }

 private:
  Status parse_line(std::string_view line, ParseContext& context) const {
    auto& scratch = static_cast<GrokScratch&>(*context.scratch);
    const auto failed = [&](std::string_view why) {
      return fail(ErrorCode::kFailed, fmt::format("Grok parser Error: {} on {}", why, line));
    };
    const Result<bool> matched = grok_.match(line, scratch.match, scratch.captures);
    if (!matched) return failed(matched.error().message());
    if (!*matched || scratch.captures.empty()) {
      context.out.add_error(
          line,
          fmt::format(
              "Grok statement produced a null message. Original message was: {} and the parsed message was: {{}} . "
              "Check the pattern at: {}",
              line, settings_.grok_path));
      return {};
    }
    // Looked at before a message is added: a line that fails leaves none.
    const auto value_of = [&](std::string_view name) -> const grok::Capture* {
      if (name == kOriginalString) return nullptr;
      const auto found = std::find_if(scratch.captures.begin(), scratch.captures.end(),
                                      [&](const auto& one) { return one.name == name; });
      return found == scratch.captures.end() ? nullptr : &*found;
    };
    std::optional<int64_t> timestamp;
    std::vector<std::pair<std::string_view, int64_t>> times;  // empty in the usual configuration
    for (const std::string& name : settings_.time_fields) {
      const grok::Capture* field = value_of(name);
      if (field == nullptr || field->kind == grok::Capture::Kind::kNull) continue;
      if (field->kind == grok::Capture::Kind::kInteger)
        return failed(fmt::format("the time field {} is a number, not a date", name));
      const std::optional<int64_t> time =
          settings_.dates->parse(field->text, *settings_.zone, true, to_epoch_ms(context.clock.wall()));
      if (!time) return failed(fmt::format("Unparseable date: \"{}\" in the field {}", field->text, name));
      times.emplace_back(name, *time);
      if (name == settings_.timestamp_field) timestamp = *time;
    }
    if (!settings_.timestamp_field.empty() && !timestamp) {
      const Result<int64_t> read = timestamp_of(value_of(settings_.timestamp_field), line);
      if (!read) return failed(read.error().message());
      timestamp = *read;
    }

    Message& message = context.out.add_message();
    const std::string_view original = message.arena().copy(line);
    for (const grok::Capture& capture : scratch.captures) {
      switch (capture.kind) {
        case grok::Capture::Kind::kNull: message.put(capture.name, Value::null()); break;
        case grok::Capture::Kind::kInteger: message.put(capture.name, Value::integer(capture.integer)); break;
        case grok::Capture::Kind::kText:
          // The same bytes of the copy that lives with the message.
          message.put(capture.name,
                      Value::string(capture.text.empty()
                                        ? std::string_view()
                                        : original.substr(static_cast<size_t>(capture.text.data() - line.data()),
                                                          capture.text.size())));
          break;
      }
    }
    message.put(kOriginalString, Value::string(original));
    for (const auto& [name, time] : times) message.put(name, Value::long_integer(time));
    if (timestamp) message.put(kTimestamp, Value::long_integer(*timestamp));
    message.erase(settings_.pattern_label);
    return {};
  }

  Result<int64_t> timestamp_of(const grok::Capture* field, std::string_view line) const {
    if (settings_.timestamp_field == kOriginalString) {
      if (const auto value = long_without_dots(line)) return *value;
    }
    if (field == nullptr || field->kind == grok::Capture::Kind::kNull) {
      return fail(ErrorCode::kFailed, fmt::format("{} parser does not include field {}", settings_.pattern_label,
                                                  settings_.timestamp_field));
    }
    if (field->kind == grok::Capture::Kind::kInteger) return field->integer;
    if (const auto value = long_without_dots(field->text)) return *value;
    return fail(ErrorCode::kFailed,
                fmt::format("For input string: \"{}\" in the field {}", field->text, settings_.timestamp_field));
  }

  const Settings settings_;
  const grok::Grok grok_;
};

// Built-in names, then the folder's file "common", then the file of grokPath; what other files define helps out where
// these say nothing. `found` tells whether there is a file of that path.
grok::PatternSet patterns_for(const ParserSpec& spec, const std::string& path, bool& found) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  const configuration::PatternFile* own = nullptr;
  const configuration::PatternFile* common = nullptr;
  grok::PatternSet set;
  for (const configuration::PatternFile& file : spec.sensor.patterns) {
    if (file.name == name) {
      own = &file;
    } else if (file.name == "common") {
      common = &file;
    } else {
      set.add(file.text, file.file);
    }
  }
  set.add(grok::kCommonPatterns, "built-in");
  if (common != nullptr) set.add(common->text, common->file);
  found = own != nullptr;
  if (found) {
    set.add(own->text, own->file);
  } else if (const std::string_view shipped = grok::shipped_patterns(name); !shipped.empty()) {
    set.add(shipped, "built-in " + std::string(name));
    found = true;
  }
  return set;
}

Result<Settings> settings_of(const ParserSpec& spec) {
  Settings out;
  for (const char* key : {"grokPath", "patternLabel"}) {
    if (spec.text(key).empty()) return spec.refuse(key, fmt::format("the GrokParser needs parserConfig.{}", key));
  }
  out.grok_path = spec.text("grokPath");
  out.pattern_label = spec.text("patternLabel");
  out.timestamp_field = spec.text("timestampField");
  out.multi_line = equal_ignoring_case_ascii(spec.text("multiLine", "false"), "true");
  const std::string charset = to_lower_ascii(spec.text("readCharset", "UTF-8"));
  const bool utf8 = charset == "utf-8" || charset == "utf8" || charset == "us-ascii";
  out.latin1 = out.multi_line && (charset == "iso-8859-1" || charset == "latin1");
  if (out.multi_line && !utf8 && !out.latin1) return spec.refuse("readCharset", "readCharset is UTF-8 or ISO-8859-1");
  if (spec.has("timeFields")) {
    const json::Tree& fields = *spec.config.find("timeFields");
    if (!fields.is_array()) return spec.refuse("timeFields", "\"timeFields\" is a list of field names");
    for (const json::Tree& field : fields) {
      if (!field.is_string()) return spec.refuse("timeFields", "\"timeFields\" is a list of field names");
      out.time_fields.push_back(field.get<std::string>());
    }
  }
  return out;
}

Result<std::unique_ptr<Parser>> make_grok_parser(const ParserSpec& spec) {
  MY_TRY(Settings settings, settings_of(spec));
  bool found = false;
  const grok::PatternSet patterns = patterns_for(spec, settings.grok_path, found);
  if (!found) {
    const std::string& folder = spec.sensor.patterns_folder;
    return spec.refuse("grokPath", fmt::format("there are no patterns {}: {}", settings.grok_path,
                                               folder.empty() ? "the configuration has no folder patterns/"
                                                              : fmt::format("no such file in {}", folder)));
  }
  Result<grok::Grok> grok =
      grok::Grok::compile(patterns, "%{" + settings.pattern_label + "}", {.ignored_fields = {settings.pattern_label}});
  if (!grok) return spec.refuse("patternLabel", grok.error().message());
  auto dates = stellar::DateFormat::compile(spec.text("dateFormat", "yyyy-MM-dd HH:mm:ss.S z"));
  if (!dates) return spec.refuse("dateFormat", dates.error().message());
  settings.dates = std::move(*dates);
  settings.zone = stellar::zone_by_id(spec.text("timeZone", "UTC"));
  return std::make_unique<GrokParser>(std::move(settings), std::move(*grok));
}

}  // namespace

void register_grok_parser(ParserRegistry& registry) {
  registry.add("org.apache.metron.parsers.GrokParser", make_grok_parser);
}

}  // namespace modelyard::pipeline
