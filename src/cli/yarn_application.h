// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hadoop/configuration.h"
#include "hadoop/resource_manager.h"
#include "hadoop/webhdfs.h"

// The controller as a YARN application: what is put into HDFS for it and how it is submitted.
//
// Below STAGING, the user's folder in HDFS /user/USER/.modelyard (0700):
//   secret                       the installation's secret (0600), made once; arrives in the container's credentials
//   bundles/HEX.tar.gz           the programs with all their libraries, by the archive's SHA-256
//   application_N_N/*-site.xml   the cluster's addresses as the submitter has them
//   payloads/                    published models (payloads/hdfs/publish.h)
namespace modelyard::cli {

inline constexpr std::string_view kStaging = ".modelyard";
// Names in the container: its folder holds the bundle unpacked, and the site files.
inline constexpr std::string_view kBundleLink = "modelyard";
// Alias of the secret in the container's credentials.
inline constexpr std::string_view kSecretAlias = "modelyard.installation";

struct ApplicationOptions {
  std::string quorum;
  std::string zk_root;
  std::string queue = "default";
  std::optional<std::string> node_label;
  int64_t memory_mb = 128;
  int64_t vcores = 1;
  std::map<std::string, std::string> model_environment;  // -e: of every model
  std::string timeline_domain;
};

// The command of the application master's container. One function, so that its options stand in one place.
std::string controller_command(const ApplicationOptions& options, const std::string& staging_uri);
// A word of a container's command line, whatever is in it. The node manager writes the command between the double
// quotes of `bash -c "…"` as it is, so the word is quoted for two shells.
std::string command_word(std::string_view word);
// A variable's value: the node manager writes `export NAME="…"` with the value as it is.
std::string environment_value(std::string_view value);

// Everything that can be known before a byte is sent: kInvalidArgument, each text says what there is instead.
Status check_request(hadoop::ResourceManager& rm, const ApplicationOptions& options,
                     const hadoop::NewApplication& application);

// The installation's secret, made where absent. Two that make it at once end with the same one.
Result<std::string> installation_secret(hadoop::WebHdfs& hdfs, const std::string& staging);

// Sends a file under its digest unless it is there already.
Result<hadoop::LocalFile> place_bundle(hadoop::WebHdfs& hdfs, const std::string& staging,
                                       const std::filesystem::path& bundle, const hadoop::WebHdfs::Sent& sent);
// core-site.xml, hdfs-site.xml and yarn-site.xml, as far as they are there.
Result<std::vector<hadoop::LocalFile>> place_site_files(hadoop::WebHdfs& hdfs, const std::string& folder,
                                                        const std::vector<std::filesystem::path>& sites);

// Where Kerberos is: a delegation token for the cluster's localizers, renewed by the resource manager.
Result<std::vector<std::pair<std::string, std::string>>> delegation_tokens(hadoop::WebHdfs& hdfs,
                                                                           const hadoop::Configuration& configuration);

}  // namespace modelyard::cli
