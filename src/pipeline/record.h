// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What goes into a pipeline and what comes out: plain data, without I/O.
namespace modelyard::pipeline {

// How far a message goes, and what its documents look like (`sensor test --stage`, cli.md).
enum class Stage {
  kParse,      // what the parser alone gives
  kTransform,  // the runner's output: metadata, source.type, transformations, guid, original_string, filter, validation
  kEnrich,     // with enrichment, threat intelligence and triage; names with dots
  kIndex,      // as a sink writes it: names with colons, threat:triage:level beside threat:triage:score
};
std::string_view to_string(Stage stage);  // "parse"
std::optional<Stage> stage_from(std::string_view text);

// One record of a source: a line of a file, a message of a topic. The worker copies what it needs before accept()
// returns.
struct Record {
  std::string_view
      source;  // names the stream for good ("file:/var/log/squid/access.log", "kafka:squid/0"): part of document ids
  int64_t offset = 0;      // of the record in its source; unique there
  std::string_view bytes;  // without the line end; any bytes
  std::string_view topic;  // metadata, where the source has it; "" = none
  std::string_view key;    // of a Kafka record: a JSON map that becomes metadata; "" = none
};

// One document to be written. An id is the same each time a record is processed, so a replay overwrites:
// SENSOR:DIGEST:OFFSET:N, DIGEST being 16 hexadecimal digits of the source's SHA-256 and N counting the messages (and
// the parts that could not be parsed) of the record; error documents beside a message have N.1, N.2 …
struct OutputDocument {
  std::string id;
  bool is_error = false;  // an error document (source.type "error")
  std::string json;       // one object, no line break
};

// All that came of one record: none (filtered, nothing in it), one, or several documents. When all are stored, so may
// be `offset`.
struct FinishedRecord {
  std::string source;
  int64_t offset = 0;
  size_t bytes = 0;  // of the record
  std::vector<OutputDocument> documents;
};

// A model call that a worker waits for. The driver carries it out and brings the answer to Worker::answer(). It must
// answer every call, within the deadline of its client: the worker keeps no time.
struct ModelCall {
  uint64_t id = 0;
  std::string model;
  std::string version;
  std::string url;                                         // of the chosen endpoint
  std::string function;                                    // as the expression wrote it
  std::string path;                                        // the alias resolved by the endpoint
  std::vector<std::pair<std::string, std::string>> query;  // not yet URL-encoded
};

}  // namespace modelyard::pipeline
