// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/clock.h"
#include "cli/remote.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

// A value as a person reads it: text without quotes, everything else as JSON.
std::string shown(const json::Tree& value) { return value.is_string() ? value.get<std::string>() : json::dump(value); }

std::string member(const json::Tree& document, std::string_view key) {
  const auto at = document.find(key);
  return at == document.end() || at->is_null() ? "" : shown(*at);
}

std::string when(const json::Tree& document) {
  const int64_t ms = json::get_int(document, "timestamp", -1);
  return ms < 0 ? member(document, "timestamp") : to_iso8601(from_epoch_ms(ms));
}

std::string excerpt(const json::Tree& document) {
  for (const std::string_view key : {"original_string", "raw_message", "message"}) {
    if (std::string text = member(document, key); !text.empty()) return text;
  }
  return json::dump(document);
}

Status run(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  MY_TRY(Remote remote, Remote::open(invocation));
  const int64_t limit = arguments.integer("limit").value_or(100);
  const std::string query = fmt::format("{}", fmt::join(arguments.positionals(), " "));
  std::string alert;
  if (arguments.has("alerts")) alert = "true";
  const std::vector<std::pair<std::string, std::string>> filter{
      {"q", query}, {"sensor", arguments.text("sensor").value_or("")}, {"alert", alert}};
  Output& out = invocation.out();
  if (invocation.wants_json()) {
    // Written as it comes: a large answer is never whole in memory.
    std::string_view before = "[";
    MY_TRY_VOID(remote.get_pages("/api/v1/documents", filter, limit, [&](const json::Tree& page) {
      for (const json::Tree& document : page) {
        out.write(before);
        out.write(out.is_terminal() ? json::dump_pretty(document) : json::dump(document));
        before = ",\n";
      }
    }));
    out.line(before == "[" ? "[]" : "]");
    return {};
  }
  Table table({"AT", "SENSOR", "SCORE", "EVENT"});
  table.right(2);
  MY_TRY_VOID(remote.get_pages("/api/v1/documents", filter, limit, [&](const json::Tree& page) {
    for (const json::Tree& document : page) {
      table.row({when(document), member(document, "source:type"), member(document, "threat:triage:score"),
                 printable(excerpt(document))});
    }
  }));
  if (table.empty()) {
    out.line("No document matches.");
  } else {
    out.write(table.str());
  }
  return {};
}

}  // namespace

void register_search(CommandSet& commands) {
  commands.add(
      {.name = "search",
       .group = "Stream",
       .summary = "find stored documents, newest first",
       .text =
           "QUERY is full text over all values of a document: every word must occur. `field:value` looks in one field. "
           "With no query, the newest documents. -o json prints the whole flat documents.",
       .positionals = {{.name = "QUERY", .text = "words to look for", .required = false, .repeatable = true}},
       .options = std::vector<Option>{{.name = "sensor", .value = "S", .text = "only of this sensor (source.type)"},
                                      {.name = "alerts", .kind = Option::Kind::kFlag, .text = "only alerts"},
                                      {.name = "limit",
                                       .kind = Option::Kind::kInteger,
                                       .value = "K",
                                       .text = "at most so many",
                                       .fallback = "100",
                                       .least = 1,
                                       .most = 10'000'000},
                                      output_option()} +
                  server_options(),
       .examples = {{"modelyard search yahoo.com --sensor squid -o json", "squid events that mention yahoo.com"},
                    {"modelyard search --alerts --limit 10", "the ten newest alerts"}},
       .run = run});
}

}  // namespace modelyard::cli
