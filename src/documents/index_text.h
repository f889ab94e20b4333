// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "documents/batch.h"

namespace modelyard::documents {

// Reads a document once: checks it, tells what the store files it under and makes its tokens. Keeps its buffers;
// confined to one thread. The members are of the last document read, until the next.
class DocumentReader {
 public:
  DocumentReader();
  ~DocumentReader();

  // kInvalidArgument when it is no JSON object; the text names the document's id.
  Status read(const Document& document, std::string_view default_sensor);

  const std::string& sensor() const { return sensor_; }  // source:type, else the default
  bool is_alert() const { return is_alert_; }
  const std::string& tokens() const { return tokens_; }
  // Names of its members, outermost level.
  const std::vector<std::string>& fields() const { return fields_; }
  size_t field_count() const { return field_count_; }

  // For live views: name and text of each value of the document.
  using OnValue = void (*)(void* context, std::string_view field, std::string_view text);
  Status each_value(std::string_view json, void* context, OnValue on_value);

 private:
  struct Impl;
  void take_value(std::string_view field, std::string_view text);

  std::unique_ptr<Impl> impl_;
  std::string sensor_;
  bool is_alert_ = false;
  std::string tokens_;
  std::string prefix_;
  std::vector<std::string> fields_;  // reused: the first field_count_ count
  size_t field_count_ = 0;
};

}  // namespace modelyard::documents
