// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/helpers.h"
#include "stellar/functions/java_url.h"

namespace modelyard::stellar {
namespace {

template <typename Take>
Value of_url(Call& call, Take take) {
  if (!has_arguments(call, 1) || !is_string_or_null(call, 0)) return {};
  if (call[0].is_null()) return {};
  const std::optional<JavaUrl> url = parse_java_url(call[0].text());
  return url ? take(*url) : Value::null();
}

Value url_to_host(Call& call) {
  return of_url(call, [](const JavaUrl& url) { return Value::string(url.host); });
}
Value url_to_port(Call& call) {
  return of_url(call, [](const JavaUrl& url) { return Value::integer(url.port_or_default()); });
}
Value url_to_protocol(Call& call) {
  return of_url(call, [](const JavaUrl& url) { return Value::string(url.protocol); });
}
Value url_to_path(Call& call) {
  return of_url(call, [&](const JavaUrl& url) {
    return url.path_is_raw() ? Value::string(url.raw_path) : call.string(url.path());
  });
}

void add(FunctionRegistry& registry, std::string_view name, std::string_view description, std::string_view returns,
         Value (*run)(Call&), std::vector<Example> examples) {
  registry.add({.name = name,
                .category = "network",
                .description = description,
                .parameters = {{"url", "string", "http, https, ftp, file, jar or mailto; anything else gives null"}},
                .returns = returns,
                .examples = std::move(examples),
                .run = run});
}

}  // namespace

void register_url_functions(FunctionRegistry& registry) {
  add(registry, "URL_TO_HOST", "The host of a URL, as written.", "string", url_to_host,
      {{"URL_TO_HOST('http://user@www.example.org:8080/a?b')", "\"www.example.org\""},
       {"URL_TO_HOST('nonsense')", "null"}});
  add(registry, "URL_TO_PORT", "The port of a URL or its scheme's default; -1 where the scheme has none.", "int",
      url_to_port, {{"URL_TO_PORT('https://example.org/')", "443"}, {"URL_TO_PORT('file:///etc/hosts')", "-1"}});
  add(registry, "URL_TO_PROTOCOL", "The scheme of a URL in lower case.", "string", url_to_protocol,
      {{"URL_TO_PROTOCOL('HTTP://example.org')", "\"http\""}});
  add(registry, "URL_TO_PATH", "The path of a URL, without its query.", "string", url_to_path,
      {{"URL_TO_PATH('http://example.org/a/../b?c=d')", "\"/b\""}});
}

}  // namespace modelyard::stellar
