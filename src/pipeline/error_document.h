// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "pipeline/message.h"

namespace modelyard::pipeline {

// What an error document says (4.5).
struct ErrorReport {
  std::string_view type;  // parser_error, parser_invalid, enrichments_error, threatintel_error, error
  std::string_view sensor;
  std::string_view text;
  std::string_view raw;               // the record's bytes, or JSON
  std::vector<std::string> fields;    // that validations found bad …
  std::string field_values;           // … and "field-value|field-value" of them
  const Message* metadata = nullptr;  // its fields become fields of the document
};

// Makes error documents. Confined to one thread.
class ErrorWriter {
 public:
  ErrorWriter(const Clock& clock, Random& random);
  // Appends the document: guid, source.type "error", error_type, failed_sensor_type, message, exception, timestamp,
  // hostname, raw_message (UTF-8), error_hash (SHA-256 of the raw bytes, or of the bad fields' values), error_fields,
  // metadata.
  void append(std::string& out, const ErrorReport& report, Names names);

 private:
  const Clock& clock_;
  Random& random_;
  std::string hostname_;
};

// A version 4 UUID from `random`.
void append_uuid(std::string& out, Random& random);

}  // namespace modelyard::pipeline
