// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "configuration/document.h"

namespace modelyard::configuration {

using DocumentPtr = std::shared_ptr<const Document>;

// What a reader found wrong: whole texts as Document::at_… makes them. Errors refuse the document, warnings do not.
struct Problems {
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  // All errors, a line break between them.
  std::string joined() const;
};

// One element of fieldValidations, in global.json.
struct FieldValidation {
  std::vector<std::string> input;  // empty = the whole message
  std::string validation;          // STELLAR, IP, DOMAIN, …
  json::Tree config = json::Tree::object();
  Path path;
};

// global.json: any key is allowed.
struct GlobalConfig {
  DocumentPtr document;  // null: there is none
  json::Tree values = json::Tree::object();
  std::vector<FieldValidation> field_validations;
  std::string parser_error_topic;  // "" = none
};

struct FieldTransformation {
  std::vector<std::string> input;
  std::vector<std::string> output;  // the document's, or `input` when it names none
  bool has_output = false;          // the document names one
  std::string transformation;
  json::Tree config = json::Tree::object();  // in the document's order
  Path path;
};

enum class RawMessageStrategy { kDefault, kEnvelope };

// parsers/SENSOR.json. Defaults are the reference's.
struct ParserConfig {
  DocumentPtr document;
  std::string parser_class_name;
  std::string filter_class_name;
  std::string sensor_topic;
  std::string output_topic = "enrichments";
  std::string error_topic;
  std::string writer_class_name;
  std::string error_writer_class_name;
  bool read_metadata = false;
  bool merge_metadata = false;
  RawMessageStrategy raw_message_strategy = RawMessageStrategy::kDefault;
  std::string metadata_prefix = "metron.metadata";
  std::string message_field;  // of an envelope
  json::Tree parser_config = json::Tree::object();
  std::vector<FieldTransformation> field_transformations;
  json::Tree cache_config = json::Tree::object();
  std::string security_protocol;
  json::Tree spout_config = json::Tree::object();
  json::Tree storm_config = json::Tree::object();
};

// `field := expression`.
struct Assignment {
  std::string field;
  std::string expression;
  Path path;          // of the string that holds the expression
  size_t inside = 0;  // where in that string it begins
};
struct StellarGroup {
  std::string name;  // "" = the unnamed group
  std::vector<Assignment> assignments;
};

// One of the two sections of enrichments/SENSOR.json.
struct EnrichmentSection {
  std::vector<StellarGroup> stellar;
  // Adapters other than stellar and the fields they work on: geo, host, hbaseEnrichment, hbaseThreatIntel.
  std::vector<std::pair<std::string, std::vector<std::string>>> adapters;
  std::map<std::string, std::vector<std::string>> field_to_type;
  json::Tree config = json::Tree::object();
};

struct RiskLevelRule {
  std::string name;
  std::string comment;
  std::string rule;
  std::string score;   // the expression's text: a number in the document becomes its text
  std::string reason;  // "" = none
  bool has_name = false;
  bool has_comment = false;
  bool score_is_text = false;
  Path path;
};

enum class Aggregator { kMax, kMin, kSum, kMean, kPositiveMean };

struct TriageConfig {
  std::vector<RiskLevelRule> rules;  // a rule text that stands twice: the first stays
  Aggregator aggregator = Aggregator::kMax;
  bool negative_values_trump = true;
};

// enrichments/SENSOR.json. No document = nothing to enrich.
struct EnrichmentConfig {
  DocumentPtr document;
  EnrichmentSection enrichment;
  EnrichmentSection threat_intel;
  TriageConfig triage;
  json::Tree configuration = json::Tree::object();
};

// One writer of indexing/SENSOR.json (elasticsearch, hdfs, solr, store).
struct WriterConfig {
  std::string index;  // default: the sensor's name
  int64_t batch_size = 1;
  int64_t batch_timeout_s = 0;  // 0 = the most
  bool enabled = true;
  std::string field_name_converter = "DEDOT";
  bool set_document_id = false;
  std::string output_path_function;
};

// indexing/SENSOR.json: any key is allowed.
struct IndexingConfig {
  DocumentPtr document;
  json::Tree values = json::Tree::object();
  // Defaults where the document or the writer's part is missing. set_document_id falls back to the global
  // indexing.writer.elasticsearch.setDocumentId.
  WriterConfig writer(std::string_view name, std::string_view sensor, const GlobalConfig& global) const;
};

// Documents -> typed. What is wrong goes to `problems`; the result is whole only if that has no errors.
GlobalConfig read_global(DocumentPtr document, Problems& problems);
ParserConfig read_parser(DocumentPtr document, std::string_view sensor, Problems& problems);
EnrichmentConfig read_enrichment(DocumentPtr document, Problems& problems);
IndexingConfig read_indexing(DocumentPtr document, Problems& problems);

}  // namespace modelyard::configuration
