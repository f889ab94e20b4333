// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"
#include "stellar/functions/helpers.h"
#include "stellar/functions/validators.h"

namespace modelyard::stellar {
namespace {

// No argument and null are false; anything else is tested by its text.
template <bool (*Test)(std::string_view)>
Value test(Call& call) {
  if (call.at(0).is_null()) return Value::boolean(false);
  return Value::boolean(Test(text_of(call.arena, call[0])));
}

Value is_ip(Call& call) {
  if (call.at(0).is_null()) return Value::boolean(false);
  const std::string_view text = text_of(call.arena, call[0]);
  bool four = false;
  bool six = false;
  const auto wants = [&](Value type) {
    const std::string_view name = type.is_null() ? std::string_view() : text_of(call.arena, type);
    const bool only_four = equal_ignoring_case_ascii(name, "IPV4");
    const bool only_six = equal_ignoring_case_ascii(name, "IPV6");
    four = four || !only_six;
    six = six || !only_four;
  };
  const Value type = call.at(1);
  const bool listed = type.is_collection() && (type.is_list() ? type.list().size : type.map().count) > 0;
  if (listed) {
    for_each_item(type, wants);
  } else {
    wants(type.is_collection() ? Value::null() : type);
  }
  return Value::boolean((four && is_valid_ipv4(text)) || (six && is_valid_ipv6(text)));
}

void add(FunctionRegistry& registry, std::string_view name, std::string_view category, std::string_view description,
         Value (*run)(Call&), std::vector<Example> examples) {
  registry.add({.name = name,
                .category = category,
                .description = description,
                .parameters = {{"value", "any", "what is tested by its text; null gives false", true}},
                .returns = "bool",
                .examples = std::move(examples),
                .run = run,
                .reads_only = true});
}

}  // namespace

void register_validation_functions(FunctionRegistry& registry) {
  add(registry, "IS_DOMAIN", "network", "Whether a text is a domain name under a known top-level domain.",
      test<is_valid_domain>, {{"IS_DOMAIN('www.example.org')", "true"}, {"IS_DOMAIN('localhost')", "false"}});
  add(registry, "IS_EMAIL", "network", "Whether a text is an e-mail address.", test<is_valid_email>,
      {{"IS_EMAIL('a.b@example.org')", "true"}, {"IS_EMAIL('a@b@c')", "false"}});
  add(registry, "IS_URL", "network", "Whether a text is a URL (http, https, ftp) of a public host.", test<is_valid_url>,
      {{"IS_URL('http://www.example.org:8080/a?b=c')", "true"}, {"IS_URL('example.org')", "false"}});
  add(registry, "IS_INTEGER", "core",
      "Whether a text is a whole number of 64 bits; grouping commas and blanks around are allowed.",
      test<is_valid_long>, {{"IS_INTEGER('1,000')", "true"}, {"IS_INTEGER('1.0')", "false"}});
  registry.add({.name = "IS_IP",
                .category = "network",
                .description = "Whether a text is an IP address.",
                .parameters = {{"value", "any", "the address; null gives false", true},
                               {"type", "string", "IPV4 or IPV6, or a list of them; default both", true}},
                .returns = "bool",
                .examples = {{"IS_IP('10.1.2.3')", "true"}, {"IS_IP('::1', 'IPV4')", "false"}},
                .run = is_ip,
                .reads_only = true});
}

}  // namespace modelyard::stellar
