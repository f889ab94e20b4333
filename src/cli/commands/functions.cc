// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/strings.h"
#include "cli/invocation.h"
#include "json/tree.h"
#include "stellar/functions/registry.h"

namespace modelyard::cli {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

json::Tree function_json(const stellar::Function& function) {
  json::Tree parameters = json::Tree::array();
  for (const stellar::Parameter& parameter : function.parameters) {
    parameters.push_back({{"name", parameter.name},
                          {"type", parameter.type},
                          {"description", parameter.description},
                          {"optional", parameter.optional},
                          {"repeated", parameter.repeated}});
  }
  json::Tree examples = json::Tree::array();
  for (const stellar::Example& example : function.examples) {
    examples.push_back(
        {{"expression", example.expression}, {"result", example.result}, {"variables", example.variables}});
  }
  return {{"name", function.name},    {"category", function.category}, {"description", function.description},
          {"parameters", parameters}, {"returns", function.returns},   {"examples", examples}};
}

std::string first_sentence(std::string_view text) {
  const size_t end = text.find(". ");
  return std::string(text.substr(0, end == std::string_view::npos ? text.size() : end + 1));
}

Status one(Invocation& invocation, const stellar::FunctionRegistry& registry, const std::string& name) {
  const stellar::Function* function = registry.find(name);
  if (!function) {
    std::vector<std::string> names;
    for (const stellar::Function* known : registry.all()) names.emplace_back(known->name);
    const auto near = did_you_mean(name, names);
    invocation.next_step("`modelyard functions` lists them.");
    return fail(ErrorCode::kNotFound, near ? fmt::format("no function {}; did you mean {}?", name, *near)
                                           : fmt::format("no function {}", name));
  }
  if (invocation.wants_json()) {
    invocation.out().json(function_json(*function));
  } else {
    invocation.out().write(stellar::render_help(*function));
  }
  return {};
}

Status run(Invocation& invocation) {
  const auto& registry = stellar::FunctionRegistry::standard();
  if (const std::string name = invocation.arguments().positional(0); !name.empty())
    return one(invocation, registry, upper(name));
  if (invocation.wants_json()) {
    json::Tree list = json::Tree::array();
    for (const stellar::Function* function : registry.all()) list.push_back(function_json(*function));
    invocation.out().json(list);
  } else if (invocation.arguments().text("output") == "markdown") {
    invocation.out().write(stellar::render_reference(registry));
  } else {
    Table table({"FUNCTION", "CATEGORY", "WHAT"});
    for (const stellar::Function* function : registry.all()) {
      table.row({std::string(function->name), std::string(function->category), first_sentence(function->description)});
    }
    invocation.out().write(table.str());
  }
  return {};
}

}  // namespace

void register_functions(CommandSet& commands) {
  Option output = output_option();
  output.text += ", markdown for the manual";
  output.choices.emplace_back("markdown");
  commands.add({.name = "functions",
                .group = "Stellar",
                .summary = "the reference of Stellar functions",
                .text = "Lists the functions that an expression may call, or explains one.",
                .positionals = {{.name = "NAME", .text = "explain this function", .required = false}},
                .options = {output},
                .examples = {{"modelyard functions", "which are there?"},
                             {"modelyard functions DOMAIN_REMOVE_SUBDOMAINS", "what does it do?"}},
                .run = run});
}

}  // namespace modelyard::cli
