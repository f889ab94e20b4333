// SPDX-License-Identifier: Apache-2.0
#include "documents/index_text.h"

#include <simdjson.h>

#include "documents/query.h"
#include "documents/tokens.h"
#include "documents/words.h"

namespace modelyard::documents {
namespace {

namespace ondemand = simdjson::ondemand;
constexpr int kDepthMax = 64;

struct Visitor {
  void* context;
  DocumentReader::OnValue on_value;
};

simdjson::error_code visit(ondemand::value value, std::string_view field, const Visitor& visitor, int depth);

simdjson::error_code visit_scalar(ondemand::value value, ondemand::json_type type, std::string_view field,
                                  const Visitor& visitor) {
  switch (type) {
    case ondemand::json_type::string: {
      std::string_view text;
      if (const auto error = value.get_string().get(text)) return error;
      visitor.on_value(visitor.context, field, text);
      return simdjson::SUCCESS;
    }
    case ondemand::json_type::number: {
      std::string_view text = value.raw_json_token();
      double number = 0;
      if (const auto error = value.get_double().get(number)) return error;
      while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
      visitor.on_value(visitor.context, field, text);
      return simdjson::SUCCESS;
    }
    case ondemand::json_type::boolean: {
      bool truth = false;
      if (const auto error = value.get_bool().get(truth)) return error;
      visitor.on_value(visitor.context, field, truth ? "true" : "false");
      return simdjson::SUCCESS;
    }
    default: {
      bool null = false;
      if (const auto error = simdjson::simdjson_result<bool>(value.is_null()).get(null)) return error;
      return null ? simdjson::SUCCESS : simdjson::N_ATOM_ERROR;
    }
  }
}

// Members of nested objects count as values of the outermost field.
simdjson::error_code visit(ondemand::value value, std::string_view field, const Visitor& visitor, int depth) {
  if (depth > kDepthMax) return simdjson::DEPTH_ERROR;
  ondemand::json_type type{};
  if (const auto error = value.type().get(type)) return error;
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return error;
    for (auto member : object) {
      ondemand::value inner;
      if (const auto error = member.value().get(inner)) return error;
      if (const auto error = visit(inner, field, visitor, depth + 1)) return error;
    }
    return simdjson::SUCCESS;
  }
  if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return error;
    for (auto element : array) {
      ondemand::value inner;
      if (const auto error = element.get(inner)) return error;
      if (const auto error = visit(inner, field, visitor, depth + 1)) return error;
    }
    return simdjson::SUCCESS;
  }
  return visit_scalar(value, type, field, visitor);
}

}  // namespace

struct DocumentReader::Impl {
  ondemand::parser parser;
  std::string padded;
  std::string key;
  WordCutter cutter;

  template <typename OnField>
  simdjson::error_code walk(std::string_view json, OnField&& on_field) {
    padded.reserve(json.size() + simdjson::SIMDJSON_PADDING);
    padded.assign(json);
    ondemand::document document;
    if (const auto error = parser.iterate(padded.data(), padded.size(), padded.capacity()).get(document)) return error;
    ondemand::object object;
    if (const auto error = document.get_object().get(object)) return error;
    for (auto member : object) {
      ondemand::value value;
      std::string_view name;
      if (const auto error = member.unescaped_key().get(name)) return error;
      key.assign(name);  // the parser's own copy moves on with the value
      if (const auto error = member.value().get(value)) return error;
      if (const auto error = on_field(value)) return error;
    }
    // There is no more to come exactly when there is no place to be at.
    const char* rest = nullptr;
    return document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS ? simdjson::SUCCESS
                                                                            : simdjson::TRAILING_CONTENT;
  }
};

DocumentReader::DocumentReader() : impl_(std::make_unique<Impl>()) {}
DocumentReader::~DocumentReader() = default;

void DocumentReader::take_value(std::string_view field, std::string_view text) {
  if (text.empty()) return;
  if (field == "source:type" || field == "source.type") sensor_.assign(text);
  if (field == "is_alert") is_alert_ = text == "true";
  const bool by_field = is_indexed_by_field(field);
  if (by_field) {
    prefix_.clear();
    append_field_prefix(prefix_, field);
  }
  tokens_ += kGapToken;
  tokens_.push_back(kTokenEnd);
  impl_->cutter.cut(text.substr(0, kIndexedValueBytesMax), [&](std::string_view word) {
    tokens_ += word;
    tokens_.push_back(kTokenEnd);
    if (!by_field) return;
    tokens_ += prefix_;
    tokens_ += word;
    tokens_.push_back(kTokenEnd);
  });
}

Status DocumentReader::read(const Document& document, std::string_view default_sensor) {
  sensor_.clear();
  is_alert_ = false;
  tokens_.clear();
  field_count_ = 0;
  const Visitor visitor{this, [](void* self, std::string_view field, std::string_view text) {
                          static_cast<DocumentReader*>(self)->take_value(field, text);
                        }};
  const auto error = impl_->walk(document.json, [&](ondemand::value value) {
    if (field_count_ == fields_.size()) fields_.emplace_back();
    fields_[field_count_++].assign(impl_->key);
    return visit(value, impl_->key, visitor, 0);
  });
  if (error) {
    return fail(ErrorCode::kInvalidArgument, "document '" + document.id.substr(0, 256) + "' is not a JSON object: " +
                                                 std::string(simdjson::error_message(error)));
  }
  if (sensor_.empty()) sensor_.assign(default_sensor);
  tokens_ += sensor_token(sensor_);
  tokens_.push_back(kTokenEnd);
  tokens_ += alert_token(is_alert_);
  tokens_.push_back(kTokenEnd);
  return {};
}

Status DocumentReader::each_value(std::string_view json, void* context, OnValue on_value) {
  const Visitor visitor{context, on_value};
  const auto error = impl_->walk(json, [&](ondemand::value value) { return visit(value, impl_->key, visitor, 0); });
  if (error) return fail(ErrorCode::kInvalidArgument, std::string(simdjson::error_message(error)));
  return {};
}

}  // namespace modelyard::documents
