// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "configuration/reader.h"

namespace modelyard::configuration {
namespace {

// Reads the three ways to write Stellar assignments (pipeline 6.2): {field: expr}, ["field := expr"], {group: either of
// them}.
class StellarReader {
 public:
  StellarReader(const Document& document, Problems& problems) : document_(document), problems_(problems) {}

  std::vector<StellarGroup> read(const json::Tree& config, const Path& path) {
    std::vector<StellarGroup> groups;
    StellarGroup unnamed;
    if (config.is_array()) {
      list(config, path, unnamed);
    } else if (config.is_object()) {
      for (const auto& [key, value] : config.items()) {
        const Path here = below(path, key);
        if (value.is_string()) {
          unnamed.assignments.push_back({key, value.get<std::string>(), here, 0});
          continue;
        }
        StellarGroup group{.name = key, .assignments = {}};
        if (value.is_object()) {
          members(value, here, group);
        } else if (value.is_array()) {
          list(value, here, group);
        } else if (!value.is_null()) {
          refuse(here, "an expression is a string; a group is an object or a list of \"field := expression\"");
        }
        if (!group.assignments.empty()) groups.push_back(std::move(group));
      }
    } else if (!config.is_null()) {
      refuse(path, "\"config\" of stellar is an object or a list of \"field := expression\"");
    }
    if (!unnamed.assignments.empty()) groups.insert(groups.begin(), std::move(unnamed));
    return groups;
  }

 private:
  static Path below(Path path, std::string step) {
    path.push_back(std::move(step));
    return path;
  }
  void refuse(const Path& path, std::string_view why) { problems_.errors.push_back(document_.at_value(path, why)); }

  void members(const json::Tree& object, const Path& path, StellarGroup& group) {
    for (const auto& [key, value] : object.items()) {
      const Path here = below(path, key);
      if (value.is_string()) {
        group.assignments.push_back({key, value.get<std::string>(), here, 0});
      } else if (!value.is_null()) {
        refuse(here, "an expression is a string");
      }
    }
  }

  void list(const json::Tree& items, const Path& path, StellarGroup& group) {
    for (size_t i = 0; i < items.size(); ++i) {
      const Path here = below(path, std::to_string(i));
      if (!items[i].is_string()) {
        refuse(here, "an item of the list is a string \"field := expression\"");
        continue;
      }
      const std::string text = items[i].get<std::string>();
      const size_t assign = text.find(":=");
      if (assign == std::string::npos) {
        problems_.warnings.push_back(document_.at_value(here, "without \":=\" this assigns nothing and is skipped"));
        continue;
      }
      const std::string_view field = trim_ascii(std::string_view(text).substr(0, assign));
      group.assignments.push_back({std::string(field), text.substr(assign + 2), here, assign + 2});
    }
  }

  const Document& document_;
  Problems& problems_;
};

std::vector<std::string> fields_of(const json::Tree& list) {
  std::vector<std::string> out;
  for (const json::Tree& item : list) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

void read_field_map(ObjectReader& in, const Document& document, bool threat_intel, EnrichmentSection& out,
                    Problems& problems) {
  static const std::vector<std::string> kEnrichment{"geo", "host", "hbaseEnrichment", "stellar"};
  static const std::vector<std::string> kThreatIntel{"hbaseThreatIntel", "stellar"};
  const std::vector<std::string>& known = threat_intel ? kThreatIntel : kEnrichment;
  in.object("fieldMap");
  ObjectReader map(document, in.path_to("fieldMap"), problems);
  for (const auto& [name, value] : map.tree().items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const auto meant = nearest(name, known);
      map.refuse_key(name,
                     fmt::format("no adapter is named \"{}\"{}; there are {}", name,
                                 meant ? fmt::format(" (is \"{}\" meant?)", *meant) : "", fmt::join(known, ", ")));
      continue;
    }
    const json::Tree* config = &value;
    Path path = map.path_to(name);
    if (value.is_object()) {
      ObjectReader object(document, path, problems);
      const std::string type = object.text("type", name == "stellar" ? "STELLAR" : "LIST");
      if (type != "STELLAR" && type != "LIST") object.refuse("type", "\"type\" is STELLAR or LIST");
      config = object.member("config");
      path.emplace_back("config");
      object.finish();
      if (config == nullptr) continue;
    }
    if (name == "stellar") {
      out.stellar = StellarReader(document, problems).read(*config, path);
    } else if (config->is_array()) {
      out.adapters.emplace_back(name, fields_of(*config));
    } else if (!config->is_null()) {
      problems.errors.push_back(document.at_value(path, "a list of field names belongs here"));
    }
  }
}

EnrichmentSection read_section(ObjectReader& in, const Document& document, bool threat_intel, Problems& problems) {
  EnrichmentSection out;
  read_field_map(in, document, threat_intel, out, problems);
  in.object("fieldToTypeMap");
  ObjectReader types(document, in.path_to("fieldToTypeMap"), problems);
  for (const auto& [field, value] : types.tree().items()) out.field_to_type.emplace(field, types.texts(field));
  out.config = in.object("config");
  return out;
}

RiskLevelRule read_rule(const Document& document, Path path, Problems& problems) {
  ObjectReader in(document, path, problems);
  RiskLevelRule out;
  out.path = std::move(path);
  out.has_name = in.has("name");
  out.name = in.text("name");
  out.has_comment = in.has("comment");
  out.comment = in.text("comment");
  in.require("rule");
  out.rule = in.text("rule");
  in.require("score");
  if (const json::Tree* score = in.member("score"); score != nullptr) {
    out.score_is_text = score->is_string();
    if (!score->is_string() && !score->is_number()) in.refuse("score", "\"score\" is a number or an expression");
    out.score = in.text("score");
  }
  out.reason = in.text("reason");
  in.finish();
  return out;
}

TriageConfig read_triage(const Document& document, const Path& path, Problems& problems) {
  static constexpr std::array<std::pair<std::string_view, Aggregator>, 5> kAggregators{
      {{"MAX", Aggregator::kMax},
       {"MIN", Aggregator::kMin},
       {"SUM", Aggregator::kSum},
       {"MEAN", Aggregator::kMean},
       {"POSITIVE_MEAN", Aggregator::kPositiveMean}}};
  ObjectReader in(document, path, problems);
  TriageConfig out;
  if (const json::Tree* rules = in.member("riskLevelRules"); rules != nullptr && !rules->is_array()) {
    in.refuse("riskLevelRules", "\"riskLevelRules\" must be a list […]");
  } else if (rules != nullptr) {
    for (size_t i = 0; i < rules->size(); ++i) {
      Path here = in.path_to("riskLevelRules");
      here.push_back(std::to_string(i));
      RiskLevelRule rule = read_rule(document, here, problems);
      const bool again = std::any_of(out.rules.begin(), out.rules.end(),
                                     [&](const RiskLevelRule& other) { return other.rule == rule.rule; });
      if (again) {
        problems.warnings.push_back(document.at_value(here, "the same rule stands above and only that one counts"));
      } else {
        out.rules.push_back(std::move(rule));
      }
    }
  }
  const std::string name = in.text("aggregator", "MAX");
  const auto found =
      std::find_if(kAggregators.begin(), kAggregators.end(), [&](const auto& one) { return one.first == name; });
  if (found == kAggregators.end()) {
    in.refuse("aggregator", "\"aggregator\" is MAX, MIN, SUM, MEAN or POSITIVE_MEAN, in capitals");
  } else {
    out.aggregator = found->second;
  }
  in.object("aggregationConfig");
  ObjectReader config(document, in.path_to("aggregationConfig"), problems);
  out.negative_values_trump = config.flag("negativeValuesTrump", true);
  in.finish();
  return out;
}

}  // namespace

EnrichmentConfig read_enrichment(DocumentPtr document, Problems& problems) {
  EnrichmentConfig out;
  ObjectReader in(*document, {}, problems);
  in.object("enrichment");
  ObjectReader enrichment(*document, in.path_to("enrichment"), problems);
  out.enrichment = read_section(enrichment, *document, false, problems);
  enrichment.finish();
  in.object("threatIntel");
  ObjectReader threat_intel(*document, in.path_to("threatIntel"), problems);
  out.threat_intel = read_section(threat_intel, *document, true, problems);
  threat_intel.object("triageConfig");
  out.triage = read_triage(*document, threat_intel.path_to("triageConfig"), problems);
  threat_intel.finish();
  out.configuration = in.object("configuration");
  in.finish();
  out.document = std::move(document);
  return out;
}

}  // namespace modelyard::configuration
