// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/controller_host.h"
#include "controller/status.h"
#include "hadoop/configuration.h"

namespace modelyard::cli {

struct ControllerServerOptions {
  HostOptions host;
  std::filesystem::path runner;  // the program
  std::string token_file;        // "" = none; whoever may read it finds it by the leader's record
  std::string quorum;            // "host:2181,…/chroot"
  std::string zk_root;
  std::string secret;      // of the installation; "" = its nodes are open to everybody
  bool take_over = false;  // lead although a master of the reference serves the same queue
  controller::ReconcileOptions reconcile;
  std::optional<hadoop::Configuration> hadoop;  // nothing: requests cannot name HDFS
};

// One controller of several, with the registry in ZooKeeper, models as processes of this machine. Blocks until SIGTERM
// or SIGINT, as run_up(). on_ready gets the URL once it serves, also while another controller leads.
//   kUnavailable        no server of the quorum answers, or its chroot does not exist
//   kConflict           a master of the reference or another kind of controller has the registry; the port is taken
//   kPermissionDenied   ZooKeeper refuses the secret; the folder cannot be written
Status run_controller(const ControllerServerOptions& options,
                      const std::function<Status(const std::string& url)>& on_ready);

// DATA/zk-secret, made (mode 600) where it is missing; two controllers that start at once get the same one.
Result<std::string> installation_secret(const std::filesystem::path& data);

}  // namespace modelyard::cli
