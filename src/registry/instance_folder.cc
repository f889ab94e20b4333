// SPDX-License-Identifier: Apache-2.0
#include "registry/instance_folder.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/strings.h"
#include "registry/json_fields.h"

namespace modelyard::registry {

using internal::Fields;

json::Tree to_json(const InstanceSpec& spec) {
  return {{"id", spec.id},
          {"incarnation", spec.incarnation},
          {"name", spec.name},
          {"version", spec.version},
          {"revision", spec.revision},
          {"payload", spec.payload},
          {"folder", spec.folder},
          {"log_folder", spec.log_folder},
          {"socket", spec.socket},
          {"memory_mb", spec.memory_mb},
          {"vcores", spec.vcores},
          {"env", spec.env},
          {"deployer_env", spec.deployer_env},
          {"digest", spec.digest},
          {"health_path", spec.health_path},
          {"endpoint_wait_ms", spec.endpoint_wait_ms},
          {"drain_ms", spec.drain_ms},
          {"term_ms", spec.term_ms},
          {"zookeeper", spec.zookeeper},
          {"zk_root", spec.zk_root},
          {"container", spec.container},
          {"log_bytes_max", spec.log_bytes_max},
          {"registry_is_embedded", spec.registry_is_embedded}};
}

Result<InstanceSpec> instance_spec_from_json(const json::Tree& tree) {
  Fields fields(tree, "instance spec");
  InstanceSpec spec;
  fields.require("id", spec.id);
  fields.read("incarnation", spec.incarnation);
  fields.require("name", spec.name);
  fields.require("version", spec.version);
  fields.read("revision", spec.revision);
  // A container's own: its runner knows them.
  fields.read("payload", spec.payload);
  fields.read("folder", spec.folder);
  fields.read("log_folder", spec.log_folder);
  fields.read("socket", spec.socket);
  fields.read("memory_mb", spec.memory_mb);
  fields.read("vcores", spec.vcores);
  fields.read("env", spec.env);
  fields.read("deployer_env", spec.deployer_env);
  fields.read("digest", spec.digest);
  fields.read("health_path", spec.health_path);
  fields.read("endpoint_wait_ms", spec.endpoint_wait_ms);
  fields.read("drain_ms", spec.drain_ms);
  fields.read("term_ms", spec.term_ms);
  fields.read("zookeeper", spec.zookeeper);
  fields.read("zk_root", spec.zk_root);
  fields.read("container", spec.container);
  fields.read("log_bytes_max", spec.log_bytes_max);
  fields.read("registry_is_embedded", spec.registry_is_embedded);
  if (spec.socket.empty() && spec.zookeeper.empty()) fields.fail("it names neither a socket nor a zookeeper");
  MY_TRY_VOID(fields.status());
  return spec;
}

std::string log_folder_of(const InstanceSpec& spec) {
  return spec.log_folder.empty() ? spec.folder + "/log" : spec.log_folder;
}

std::string runner_log_token(const std::string& application_secret, const std::string& instance_id) {
  const std::string text = "logs " + instance_id;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), application_secret.data(), static_cast<int>(application_secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return to_hex(std::string_view(reinterpret_cast<const char*>(digest), size));
}

json::Tree to_json(const RunnerReport& report) {
  json::Tree tree = {{"id", report.id},
                     {"incarnation", report.incarnation},
                     {"state", to_string(report.state)},
                     {"runner_pid", report.runner_pid},
                     {"model_pid", report.model_pid},
                     {"boot_id", report.boot_id},
                     {"runner_start_ticks", report.runner_start_ticks},
                     {"reason", report.reason},
                     {"log_tail", report.log_tail},
                     {"answers_on_loopback_only", report.answers_on_loopback_only},
                     {"log_address", report.log_address}};
  if (report.endpoint) tree["endpoint"] = to_json(*report.endpoint);
  return tree;
}

Result<RunnerReport> runner_report_from_json(const json::Tree& tree) {
  Fields fields(tree, "runner report");
  RunnerReport report;
  std::string state;
  fields.require("id", report.id);
  fields.read("incarnation", report.incarnation);
  fields.require("state", state);
  fields.read("runner_pid", report.runner_pid);
  fields.read("model_pid", report.model_pid);
  fields.read("boot_id", report.boot_id);
  fields.read("runner_start_ticks", report.runner_start_ticks);
  fields.read("reason", report.reason);
  fields.read("log_tail", report.log_tail);
  fields.read("answers_on_loopback_only", report.answers_on_loopback_only);
  fields.read("log_address", report.log_address);
  if (const auto known = instance_state_from(state)) {
    report.state = *known;
  } else {
    fields.fail("unknown state '" + state + "'");
  }
  if (const json::Tree* endpoint = fields.find("endpoint")) {
    auto read = endpoint_from_json(*endpoint);
    if (read) {
      report.endpoint = std::move(*read);
    } else {
      fields.fail(read.error());
    }
  }
  MY_TRY_VOID(fields.status());
  return report;
}

bool is_inherited_variable(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kNames = {"PATH",
                                                              "HOME",
                                                              "USER",
                                                              "LANG",
                                                              "TZ",
                                                              "TMPDIR",
                                                              "VIRTUAL_ENV",
                                                              "CONDA_PREFIX",
                                                              "LD_LIBRARY_PATH",
                                                              "CUDA_VISIBLE_DEVICES"};
  for (const std::string_view known : kNames) {
    if (name == known) return true;
  }
  if (name.starts_with("LC_") && name.size() > 3) return true;
  constexpr std::string_view kProxy = "_proxy";
  return name.size() > kProxy.size() && equal_ignoring_case_ascii(name.substr(name.size() - kProxy.size()), kProxy);
}

}  // namespace modelyard::registry
