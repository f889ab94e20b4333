// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/strings.h"
#include "json/tree.h"
#include "json/writer.h"
#include "registry/zookeeper/layout.h"

// The JSON of Curator's service discovery, as the reference's clients read and write it.
namespace modelyard::registry::zookeeper {
namespace {

constexpr std::string_view kPayloadClass = "org.apache.metron.maas.config.ModelEndpoint";

// scheme://HOST[:PORT]rest. Endpoints may have any scheme, so this is no matter of the HTTP client's url parser.
struct UrlParts {
  std::string before;  // "http://", with user information where there is some
  std::string host;    // without brackets
  std::string after;   // ":8080/path"
  std::optional<int64_t> port;
};

std::optional<UrlParts> take_apart(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return std::nullopt;
  const size_t begin = scheme + 3;
  const size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const size_t user = url.substr(begin, end - begin).rfind('@');
  const size_t host = user == std::string_view::npos ? begin : begin + user + 1;
  const std::string_view rest = url.substr(host, end - host);
  const bool bracketed = rest.starts_with('[');
  const size_t host_end = bracketed ? rest.find(']') : std::min(rest.find(':'), rest.size());
  if (host_end == std::string_view::npos) return std::nullopt;
  UrlParts parts;
  parts.before = url.substr(0, host);
  parts.host = bracketed ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  parts.after = url.substr(host + host_end + (bracketed ? 1 : 0));
  if (parts.host.empty()) return std::nullopt;
  const std::string_view port = rest.substr(host_end + (bracketed ? 1 : 0));
  if (port.starts_with(':')) parts.port = parse_int(port.substr(1));
  if (parts.port && (*parts.port < 0 || *parts.port > 65'535)) return std::nullopt;
  if (!parts.port && parts.before.starts_with("https:")) parts.port = 443;
  if (!parts.port && parts.before.starts_with("http:")) parts.port = 80;
  return parts;
}

bool is_local_v4(uint32_t address) { return address == 0 || (address >> 24) == 127; }

// What means "this machine" to whoever reads it: loopback and any-address, in any spelling.
bool is_local_host(std::string host) {
  host = to_lower_ascii(host);
  while (host.ends_with('.')) host.pop_back();
  if (host.empty() || host == "localhost" || host.ends_with(".localhost") || host == "localhost.localdomain" ||
      host == "ip6-localhost" || host == "ip6-loopback")
    return true;
  in_addr v4{};
  // inet_aton knows the short spellings too: 127.1, 0.
  if (inet_aton(host.c_str(), &v4) != 0) return is_local_v4(ntohl(v4.s_addr));
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6)) return true;
  if (!IN6_IS_ADDR_V4MAPPED(&v6)) return false;
  return v6.s6_addr[12] == 127 || (v6.s6_addr[12] | v6.s6_addr[13] | v6.s6_addr[14] | v6.s6_addr[15]) == 0;
}

std::string public_host(const Endpoint& endpoint) {
  if (!is_local_host(endpoint.host)) return endpoint.host;
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? std::string(name.data()) : endpoint.host;
}

void write_payload(json::Writer& out, const Endpoint& endpoint, const std::string& url) {
  out.begin_object();
  out.key("@class");
  out.string(kPayloadClass);
  out.key("endpoint");
  out.begin_object();
  out.key("url");
  out.string(url);
  out.key("functions");
  out.begin_object();
  for (const auto& [alias, path] : endpoint.functions) {
    out.key(alias);
    out.string(path);
  }
  if (endpoint.functions.empty()) {
    out.key("apply");
    out.string("apply");
  }
  out.end_object();
  out.end_object();
  out.key("name");
  out.string(endpoint.name);
  out.key("version");
  out.string(endpoint.version);
  out.key("containerId");
  out.string(endpoint.id);
  out.end_object();
}

tl::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kProtocol, "not an endpoint: " + std::string(what));
}

// The member's text; nothing if it is absent, null or no string.
std::optional<std::string> text_in(const json::Tree& object, std::string_view key) {
  if (!object.is_object()) return std::nullopt;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

const json::Tree* object_in(const json::Tree& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() || !found->is_object() ? nullptr : &*found;
}

Status read_functions(const json::Tree& endpoint, std::map<std::string, std::string>& out) {
  const auto found = endpoint.find("functions");
  if (found != endpoint.end() && !found->is_null()) {
    if (!found->is_object()) return malformed("payload.endpoint.functions must be an object of strings");
    for (const auto& [alias, path] : found->items()) {
      if (!path.is_string()) return malformed("payload.endpoint.functions must be an object of strings");
      out.emplace(alias, path.get<std::string>());
    }
  }
  if (out.empty()) out.emplace("apply", "apply");
  return {};
}

}  // namespace

std::string to_discovery_json(const Endpoint& endpoint, int64_t registered_ms) {
  auto parts = take_apart(endpoint.url);
  std::string url = endpoint.url;
  std::string address = parts ? parts->host : std::string();
  if (!parts || is_local_host(parts->host)) {
    address = public_host(endpoint);
    const bool v6 = address.find(':') != std::string::npos;
    if (parts) url = parts->before + (v6 ? "[" + address + "]" : address) + parts->after;
  }
  std::string text;
  json::Writer out(text);
  out.begin_object();
  out.key("name");
  out.string(endpoint.name);
  out.key("id");
  out.string(endpoint.id);
  out.key("address");
  out.string(address);
  out.key("port");
  if (parts && parts->port) {
    out.number(*parts->port);
  } else {
    out.null();
  }
  out.key("sslPort");
  out.null();
  out.key("payload");
  write_payload(out, endpoint, url);
  out.key("registrationTimeUTC");
  out.number(registered_ms);
  out.key("serviceType");
  out.string("DYNAMIC");
  out.key("uriSpec");
  out.null();
  out.end_object();
  return text;
}

Result<Endpoint> endpoint_from_discovery(std::string_view data) {
  const auto tree = json::parse(data);
  if (!tree) return malformed(tree.error().message());
  if (!tree->is_object()) return malformed("it must be a JSON object");
  const json::Tree* payload = object_in(*tree, "payload");
  if (payload == nullptr) return malformed("payload is missing");
  const json::Tree* inner = object_in(*payload, "endpoint");
  if (inner == nullptr) return malformed("payload.endpoint is missing");
  auto url = text_in(*inner, "url");
  if (!url || url->empty()) return malformed("payload.endpoint.url is missing");
  auto name = text_in(*payload, "name");
  if (!name) name = text_in(*tree, "name");
  if (!name || name->empty()) return malformed("payload.name is missing");
  auto version = text_in(*payload, "version");
  if (!version) return malformed("payload.version is missing");
  auto id = text_in(*payload, "containerId");
  if (!id) id = text_in(*tree, "id");
  if (!id || id->empty()) return malformed("payload.containerId is missing");
  Endpoint endpoint{.id = std::move(*id), .name = std::move(*name), .version = std::move(*version)};
  if (auto address = text_in(*tree, "address"); address && !address->empty()) {
    endpoint.host = std::move(*address);
  } else if (auto parts = take_apart(*url)) {
    endpoint.host = std::move(parts->host);
  }
  endpoint.url = std::move(*url);
  MY_TRY_VOID(read_functions(*inner, endpoint.functions));
  return endpoint;
}

}  // namespace modelyard::registry::zookeeper
