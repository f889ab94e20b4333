// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "configuration/reader.h"

namespace modelyard::configuration {

GlobalConfig read_global(DocumentPtr document, Problems& problems) {
  GlobalConfig out;
  out.values = document->root();
  ObjectReader in(*document, {}, problems);
  out.parser_error_topic = in.text("parser.error.topic");
  if (const json::Tree* list = in.member("fieldValidations"); list != nullptr && !list->is_array()) {
    in.refuse("fieldValidations", "\"fieldValidations\" must be a list […]");
  } else if (list != nullptr) {
    for (size_t i = 0; i < list->size(); ++i) {
      FieldValidation one;
      one.path = in.path_to("fieldValidations");
      one.path.push_back(std::to_string(i));
      ObjectReader item(*document, one.path, problems);
      one.input = item.texts("input");
      item.require("validation");
      one.validation = item.text("validation");
      one.config = item.object("config");
      out.field_validations.push_back(std::move(one));
    }
  }
  out.document = std::move(document);
  return out;
}

IndexingConfig read_indexing(DocumentPtr document, Problems& problems) {
  IndexingConfig out;
  out.values = document->root();
  for (const auto& [name, part] : out.values.items()) {
    if (!part.is_object()) continue;  // free keys are nobody's business
    ObjectReader in(*document, {name}, problems);
    in.text("index");
    in.whole("batchSize");
    in.whole("batchTimeout");
    in.flag("enabled", true);
    in.flag("setDocumentId", false);
  }
  out.document = std::move(document);
  return out;
}

WriterConfig IndexingConfig::writer(std::string_view name, std::string_view sensor, const GlobalConfig& global) const {
  WriterConfig out;
  out.index = sensor;
  Problems ignored;  // read_indexing() has told them
  if (global.document) {
    ObjectReader in(*global.document, {}, ignored);
    out.set_document_id = in.flag("indexing.writer.elasticsearch.setDocumentId", false);
  }
  if (!document) return out;
  ObjectReader in(*document, {std::string(name)}, ignored);
  out.index = in.text("index", sensor);
  out.batch_size = in.whole("batchSize").value_or(1);
  out.batch_timeout_s = in.whole("batchTimeout").value_or(0);
  out.enabled = in.flag("enabled", true);
  out.field_name_converter = in.text("fieldNameConverter", "DEDOT");
  out.set_document_id = in.flag("setDocumentId", out.set_document_id);
  out.output_path_function = in.text("outputPathFunction");
  return out;
}

}  // namespace modelyard::configuration
