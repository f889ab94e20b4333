// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/result.h"
#include "cli/controller_host.h"
#include "controller/status.h"
#include "hadoop/configuration.h"
#include "hadoop/rest.h"
#include "hadoop/security/tokens.h"
#include "hadoop/yarn/ids.h"

namespace modelyard::cli {

// What the application master's container brings: yarn_application.h makes it.
struct YarnControllerOptions {
  HostOptions host;
  std::string quorum;
  std::string zk_root;
  bool take_over = false;
  controller::ReconcileOptions reconcile;
  hadoop::Configuration configuration;
  hadoop::RestOptions rest;
  hadoop::yarn::ContainerId container;  // ours
  hadoop::Credentials credentials;      // ours: the master's token, the installation's secret
  std::string staging;                  // "hdfs://…/user/alice/.modelyard"
  std::string bundle;                   // "hdfs://…tar.gz": the programs, for the runners
  std::string node_label;
  std::map<std::string, std::string> model_environment;
};

// From the container's environment (CONTAINER_ID, HADOOP_TOKEN_FILE_LOCATION, HADOOP_CONF_DIR, …); the caller fills in
// what its command line says. kInvalidArgument: this is no container of YARN.
Result<YarnControllerOptions> yarn_options_from(
    const std::function<std::optional<std::string>(const std::string&)>& environment);

// One controller as YARN's application master: registry in ZooKeeper, payloads in HDFS, models in containers. Its HTTP
// token is STAGING/APPLICATION/token in HDFS (mode 600), for whoever may read it. Blocks until SIGTERM or SIGINT, or
// until the resource manager ends this attempt; containers live on: the application's next attempt takes them over, and
// with the application they end.
Status run_yarn_controller(YarnControllerOptions options,
                           const std::function<Status(const std::string& url)>& on_ready);

}  // namespace modelyard::cli
