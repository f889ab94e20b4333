// SPDX-License-Identifier: Apache-2.0
#include "cli/yarn_application.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/random.h"
#include "base/strings.h"
#include "io/file.h"
#include "io/socket.h"

namespace modelyard::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSecretMax = 4096;
constexpr size_t kSecretBytes = 32;
constexpr size_t kNamesShown = 20;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < kNamesShown; ++i) out += (i ? ", " : "") + names[i];
  if (names.size() > kNamesShown) out += ", …";
  return out;
}

Result<std::string> sha256_of(const fs::path& path) {
  MY_TRY(const io::UniqueFd fd, io::open_file(path, O_RDONLY));
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(::EVP_MD_CTX_new(), ::EVP_MD_CTX_free);
  if (!context || ::EVP_DigestInit_ex(context.get(), ::EVP_sha256(), nullptr) != 1)
    return fail(ErrorCode::kInternal, "SHA-256 is not there");
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_error(errno, path.string()));
    if (count == 0) break;
    ::EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(count));
  }
  unsigned char digest[32];
  ::EVP_DigestFinal_ex(context.get(), digest, nullptr);
  return to_hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

Result<hadoop::LocalFile> local_file(hadoop::WebHdfs& hdfs, const std::string& path, std::string name, bool archive) {
  MY_TRY(const hadoop::FileStatus status, hdfs.status(path));
  return hadoop::LocalFile{std::move(name), hdfs.uri(path), archive, status.size, status.modified_ms};
}

Status check_queue(hadoop::ResourceManager& rm, const std::string& wanted) {
  auto queues = rm.queues();
  // A scheduler that tells nothing decides for itself at the submission.
  if (!queues || queues->empty()) return {};
  std::vector<std::string> leaves;
  for (const hadoop::QueueReport& queue : *queues) {
    if (!queue.leaf) continue;
    leaves.push_back(queue.name);
    if (queue.name != wanted && queue.path != wanted && queue.path != "root." + wanted) continue;
    if (queue.state.empty() || queue.state == "RUNNING") return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the queue {} takes nothing now: its state is {}", wanted, queue.state));
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("there is no queue {}; there are {}", wanted, joined(leaves)));
}

Status check_label(hadoop::ResourceManager& rm, const std::string& wanted) {
  auto labels = rm.node_labels();
  if (!labels) return {};
  if (std::ranges::find(*labels, wanted) != labels->end()) return {};
  return fail(ErrorCode::kInvalidArgument,
              labels->empty() ? fmt::format("the cluster has no node labels, so none can be called {}", wanted)
                              : fmt::format("there is no node label {}; there are {}", wanted, joined(*labels)));
}

}  // namespace

std::string environment_value(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"' || c == '$' || c == '`') out += '\\';
    out += c;
  }
  return out;
}

std::string command_word(std::string_view word) {
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'')
      quoted += R"('\'')";
    else
      quoted += c;
  }
  return environment_value(quoted + "'");
}

std::string controller_command(const ApplicationOptions& options, const std::string& staging_uri) {
  // The node manager gives redirections to the last command alone, so the shell's own are turned first; exec leaves no
  // shell between the node manager's signals and the controller.
  std::string out = "exec 1><LOG_DIR>/stdout 2><LOG_DIR>/stderr; export HADOOP_CONF_DIR=$PWD; exec ./";
  out += fmt::format("{}/bin/modelyard controller --launcher yarn --zk {} --zk-root {}", kBundleLink,
                     command_word(options.quorum), command_word(options.zk_root));
  out += " --listen 0.0.0.0:0 --data $PWD/data";
  out += fmt::format(" --staging {}", command_word(staging_uri));
  return out;
}

Status check_request(hadoop::ResourceManager& rm, const ApplicationOptions& options,
                     const hadoop::NewApplication& application) {
  if (application.memory_mb_max > 0 && options.memory_mb > application.memory_mb_max) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("-mm {}: the cluster gives one container at most {} MB "
                                                         "(yarn.scheduler.maximum-allocation-mb, or its largest node)",
                                                         options.memory_mb, application.memory_mb_max));
  }
  if (application.vcores_max > 0 && options.vcores > application.vcores_max) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("-mc {}: the cluster gives one container at most {} cores",
                                                         options.vcores, application.vcores_max));
  }
  MY_TRY_VOID(check_queue(rm, options.queue));
  // Expressions ("a && b") are the scheduler's to judge.
  if (options.node_label && !options.node_label->empty() &&
      options.node_label->find_first_of("&| ") == std::string::npos) {
    MY_TRY_VOID(check_label(rm, *options.node_label));
  }
  return {};
}

Result<std::string> installation_secret(hadoop::WebHdfs& hdfs, const std::string& staging) {
  const std::string path = hadoop::join_path(staging, "secret");
  const auto read = [&]() -> Result<std::string> {
    MY_TRY(const hadoop::FileStatus status, hdfs.status(path));
    if ((status.permission & 077) != 0) {
      return fail(ErrorCode::kPermissionDenied,
                  fmt::format("{} can be read by others (mode {:o}): hdfs dfs -chmod 600 {}", hdfs.uri(path),
                              status.permission, path));
    }
    MY_TRY(const std::string text, hdfs.read_text(path, kSecretMax));
    std::string secret(trim_ascii(text));
    if (secret.size() < 16)
      return fail(ErrorCode::kDataLoss, fmt::format("{} holds no secret; remove it for a new one", hdfs.uri(path)));
    return secret;
  };
  auto there = read();
  if (there || there.error().code() != ErrorCode::kNotFound) return there;
  MY_TRY_VOID(hdfs.make_folder(staging, 0700));
  // Whole at once: another submitter must never read half of it.
  const std::string copying = fmt::format("{}.{}{}", path, random_hex(4), hadoop::kCopyingSuffix);
  MY_TRY_VOID(hdfs.create_text(copying, random_hex(kSecretBytes) + "\n", {.permission = 0600}));
  if (const Status renamed = hdfs.rename(copying, path); !renamed) static_cast<void>(hdfs.remove(copying, false));
  return read();
}

Result<hadoop::LocalFile> place_bundle(hadoop::WebHdfs& hdfs, const std::string& staging, const fs::path& bundle,
                                       const hadoop::WebHdfs::Sent& sent) {
  MY_TRY(const std::string digest, sha256_of(bundle));
  const std::string folder = hadoop::join_path(staging, "bundles");
  const std::string path = hadoop::join_path(folder, digest + ".tar.gz");
  auto there = local_file(hdfs, path, std::string(kBundleLink), true);
  if (there || there.error().code() != ErrorCode::kNotFound) return there;
  MY_TRY_VOID(hdfs.make_folder(folder, 0700));
  MY_TRY_VOID(hdfs.put(bundle, path, sent, 0600));
  return local_file(hdfs, path, std::string(kBundleLink), true);
}

Result<std::vector<hadoop::LocalFile>> place_site_files(hadoop::WebHdfs& hdfs, const std::string& folder,
                                                        const std::vector<fs::path>& sites) {
  std::vector<hadoop::LocalFile> out;
  MY_TRY_VOID(hdfs.make_folder(folder, 0700));
  for (const fs::path& site : sites) {
    const std::string path = hadoop::join_path(folder, site.filename().string());
    MY_TRY_VOID(hdfs.put(site, path, {}, 0600));
    MY_TRY(hadoop::LocalFile file, local_file(hdfs, path, site.filename().string(), false));
    out.push_back(std::move(file));
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> delegation_tokens(hadoop::WebHdfs& hdfs,
                                                                           const hadoop::Configuration& configuration) {
  std::vector<std::pair<std::string, std::string>> out;
  if (!hdfs.options().kerberos) return out;
  const std::string principal = configuration.text("yarn.resourcemanager.principal");
  if (principal.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("yarn.resourcemanager.principal is not set in {}: nobody could renew the token for HDFS",
                            configuration.source()));
  }
  // hdfs:// clients look for a token under the NameNode's address as numbers.
  const hadoop::Address& rpc = hdfs.address().name_nodes[0].rpc;
  std::string service = rpc.text();
  if (auto addresses = io::resolve_blocking(rpc.host, rpc.port); addresses && !addresses->empty())
    service = addresses->front().text();
  MY_TRY(std::string token, hdfs.get_delegation_token(principal, service));
  out.emplace_back(service, std::move(token));
  return out;
}

}  // namespace modelyard::cli
