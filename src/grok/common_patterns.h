// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace modelyard::grok {

// The text of the built-in definitions, in the form of a pattern file. Names and meaning are those that configurations
// of this kind rely on; labels inside them (UNWANTED, port, program …) decide which fields appear and are part of the
// meaning.
extern const std::string_view kCommonPatterns;

// A pattern file of config/patterns, by its name ("squid"); empty when there is none.
std::string_view shipped_patterns(std::string_view name);

}  // namespace modelyard::grok
