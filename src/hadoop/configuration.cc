// SPDX-License-Identifier: Apache-2.0
#include "hadoop/configuration.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "base/strings.h"

namespace modelyard::hadoop {
namespace {

constexpr uint16_t kNameNodeRpc = 8020;
constexpr uint16_t kNameNodeHttp = 9870;
constexpr uint16_t kNameNodeHttps = 9871;

bool is_any_address(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

// "hdfs://nn1:8020/a" -> {"hdfs", "nn1:8020"}
struct UriParts {
  std::string scheme;
  std::string authority;
};
std::optional<UriParts> parts_of(std::string_view uri) {
  const size_t colon = uri.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view rest = uri.substr(colon + 3);
  return UriParts{to_lower_ascii(uri.substr(0, colon)), std::string(rest.substr(0, rest.find('/')))};
}

}  // namespace

std::string Address::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string WebAddress::url() const { return (https ? "https://" : "http://") + at.text(); }

Result<Address> parse_address(std::string_view text, uint16_t default_port) {
  const auto bad = [&] { return fail(ErrorCode::kInvalidArgument, fmt::format("must be HOST:PORT, not '{}'", text)); };
  Address out{"", default_port};
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return bad();
    out.host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return bad();
    if (!rest.empty()) port = rest.substr(1);
    if (!rest.empty() && port.empty()) return bad();
  } else {
    const size_t colon = text.find(':');
    out.host = text.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = text.substr(colon + 1);
      if (port.empty()) return bad();
    }
  }
  if (out.host.empty() || out.host.find_first_of(" \t\r\n/@") != std::string::npos) return bad();
  if (!port.empty()) {
    const auto number = parse_int(port);
    if (!number || *number < 1 || *number > 65535) return bad();
    out.port = static_cast<uint16_t>(*number);
  }
  return out;
}

std::string FileSystemAddress::uri() const {
  return "hdfs://" + (nameservice.empty() ? name_nodes.at(0).rpc.text() : nameservice);
}

std::string FileSystemAddress::token_service() const { return nameservice.empty() ? "" : "ha-hdfs:" + nameservice; }

Result<bool> Configuration::uses_https(std::string_view policy_key) const {
  const std::string policy = text(policy_key, "HTTP_ONLY");
  if (policy == "HTTPS_ONLY") return true;
  if (policy == "HTTP_ONLY" || policy == "HTTP_AND_HTTPS") return false;
  return wrong(policy_key, fmt::format("must be HTTP_ONLY, HTTPS_ONLY or HTTP_AND_HTTPS, not '{}'", policy));
}

// The address under a key; where it is absent or says "every address" the host is another key's.
Result<Address> Configuration::address(const std::string& key, std::string_view host_instead,
                                       uint16_t default_port) const {
  const auto value = find(key);
  if (!value) return Address{std::string(host_instead), default_port};
  auto parsed = parse_address(*value, default_port);
  if (!parsed) return wrong(key, parsed.error().message());
  if (is_any_address(parsed->host)) parsed->host = host_instead;
  return *parsed;
}

Result<FileSystemAddress::NameNode> Configuration::name_node(const std::string& suffix, std::string_view host,
                                                             uint16_t port) const {
  FileSystemAddress::NameNode node;
  MY_TRY(node.rpc, address("dfs.namenode.rpc-address" + suffix, host, port));
  MY_TRY(node.web.https, uses_https("dfs.http.policy"));
  if (node.web.https) {
    MY_TRY(node.web.at, address("dfs.namenode.https-address" + suffix, node.rpc.host, kNameNodeHttps));
  } else {
    MY_TRY(node.web.at, address("dfs.namenode.http-address" + suffix, node.rpc.host, kNameNodeHttp));
  }
  return node;
}

Result<FileSystemAddress> Configuration::nameservice(const std::string& name) const {
  const std::string ids_key = "dfs.ha.namenodes." + name;
  FileSystemAddress out;
  const std::vector<std::string> ids = list(ids_key);
  if (ids.empty()) {
    // A nameservice of a single NameNode: federation.
    const std::string suffix = "." + name;
    if (!find("dfs.namenode.rpc-address" + suffix))
      return wrong(ids_key, fmt::format("is not set, so the NameNodes of hdfs://{} are not known", name));
    MY_TRY(auto node, name_node(suffix, "", kNameNodeRpc));
    out.name_nodes.push_back(std::move(node));
    return out;
  }
  out.nameservice = name;
  for (const std::string& id : ids) {
    const std::string suffix = fmt::format(".{}.{}", name, id);
    if (!find("dfs.namenode.rpc-address" + suffix))
      return wrong("dfs.namenode.rpc-address" + suffix, fmt::format("is not set, though {} names it", place(ids_key)));
    MY_TRY(auto node, name_node(suffix, "", kNameNodeRpc));
    if (node.rpc.host.empty()) return wrong("dfs.namenode.rpc-address" + suffix, "names no host");
    node.id = id;
    out.name_nodes.push_back(std::move(node));
  }
  return out;
}

Result<FileSystemAddress> Configuration::file_system(std::string_view uri) const {
  const auto parts = parts_of(uri);
  if (!parts || parts->authority.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no address of an HDFS: hdfs://HOST:PORT or hdfs://NAMESERVICE", uri));
  }
  if (parts->scheme != "hdfs") {
    return fail(ErrorCode::kUnsupported,
                fmt::format("'{}': the file system {} is not spoken; only hdfs:// is", uri, parts->scheme));
  }
  for (const char* key : {"dfs.nameservices", "dfs.internal.nameservices"}) {
    for (const std::string& name : list(key)) {
      if (name == parts->authority) return nameservice(name);
    }
  }
  MY_TRY(const Address rpc, parse_address(parts->authority, kNameNodeRpc));
  FileSystemAddress out;
  out.name_nodes.emplace_back();
  out.name_nodes[0].rpc = rpc;
  // The files' web address is that of the default file system; of another only the default port can be guessed.
  const auto own = parts_of(text("fs.defaultFS"));
  const bool is_default = own && own->authority == parts->authority;
  MY_TRY(FileSystemAddress::NameNode configured, name_node("", rpc.host, rpc.port));
  out.name_nodes[0].web = configured.web;
  if (!is_default && configured.web.at.host != rpc.host)
    out.name_nodes[0].web.at = {rpc.host, configured.web.https ? kNameNodeHttps : kNameNodeHttp};
  return out;
}

Result<FileSystemAddress> Configuration::default_file_system() const {
  auto uri = find("fs.defaultFS");
  const std::string key = uri ? "fs.defaultFS" : "fs.default.name";
  if (!uri) uri = find(key);
  if (!uri) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("fs.defaultFS is not set in core-site.xml of {}",
                                                         source_.empty() ? "the cluster" : source_));
  }
  auto found = file_system(*uri);
  if (!found) return fail(std::move(found).error().with_context(place(key)));
  return found;
}

Result<ResourceManagerAddress> Configuration::resource_manager(const std::string& id) const {
  const std::string suffix = id.empty() ? "" : "." + id;
  ResourceManagerAddress out;
  out.id = id;
  std::string host = text("yarn.resourcemanager.hostname" + suffix);
  if (host.empty()) {
    const auto named = find("yarn.resourcemanager.address" + suffix);
    if (named) {
      auto parsed = parse_address(*named, 8032);
      if (parsed) host = parsed->host;
    } else if (!id.empty()) {
      return wrong("yarn.resourcemanager.hostname" + suffix,
                   fmt::format("is not set, though {} names it", place("yarn.resourcemanager.ha.rm-ids")));
    }
  }
  if (host.empty() || is_any_address(host)) host = "localhost";  // Hadoop's default is "this machine"
  MY_TRY(out.client, address("yarn.resourcemanager.address" + suffix, host, 8032));
  MY_TRY(out.scheduler, address("yarn.resourcemanager.scheduler.address" + suffix, host, 8030));
  MY_TRY(out.web.https, uses_https("yarn.http.policy"));
  if (out.web.https) {
    MY_TRY(out.web.at, address("yarn.resourcemanager.webapp.https.address" + suffix, host, 8090));
  } else {
    MY_TRY(out.web.at, address("yarn.resourcemanager.webapp.address" + suffix, host, 8088));
  }
  return out;
}

Result<std::vector<ResourceManagerAddress>> Configuration::resource_managers() const {
  std::vector<ResourceManagerAddress> out;
  MY_TRY(const bool ha, flag("yarn.resourcemanager.ha.enabled", false));
  if (!ha) {
    MY_TRY(auto one, resource_manager(""));
    out.push_back(std::move(one));
    return out;
  }
  const std::vector<std::string> ids = list("yarn.resourcemanager.ha.rm-ids");
  if (ids.empty()) return wrong("yarn.resourcemanager.ha.rm-ids", "is not set, though high availability is on");
  for (const std::string& id : ids) {
    MY_TRY(auto one, resource_manager(id));
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<Protection>> Configuration::rpc_protection() const {
  std::vector<Protection> out;
  for (const std::string& word : list("hadoop.rpc.protection")) {
    if (word == "authentication")
      out.push_back(Protection::kAuthentication);
    else if (word == "integrity")
      out.push_back(Protection::kIntegrity);
    else if (word == "privacy")
      out.push_back(Protection::kPrivacy);
    else
      return wrong("hadoop.rpc.protection",
                   fmt::format("must be authentication, integrity or privacy, not '{}'", word));
  }
  if (out.empty()) out.push_back(Protection::kAuthentication);
  return out;
}

Result<bool> Configuration::is_kerberos() const {
  const std::string kind = text("hadoop.security.authentication", "simple");
  if (kind == "kerberos") return true;
  if (kind == "simple") return false;
  return wrong("hadoop.security.authentication", fmt::format("must be simple or kerberos, not '{}'", kind));
}

std::string Configuration::user() const {
  if (const auto named = environment_("HADOOP_USER_NAME")) return *named;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> room(4096);
  if (::getpwuid_r(::geteuid(), &entry, room.data(), room.size(), &found) == 0 && found) return found->pw_name;
  for (const char* name : {"USER", "LOGNAME"}) {
    if (const auto value = environment_(name)) return *value;
  }
  return std::to_string(::geteuid());
}

Result<std::optional<WebAddress>> Configuration::timeline() const {
  MY_TRY(const bool enabled, flag("yarn.timeline-service.enabled", false));
  if (!enabled) return std::optional<WebAddress>();
  std::string host = text("yarn.timeline-service.hostname");
  if (host.empty() || is_any_address(host)) host = "localhost";
  WebAddress out;
  MY_TRY(out.https, uses_https("yarn.http.policy"));
  if (out.https) {
    MY_TRY(out.at, address("yarn.timeline-service.webapp.https.address", host, 8190));
  } else {
    MY_TRY(out.at, address("yarn.timeline-service.webapp.address", host, 8188));
  }
  return std::optional(out);
}

}  // namespace modelyard::hadoop
