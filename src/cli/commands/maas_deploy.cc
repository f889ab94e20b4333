// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/strings.h"
#include "cli/cluster.h"
#include "cli/hdfs_upload.h"
#include "cli/reference_options.h"
#include "payloads/judge.h"
#include "payloads/tree.h"

// maas_deploy.sh of the reference.
namespace modelyard::cli {
namespace {

namespace fs = std::filesystem;
namespace zk = registry::zookeeper;

const std::vector<ReferenceOption>& options() {
  static const std::vector<ReferenceOption> kOptions{
      {"h", "help", false, "Prints this text and does nothing"},
      {"hmp", "hdfs_model_path", true, "The model's folder in HDFS"},
      {"lmp", "local_model_path", true, "The model's folder on this machine; its files are copied to the one in HDFS"},
      {"l", "log4j", true, "Taken for compatibility; there is no Java here to configure"},
      {"m", "memory", true, "Memory of one instance's container, in MB"},
      {"mo", "mode", true, "What to do: ADD, LIST or REMOVE"},
      {"n", "name", true, "The model's name"},
      {"ni", "num_instances", true, "How many instances to add or remove"},
      {"v", "version", true, "The model's version"},
      {"zq", "zk_quorum", true, "The ZooKeeper servers: host:port, several with commas between"},
      {"zr", "zk_root", true, "The node of ZooKeeper with the service's configuration"}};
  return kOptions;
}

Result<int64_t> number_of(Invocation& invocation, const ReferenceArguments& given, std::string_view name,
                          std::string_view what, int64_t least, int64_t most) {
  if (!given.has(name)) return invocation.wrong_usage(fmt::format("-{} ({}) is missing", name, what));
  const auto number = parse_int(given.text(name));
  if (!number || *number < least || *number > most) {
    return invocation.wrong_usage(
        fmt::format("-{} ({}) must be a number from {} to {}, not '{}'", name, what, least, most, given.text(name)));
  }
  return *number;
}

Status check_name(Invocation& invocation, const ReferenceArguments& given, std::string_view option,
                  std::string_view what) {
  if (!given.has(option)) return invocation.wrong_usage(fmt::format("-{} ({}) is missing", option, what));
  if (const std::string why = why_bad_name(given.text(option)); !why.empty())
    return invocation.wrong_usage(fmt::format("-{}: '{}' is no {}: {}", option, given.text(option), what, why));
  return {};
}

Result<zk::Request> request_of(Invocation& invocation, const ReferenceArguments& given, zk::Request::Action action) {
  constexpr int64_t kInstancesMax = 10'000;
  zk::Request request;
  request.action = action;
  MY_TRY_VOID(check_name(invocation, given, "n", "model name"));
  MY_TRY_VOID(check_name(invocation, given, "v", "version"));
  request.name = given.text("n");
  request.version = given.text("v");
  MY_TRY(const int64_t instances, number_of(invocation, given, "ni", "number of instances", 1, kInstancesMax));
  request.instances = static_cast<int>(instances);
  if (action == zk::Request::Action::kRemove) return request;
  MY_TRY(request.memory_mb, number_of(invocation, given, "m", "memory in MB", 1, std::numeric_limits<int32_t>::max()));
  request.path = given.text("hmp");
  if (request.path.empty()) return invocation.wrong_usage("-hmp (the model's folder in HDFS) is missing");
  return request;
}

// A script that lies there already beside the one that is sent would make two, and the deployment would be refused
// when it is too late to say so here.
Status check_scripts(hadoop::WebHdfs& hdfs, const std::string& folder, const std::string& own) {
  auto listed = hdfs.list(folder);
  if (!listed && listed.error().code() == ErrorCode::kNotFound && !own.empty()) return {};
  if (!listed) return fail(std::move(listed).error());
  std::vector<std::string> scripts;
  for (const hadoop::FileStatus& file : *listed) {
    if (file.name.empty())
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} is a file, not a folder", hdfs.uri(folder)));
    if (file.kind != hadoop::FileStatus::Kind::kFolder && file.name.ends_with(".sh") && file.name != own)
      scripts.push_back(file.name);
  }
  if (!own.empty() && !scripts.empty()) {
    return fail(ErrorCode::kConflict, fmt::format("{} holds {} already, and the model's script is {}: exactly one .sh "
                                                  "may stand there. Remove it, or name another folder with -hmp",
                                                  hdfs.uri(folder), scripts[0], own));
  }
  if (own.empty() && scripts.size() != 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} holds {} .sh files: a model has exactly one, which starts it", hdfs.uri(folder),
                            scripts.size()));
  }
  return {};
}

Status upload(Invocation& invocation, hadoop::WebHdfs& hdfs, const fs::path& local, const std::string& folder) {
  MY_TRY(const std::string script, payloads::judge_payload(local));
  MY_TRY(const std::vector<payloads::Entry> entries, payloads::list_tree(local));
  MY_TRY_VOID(check_scripts(hdfs, folder, script));
  MY_TRY_VOID(hdfs.make_folder(folder));
  std::vector<UploadJob> jobs;
  int64_t total = 0;
  for (const payloads::Entry& entry : entries) {
    const std::string to = hadoop::join_path(folder, entry.path);
    switch (entry.kind) {
      case payloads::Entry::Kind::kFolder: {
        MY_TRY_VOID(hdfs.make_folder(to));
        break;
      }
      case payloads::Entry::Kind::kFile:
        jobs.push_back({local / entry.path, to, entry.size, entry.executable ? 0755U : 0644U});
        total += entry.size;
        break;
      case payloads::Entry::Kind::kLink:
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("{} is a link, which HDFS cannot hold: put the file itself there",
                                (local / entry.path).string()));
    }
  }
  Progress progress;
  invocation.doing("copying the model to " + hdfs.uri(folder));
  return upload_files(hdfs, std::move(jobs), [&](int64_t sent) {
    progress.show(fmt::format("copying to {}: {} of {} MiB", hdfs.uri(folder), sent >> 20, total >> 20));
  });
}

// The model's folder as the request shall name it.
Result<std::string> place_payload(Invocation& invocation, const ReferenceArguments& given) {
  const std::string path = given.text("hmp");
  const bool sends = given.has("lmp");
  const fs::path local = given.text("lmp");
  std::error_code error;
  if (sends && !fs::is_directory(local, error))
    return fail(ErrorCode::kInvalidArgument, fmt::format("-lmp: {} is no folder", local.string()));
  if (path.starts_with("file:")) {
    if (sends) return fail(ErrorCode::kInvalidArgument, "-hmp names a folder of this machine: leave -lmp out");
    return path;
  }
  const auto environment = [&](const std::string& name) { return invocation.environment(name); };
  auto configuration = hadoop::Configuration::load_from_environment(environment);
  if (!configuration) {
    if (sends) {
      invocation.exit_with(kFailed);
      return fail(std::move(configuration).error());
    }
    // A controller that runs models on one machine reads bare paths there; only it can tell.
    fmt::print(stderr, "modelyard: HADOOP_CONF_DIR is not set, so {} was not looked at\n", printable(path));
    return path;
  }
  const bool named = path.find("://") != std::string::npos && !path.starts_with("hdfs:///");
  MY_TRY(const hadoop::FileSystemAddress address,
         named ? configuration->file_system(path) : configuration->default_file_system());
  MY_TRY(const hadoop::RestOptions rest, rest_options(*configuration, environment));
  hadoop::WebHdfs hdfs(address, rest);
  MY_TRY(const std::string folder, hdfs.absolute(path));
  invocation.advise(ErrorCode::kUnavailable, fmt::format("The addresses come from {}.", configuration->source()));
  invocation.advise(
      ErrorCode::kPermissionDenied,
      fmt::format("HDFS sees you as {0}: name a folder that {0} may write to, or have it made.", rest.user));
  invocation.advise(ErrorCode::kResourceExhausted, "Make room there, or have the quota raised; nothing was requested.");
  if (sends) {
    MY_TRY_VOID(upload(invocation, hdfs, local, folder));
  } else {
    MY_TRY_VOID(check_scripts(hdfs, folder, ""));
  }
  // A relative path would mean the controller's home folder there.
  return path.starts_with('/') || named ? path : folder;
}

Status list(Invocation& invocation, Cluster& cluster, const ReferenceArguments& given) {
  MY_TRY(const std::shared_ptr<const registry::Snapshot> snapshot, cluster.endpoints());
  for (const auto& [name, versions] : snapshot->models) {
    if (given.has("n") && given.text("n") != name) continue;
    for (const auto& [version, endpoints] : versions) {
      if (given.has("v") && given.text("v") != version) continue;
      invocation.out().line(fmt::format("Model {} @ {}", printable(name), printable(version)));
      for (const registry::Endpoint& endpoint : *endpoints)
        invocation.out().line(fmt::format("  {}  {}", printable(endpoint.url), printable(endpoint.id)));
    }
  }
  return {};
}

Status carry_out(Invocation& invocation, const ReferenceArguments& given) {
  const std::string mode = given.text("mo");
  const bool adds = equal_ignoring_case_ascii(mode, "ADD");
  const bool lists = equal_ignoring_case_ascii(mode, "LIST");
  if (!adds && !lists && !equal_ignoring_case_ascii(mode, "REMOVE"))
    return invocation.wrong_usage(fmt::format("-mo must be ADD, LIST or REMOVE, not '{}'", mode));
  zk::Request request;
  if (!lists) {
    MY_TRY(request, request_of(invocation, given, adds ? zk::Request::Action::kAdd : zk::Request::Action::kRemove));
  }
  if (given.has("l")) fmt::print(stderr, "modelyard: -l is taken and has no effect: no Java runs here\n");
  client::ZookeeperAddress address{.quorum = given.text("zq")};
  address.zk_root = given.text("zr", zk::kDefaultRoot);
  if (const auto good = zookeeper::parse_quorum(address.quorum); !good)
    return invocation.wrong_usage("-zq: " + good.error().message());
  if (const auto good = zookeeper::check_path(address.zk_root); !good)
    return invocation.wrong_usage("-zr: " + good.error().message());
  // Before anything is sent: a wrong quorum shall not cost an upload.
  MY_TRY(Cluster cluster, Cluster::open(invocation, address));
  if (lists) return list(invocation, cluster, given);
  if (adds) {
    MY_TRY(request.path, place_payload(invocation, given));
  }
  invocation.doing("maas_deploy");
  MY_TRY(const std::string item, cluster.enqueue(request));
  invocation.out().line(fmt::format("{} of {} instance{} of {} @ {} requested ({})", adds ? "ADD" : "REMOVE",
                                    request.instances, request.instances == 1 ? "" : "s", request.name, request.version,
                                    item));
  return {};
}

Status run(Invocation& invocation) {
  invocation.doing("maas_deploy");
  const std::vector<std::string> words = invocation.arguments().rest().value_or(std::vector<std::string>());
  auto given = parse_reference_options(options(), words);
  const auto usage = [&] { fmt::print(stderr, "{}", reference_usage("ModelSubmission", options())); };
  if (!given) {
    usage();
    return invocation.wrong_usage(given.error().message());
  }
  if (given->has("h")) {
    invocation.out().write(reference_usage("ModelSubmission", options()));
    return {};
  }
  invocation.next_step("bin/maas_deploy.sh -h shows the options.");
  for (const char* needed : {"zq", "mo"}) {
    if (!given->has(needed)) {
      usage();
      return invocation.wrong_usage(fmt::format("-{} is missing", needed));
    }
  }
  invocation.next_step("");
  return carry_out(invocation, *given);
}

}  // namespace

void register_maas_deploy(CommandSet& commands) {
  commands.add({.name = "maas-deploy",
                .group = "Cluster",
                .summary = "the reference's maas_deploy.sh",
                .text = "Takes exactly the reference's options, after --. bin/maas_deploy.sh calls it.",
                .examples = {{"modelyard maas-deploy -- -zq node1:2181 -mo LIST", "as bin/maas_deploy.sh does"}},
                .rest = "OPTION…",
                .hidden = true,
                .run = run});
}

}  // namespace modelyard::cli
