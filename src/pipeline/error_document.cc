// SPDX-License-Identifier: Apache-2.0
#include "pipeline/error_document.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/strings.h"
#include "json/writer.h"

namespace modelyard::pipeline {

namespace {

constexpr size_t kTextBytesMax = 32 << 10;
constexpr size_t kTextHead = 24 << 10;
constexpr size_t kTextTail = 4 << 10;

// A text that quotes its record may be as long as that; the record stands whole in raw_message.
std::string shortened(std::string_view text) {
  if (text.size() <= kTextBytesMax) return std::string(text);
  return to_valid_utf8(fmt::format("{} … {} bytes left out … {}", text.substr(0, kTextHead),
                                   text.size() - kTextHead - kTextTail, text.substr(text.size() - kTextTail)));
}

}  // namespace

void append_uuid(std::string& out, Random& random) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const uint64_t high = (random() & ~uint64_t{0xf000}) | 0x4000;
  const uint64_t low = (random() & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out.push_back('-');
    const uint64_t half = digit < 16 ? high : low;
    out.push_back(kDigits[(half >> (60 - 4 * (digit % 16))) & 15]);
  }
}

ErrorWriter::ErrorWriter(const Clock& clock, Random& random) : clock_(clock), random_(random) {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  hostname_ = name;
}

void ErrorWriter::append(std::string& out, const ErrorReport& report, Names names) {
  const bool colons = names == Names::kColons;
  std::string guid;
  append_uuid(guid, random_);
  json::Writer writer(out);
  const auto member = [&](std::string_view name, std::string_view text) {
    writer.key(name);
    write_text(writer, text);
  };
  writer.begin_object();
  member("guid", guid);
  member(colons ? "source:type" : "source.type", "error");
  member("error_type", report.type);
  member("failed_sensor_type", report.sensor);
  if (!report.text.empty()) {
    const std::string text = shortened(report.text);
    member("message", text);
    member("exception", fmt::format("{}: {}", report.type, text));
  }
  writer.key("timestamp");
  writer.number(to_epoch_ms(clock_.wall()));
  member("hostname", hostname_);
  member("raw_message", report.raw);
  if (!report.fields.empty()) {
    member("error_fields", fmt::format("{}", fmt::join(report.fields, ",")));
    member("error_hash", sha256_hex(report.field_values));
  } else {
    member("error_hash", sha256_hex(report.raw));
  }
  if (report.metadata != nullptr) {
    for (const Message::Field& field : report.metadata->fields()) {
      std::string name(field.name);
      if (colons) {
        for (char& c : name) c = c == '.' ? ':' : c;
      }
      writer.key(to_valid_utf8(name));
      std::string value;
      append_json_value(value, field.value);
      writer.raw(value);
    }
  }
  writer.end_object();
}

}  // namespace modelyard::pipeline
