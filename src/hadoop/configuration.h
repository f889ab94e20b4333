// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace modelyard::hadoop {

struct Address {
  std::string host;  // an IPv6 address without its brackets
  uint16_t port = 0;
  std::string text() const;  // "nn1:8020", "[::1]:8020"
  bool operator==(const Address&) const = default;
};
// "host:port", "host" (with the default), "[::1]:port". kInvalidArgument.
Result<Address> parse_address(std::string_view text, uint16_t default_port);

struct WebAddress {
  bool https = false;
  Address at;
  std::string url() const;  // "http://nn1:9870"
  bool operator==(const WebAddress&) const = default;
};

// One HDFS, as its clients address it.
struct FileSystemAddress {
  struct NameNode {
    std::string id;  // "nn1"; "" when there is one
    Address rpc;
    WebAddress web;
  };
  std::string nameservice;            // of a highly available one; "" = none
  std::vector<NameNode> name_nodes;   // at least one
  std::string uri() const;            // "hdfs://nn1:8020", "hdfs://cluster"
  std::string token_service() const;  // for a delegation token: "ha-hdfs:cluster"; "" = the address as resolved
};

struct ResourceManagerAddress {
  std::string id;     // "rm1"; "" when there is one
  Address client;     // 8032
  Address scheduler;  // 8030
  WebAddress web;     // 8088, https 8090
};

// What hadoop.rpc.protection says; the server offers exactly these.
enum class Protection { kAuthentication, kIntegrity, kPrivacy };

// The cluster's site files as Hadoop's own Configuration reads them: core-site.xml, hdfs-site.xml, yarn-site.xml in
// this order, later ones win unless a property is final, ${key}, ${env.NAME} and ${user.name} in values. An absent file
// is passed over. Not read: the defaults inside Hadoop's jars (the few that matter are in the getters), xi:include
// (refused by name), truststores in Java's own format. Immutable after load().
//
// Every error names the file and the key.
class Configuration {
 public:
  using Environment = std::function<std::optional<std::string>(const std::string&)>;

  // $HADOOP_CONF_DIR, $YARN_CONF_DIR (its yarn-site.xml wins) or, where neither is set, $HADOOP_HOME/etc/hadoop,
  // /etc/hadoop/conf. kNotFound says what to set.
  static Result<Configuration> load_from_environment(const Environment& environment);
  static Result<Configuration> load(const std::vector<std::filesystem::path>& folders, const Environment& environment);

  // One document; `name` is how errors call it. Blocks on nothing.
  Status add(std::string_view xml, const std::string& name);
  explicit Configuration(Environment environment) : environment_(std::move(environment)) {}

  // With its variables put in; nothing when it is absent or empty. A variable that nobody defines stays as written.
  std::optional<std::string> find(std::string_view key) const;
  std::string text(std::string_view key, std::string_view fallback = "") const;
  Result<bool> flag(std::string_view key, bool fallback) const;
  Result<int64_t> integer(std::string_view key, int64_t fallback) const;
  // Separated by commas, trimmed, empty ones left out.
  std::vector<std::string> list(std::string_view key) const;
  // "yarn-site.xml: yarn.http.policy"; the key alone when it is set nowhere.
  std::string place(std::string_view key) const;
  // Where it was read: "/etc/hadoop/conf".
  const std::string& source() const { return source_; }

  // fs.defaultFS.
  Result<FileSystemAddress> default_file_system() const;
  // "hdfs://host:port/…" or "hdfs://nameservice/…"; the web address of a host that the files do not name is the default
  // port there.
  Result<FileSystemAddress> file_system(std::string_view uri) const;
  Result<std::vector<ResourceManagerAddress>> resource_managers() const;
  Result<std::vector<Protection>> rpc_protection() const;
  Result<bool> is_kerberos() const;
  // $HADOOP_USER_NAME, else the user this process is, else $USER, $LOGNAME: a host's name service may be out of reach.
  std::string user() const;
  // The timeline server's REST address (version 1) where yarn.timeline-service.enabled is true.
  Result<std::optional<WebAddress>> timeline() const;

 private:
  struct Property {
    std::string value;
    std::string file;
    bool final = false;
  };

  std::string substituted(std::string_view key, std::string value) const;
  std::optional<std::string> variable(const std::string& name) const;
  Result<bool> uses_https(std::string_view policy_key) const;
  Result<Address> address(const std::string& key, std::string_view host_instead, uint16_t default_port) const;
  Result<FileSystemAddress> nameservice(const std::string& name) const;
  Result<FileSystemAddress::NameNode> name_node(const std::string& suffix, std::string_view host, uint16_t port) const;
  Result<ResourceManagerAddress> resource_manager(const std::string& id) const;
  tl::unexpected<Error> wrong(std::string_view key, std::string_view why) const;

  Environment environment_;
  std::map<std::string, Property, std::less<>> properties_;
  std::string source_;
};

}  // namespace modelyard::hadoop
