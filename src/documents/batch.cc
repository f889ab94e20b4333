// SPDX-License-Identifier: Apache-2.0
#include "documents/batch.h"

#include <simdjson.h>

#include "base/strings.h"
#include "json/writer.h"

namespace modelyard::documents {
namespace {

namespace ondemand = simdjson::ondemand;
constexpr size_t kNameBytesMax = 4096;

Error bad(std::string_view what, simdjson::error_code error) {
  return Error(ErrorCode::kInvalidArgument,
               "the batch: " + std::string(what) + ": " + std::string(simdjson::error_message(error)));
}

Status take_text(ondemand::value value, std::string_view what, std::string* out) {
  std::string_view text;
  if (const auto error = value.get_string().get(text)) return fail(bad(std::string(what) + " must be a string", error));
  if (text.size() > kNameBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                "the batch: " + std::string(what) + " is longer than " + std::to_string(kNameBytesMax) + " bytes");
  }
  out->assign(text);
  return {};
}

Status take_offset(ondemand::value value, std::string_view what, int64_t* out) {
  if (const auto error = value.get_int64().get(*out))
    return fail(bad(std::string(what) + " must be a whole number", error));
  if (*out < 0) return fail(ErrorCode::kInvalidArgument, "the batch: " + std::string(what) + " must not be negative");
  return {};
}

// On one line: that is how documents are printed and pushed.
Status take_json(std::string_view raw, std::string_view name, std::string* out) {
  raw = trim_ascii(raw);
  if (raw.find_first_of("\n\r") == std::string_view::npos) {
    out->assign(raw);
    return {};
  }
  out->resize(raw.size());
  size_t size = 0;
  if (const auto error = simdjson::minify(raw.data(), raw.size(), out->data(), size)) {
    return fail(bad(std::string(name) + ".document", error));
  }
  out->resize(size);
  return {};
}

Status take_document(ondemand::value value, size_t index, const BatchLimits& limits, Document* out) {
  const std::string name = "documents[" + std::to_string(index) + "]";
  ondemand::object object;
  if (const auto error = value.get_object().get(object)) return fail(bad(name + " must be an object", error));
  bool has_document = false;
  for (auto member : object) {
    std::string_view key;
    ondemand::value inner;
    if (const auto error = member.unescaped_key().get(key)) return fail(bad(name, error));
    const bool is_id = key == "id";
    const bool is_document = key == "document";
    if (const auto error = member.value().get(inner)) return fail(bad(name, error));
    if (is_id) MY_TRY_VOID(take_text(inner, name + ".id", &out->id));
    if (!is_document) continue;
    ondemand::object document;
    std::string_view raw;
    if (const auto error = inner.get_object().get(document))
      return fail(bad(name + ".document must be an object", error));
    if (const auto error = document.raw_json().get(raw)) return fail(bad(name + ".document", error));
    if (raw.size() > limits.document_bytes_max) {
      return fail(ErrorCode::kResourceExhausted,
                  name + ".document is larger than " + std::to_string(limits.document_bytes_max) + " bytes");
    }
    MY_TRY_VOID(take_json(raw, name, &out->json));
    has_document = true;
  }
  if (out->id.empty()) return fail(ErrorCode::kInvalidArgument, "the batch: " + name + ".id is missing");
  if (!has_document) return fail(ErrorCode::kInvalidArgument, "the batch: " + name + ".document is missing");
  return {};
}

Status take_documents(ondemand::value value, const BatchLimits& limits, std::vector<Document>* out) {
  ondemand::array array;
  if (const auto error = value.get_array().get(array)) return fail(bad("documents must be an array", error));
  for (auto element : array) {
    ondemand::value inner;
    if (const auto error = element.get(inner)) return fail(bad("documents", error));
    if (out->size() == limits.documents_max) {
      return fail(ErrorCode::kResourceExhausted,
                  "the batch has more than " + std::to_string(limits.documents_max) + " documents: send smaller ones");
    }
    MY_TRY_VOID(take_document(inner, out->size(), limits, &out->emplace_back()));
  }
  return {};
}

Status take_member(std::string_view key, ondemand::value value, const BatchLimits& limits, Batch* batch) {
  if (key == "sensor") return take_text(value, "sensor", &batch->sensor);
  if (key == "source") return take_text(value, "source", &batch->source);
  if (key == "position") return take_text(value, "position", &batch->position);
  if (key == "offset") return take_offset(value, "offset", &batch->offset);
  if (key == "after") {
    int64_t after = 0;
    MY_TRY_VOID(take_offset(value, "after", &after));
    batch->after = after;
    return {};
  }
  if (key == "documents") return take_documents(value, limits, &batch->documents);
  return {};
}

}  // namespace

Result<Batch> batch_from_json(std::string_view body, const BatchLimits& limits) {
  ondemand::parser parser;
  simdjson::padded_string padded(body);
  ondemand::document document;
  ondemand::object object;
  if (const auto error = parser.iterate(padded).get(document)) return fail(bad("not JSON", error));
  if (const auto error = document.get_object().get(object)) return fail(bad("must be an object", error));
  Batch batch;
  bool has_documents = false;
  bool has_offset = false;
  for (auto member : object) {
    std::string_view view;
    ondemand::value value;
    if (const auto error = member.unescaped_key().get(view)) return fail(bad("not JSON", error));
    const std::string key(view.substr(0, 64));
    if (const auto error = member.value().get(value)) return fail(bad(key, error));
    MY_TRY_VOID(take_member(key, value, limits, &batch));
    has_documents = has_documents || key == "documents";
    has_offset = has_offset || key == "offset";
  }
  const char* rest = nullptr;
  const bool at_end = document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS;
  if (!at_end) return fail(ErrorCode::kInvalidArgument, "the batch: there is text after the closing brace");
  if (batch.sensor.empty()) return fail(ErrorCode::kInvalidArgument, "the batch: sensor is missing");
  if (!has_documents) return fail(ErrorCode::kInvalidArgument, "the batch: documents is missing");
  if (!batch.source.empty() && !has_offset) {
    return fail(ErrorCode::kInvalidArgument, "the batch: offset is missing beside source");
  }
  return batch;
}

void append_json(std::string& out, const Batch& batch) {
  json::Writer writer(out);
  writer.begin_object();
  writer.key("sensor");
  writer.string(batch.sensor);
  if (!batch.source.empty()) {
    writer.key("source");
    writer.string(batch.source);
    writer.key("offset");
    writer.number(batch.offset);
    if (batch.after) {
      writer.key("after");
      writer.number(*batch.after);
    }
    if (!batch.position.empty()) {
      writer.key("position");
      writer.string(batch.position);
    }
  }
  writer.key("documents");
  writer.begin_array();
  for (const Document& document : batch.documents) {
    writer.begin_object();
    writer.key("id");
    writer.string(document.id);
    writer.key("document");
    writer.raw(document.json);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
}

}  // namespace modelyard::documents
