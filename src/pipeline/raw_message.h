// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "configuration/types.h"
#include "pipeline/message.h"
#include "pipeline/record.h"

namespace modelyard::pipeline {

// A record taken apart into what the parser gets and metadata (4.1).
struct RawMessage {
  std::string_view bytes;                           // for the parser; in the record or in `metadata`'s arena
  Message metadata;                                 // names with their prefix; empty unless readMetadata
  std::optional<std::string_view> original_string;  // of an envelope's metadata: replaces the message's always
};

// Fills `out` (cleared first). kInvalidArgument: the envelope is no JSON map, its message field is missing or no text,
// the key is no JSON map.
Status take_apart(const configuration::ParserConfig& config, const Record& record, RawMessage& out);

// DEFAULT: metadata overwrites fields of the message; ENVELOPE: it only adds missing ones.
void merge_metadata(const configuration::ParserConfig& config, const RawMessage& raw, Message& message);

}  // namespace modelyard::pipeline
