// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/domain_names.h"
#include "stellar/functions/helpers.h"

namespace modelyard::stellar {
namespace {

// What stands before a dot and a suffix of this size.
std::string_view before_suffix(std::string_view name, size_t suffix_size) {
  return name.size() > suffix_size + 1 ? name.substr(0, name.size() - suffix_size - 1) : std::string_view();
}

bool usable(Call& call) {
  return is_string_or_null(call, 0) && !call.at(0).is_null() && is_domain_name(call[0].text());
}

Value remove_subdomains(Call& call) {
  if (!usable(call)) return {};
  const std::string_view name = call[0].text();
  thread_local std::string buffer;
  const std::string_view suffix = public_suffix(name, buffer);
  const std::string_view before = before_suffix(name, suffix.size());
  if (before.empty()) return Value::string(name.size() == suffix.size() ? name : call.arena.copy(suffix));
  const size_t dot = before.rfind('.');
  const std::string_view label = dot == std::string_view::npos ? before : before.substr(dot + 1);
  // Mostly the end of the name as it stands.
  const std::string_view tail = name.substr(static_cast<size_t>(label.data() - name.data()));
  if (tail.size() == label.size() + 1 + suffix.size() && tail.ends_with(suffix)) return Value::string(tail);
  return call.string(fmt::format("{}.{}", label, suffix));
}

Value remove_tld(Call& call) {
  if (!usable(call)) return {};
  thread_local std::string buffer;
  return Value::string(before_suffix(call[0].text(), public_suffix(call[0].text(), buffer).size()));
}

Value to_tld(Call& call) {
  if (!is_string_or_null(call, 0)) return {};
  if (call.at(0).is_null()) return Value::string("null");
  const std::string_view name = call[0].text();
  if (!is_domain_name(name)) {
    const size_t dot = name.rfind('.');
    return Value::string(dot == std::string_view::npos ? name : name.substr(dot + 1));
  }
  thread_local std::string buffer;
  const std::string_view suffix = public_suffix(name, buffer);
  return name.ends_with(suffix) ? Value::string(name.substr(name.size() - suffix.size())) : call.string(suffix);
}

void add(FunctionRegistry& registry, std::string_view name, std::string_view description, Value (*run)(Call&),
         std::vector<Example> examples) {
  registry.add({.name = name,
                .category = "network",
                .description = description,
                .parameters = {{"domain", "string", "a domain name"}},
                .returns = "string",
                .examples = std::move(examples),
                .run = run});
}

}  // namespace

void register_domain_functions(FunctionRegistry& registry) {
  add(registry, "DOMAIN_REMOVE_SUBDOMAINS",
      "The last label before the public suffix, and the suffix (private ones such as github.io included); null where "
      "the text is no domain name.",
      remove_subdomains,
      {{"DOMAIN_REMOVE_SUBDOMAINS('mail.yahoo.co.uk')", "\"yahoo.co.uk\""},
       {"DOMAIN_REMOVE_SUBDOMAINS('WWW.GOOGLE.COM')", "\"GOOGLE.com\""},
       {"DOMAIN_REMOVE_SUBDOMAINS('10.1.1.1')", "null"}});
  add(registry, "DOMAIN_REMOVE_TLD", "What stands before the public suffix; null where the text is no domain name.",
      remove_tld, {{"DOMAIN_REMOVE_TLD('mail.yahoo.co.uk')", "\"mail.yahoo\""}});
  add(registry, "DOMAIN_TO_TLD", "The public suffix; where the text is no domain name, what stands after its last dot.",
      to_tld, {{"DOMAIN_TO_TLD('mail.yahoo.co.uk')", "\"co.uk\""}, {"DOMAIN_TO_TLD('me.github.io')", "\"github.io\""}});
}

}  // namespace modelyard::stellar
