// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "configuration/reader.h"

namespace modelyard::configuration {
namespace {

FieldTransformation read_transformation(const Document& document, Path path, Problems& problems) {
  ObjectReader in(document, path, problems);
  FieldTransformation out;
  out.path = std::move(path);
  out.input = in.texts("input");
  out.output = in.texts("output");
  out.has_output = in.has("output");
  if (!out.has_output) out.output = out.input;
  in.require("transformation");
  out.transformation = in.text("transformation");
  out.config = in.object("config");
  in.finish();
  return out;
}

void read_strategy(ObjectReader& in, const Document& document, ParserConfig& out, Problems& problems) {
  const std::string strategy = in.text("rawMessageStrategy", "DEFAULT");
  if (strategy == "ENVELOPE") {
    out.raw_message_strategy = RawMessageStrategy::kEnvelope;
  } else if (strategy != "DEFAULT") {
    in.refuse("rawMessageStrategy", "rawMessageStrategy is DEFAULT or ENVELOPE");
  }
  const bool envelope = out.raw_message_strategy == RawMessageStrategy::kEnvelope;
  out.read_metadata = in.flag("readMetadata", envelope);
  out.merge_metadata = in.flag("mergeMetadata", envelope);
  in.object("rawMessageStrategyConfig");
  // A free map: other strategies may have keys of their own.
  ObjectReader config(document, in.path_to("rawMessageStrategyConfig"), problems);
  out.metadata_prefix = config.text("metadataPrefix", "metron.metadata");
  out.message_field = config.text("messageField");
  if (envelope && out.message_field.empty()) {
    in.refuse_key(
        in.has("rawMessageStrategyConfig") ? "rawMessageStrategyConfig" : "rawMessageStrategy",
        "the strategy ENVELOPE needs rawMessageStrategyConfig.messageField: the key that holds the raw message");
  }
}

}  // namespace

ParserConfig read_parser(DocumentPtr document, std::string_view sensor, Problems& problems) {
  ParserConfig out;
  ObjectReader in(*document, {}, problems);
  in.require("parserClassName");
  out.parser_class_name = in.text("parserClassName");
  out.filter_class_name = in.text("filterClassName");
  out.sensor_topic = in.text("sensorTopic", sensor);
  out.output_topic = in.text("outputTopic", "enrichments");
  out.error_topic = in.text("errorTopic");
  out.writer_class_name = in.text("writerClassName");
  out.error_writer_class_name = in.text("errorWriterClassName");
  read_strategy(in, *document, out, problems);
  out.parser_config = in.object("parserConfig");
  if (const json::Tree* list = in.member("fieldTransformations"); list != nullptr && !list->is_array()) {
    in.refuse("fieldTransformations", "\"fieldTransformations\" must be a list […]");
  } else if (list != nullptr) {
    for (size_t i = 0; i < list->size(); ++i) {
      Path path = in.path_to("fieldTransformations");
      path.push_back(std::to_string(i));
      out.field_transformations.push_back(read_transformation(*document, std::move(path), problems));
    }
  }
  out.cache_config = in.object("cacheConfig");
  out.security_protocol = in.text("securityProtocol");
  out.spout_config = in.object("spoutConfig");
  out.storm_config = in.object("stormConfig");
  // Sizes of a Storm topology: checked, and without effect here.
  for (const char* size : {"numWorkers", "numAckers", "spoutParallelism", "spoutNumTasks", "parserParallelism",
                           "parserNumTasks", "errorWriterParallelism", "errorWriterNumTasks"}) {
    in.whole(size);
  }
  in.finish();
  out.document = std::move(document);
  return out;
}

}  // namespace modelyard::configuration
