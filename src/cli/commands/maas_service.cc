// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>

#include "base/clock.h"
#include "base/strings.h"
#include "cli/cluster.h"
#include "cli/hdfs_upload.h"
#include "cli/machine.h"
#include "cli/reference_options.h"
#include "cli/yarn_application.h"
#include "hadoop/timeline.h"
#include "json/tree.h"

// maas_service.sh of the reference: the controller as a YARN application.
namespace modelyard::cli {
namespace {

namespace fs = std::filesystem;
namespace zk = registry::zookeeper;

constexpr int kAttempts = 10;  // the cluster's own bound is lower, mostly
constexpr milliseconds kFailuresForgottenAfter{600'000};
constexpr milliseconds kLookAgain{500};

const std::vector<ReferenceOption>& options() {
  static const std::vector<ReferenceOption> kOptions{
      {"c", "create", false, "Makes the timeline domain that -d names, if it is not there"},
      {"d", "domain", true, "The timeline domain that the service's entities belong to"},
      {"e", "shell_env", true, "Environment of every model: key=value; may be given several times"},
      {"h", "help", false, "Prints this text and does nothing"},
      {"j", "jar", true, "Taken for compatibility; the service is no Java program and has no jar"},
      {"l", "log4j", true, "Taken for compatibility; there is no Java here to configure"},
      {"ma", "modify_acls", true, "Users and groups that may change entities of the domain made by -c"},
      {"mc", "master_vcores", true, "Processor cores of the service's own container"},
      {"mm", "master_memory", true, "Memory of the service's own container, in MB"},
      {"nle", "node_label_expression", true,
       "Nodes that the service and its models may run on, as a node label expression; \"\" is anywhere, without the "
       "option the queue's default counts"},
      {"q", "queue", true, "The resource manager's queue to submit to"},
      {"t", "timeout", true, "How long to wait for the service to run, in milliseconds; then it is ended again"},
      {"va", "view_acls", true, "Users and groups that may read entities of the domain made by -c"},
      {"zq", "zk_quorum", true, "The ZooKeeper servers: host:port, several with commas between"},
      {"zr", "zk_root", true, "The node of ZooKeeper with the service's configuration"}};
  return kOptions;
}

void note(std::string_view text) { fmt::print(stderr, "modelyard: {}\n", text); }

Result<int64_t> number_of(Invocation& invocation, const ReferenceArguments& given, std::string_view name,
                          int64_t fallback, int64_t most) {
  if (!given.has(name)) return fallback;
  const auto number = parse_int(given.text(name));
  if (!number || *number < 1 || *number > most) {
    return invocation.wrong_usage(
        fmt::format("-{} must be a number from 1 to {}, not '{}'", name, most, given.text(name)));
  }
  return *number;
}

Result<ApplicationOptions> application_options(Invocation& invocation, const ReferenceArguments& given) {
  ApplicationOptions out;
  out.quorum = given.text("zq");
  out.zk_root = given.text("zr", zk::kDefaultRoot);
  out.queue = given.text("q", "default");
  if (given.has("nle")) out.node_label = given.text("nle");
  MY_TRY(out.memory_mb, number_of(invocation, given, "mm", out.memory_mb, 1 << 30));
  MY_TRY(out.vcores, number_of(invocation, given, "mc", out.vcores, 4096));
  for (const std::string& pair : given.all("e")) {
    const size_t equals = pair.find('=');
    const std::string key(trim_ascii(std::string_view(pair).substr(0, equals)));
    if (key.empty()) return invocation.wrong_usage(fmt::format("-e must be key=value, not '{}'", pair));
    out.model_environment[key] = equals == std::string::npos ? "" : pair.substr(equals + 1);
  }
  out.timeline_domain = given.text("d");
  if (const auto good = zookeeper::parse_quorum(out.quorum); !good)
    return invocation.wrong_usage("-zq: " + good.error().message());
  if (const auto good = zookeeper::check_path(out.zk_root); !good)
    return invocation.wrong_usage("-zr: " + good.error().message());
  return out;
}

// The bundle: named by the script, or beside the programs of a package.
Result<fs::path> find_bundle(Invocation& invocation) {
  constexpr const char* kName = "modelyard-bundle.tar.gz";
  std::error_code error;
  if (const auto named = invocation.environment("MODELYARD_BUNDLE")) {
    if (fs::is_regular_file(*named, error)) return fs::path(*named);
    return fail(ErrorCode::kFailed, fmt::format("$MODELYARD_BUNDLE: there is no file {}", *named));
  }
  MY_TRY(const fs::path runner, runner_program());
  for (const fs::path& candidate : {runner.parent_path() / kName, runner.parent_path().parent_path() / kName}) {
    if (fs::is_regular_file(candidate, error)) return candidate;
  }
  return fail(
      ErrorCode::kFailed,
      fmt::format("there is no {} beside {}; `tools/bundle` of a checkout makes one, and MODELYARD_BUNDLE names it",
                  kName, runner.string()));
}

void prepare_timeline(const hadoop::Configuration& configuration, const hadoop::RestOptions& rest,
                      const ReferenceArguments& given) {
  if (!given.has("d")) return;
  const auto address = configuration.timeline();
  if (!address || !*address) {
    note(address ? "-d has no effect: the cluster has no timeline server (yarn.timeline-service.enabled)"
                 : address.error().message());
    return;
  }
  if (!given.has("c")) return;
  hadoop::Timeline timeline(**address, rest);
  const Status made = timeline.put_domain({given.text("d"), "models of Modelyard", given.text("va"), given.text("ma")});
  // What the timeline shows is for people; the service runs without it.
  if (!made) note(fmt::format("the timeline domain {} was not made: {}", given.text("d"), made.error().message()));
}

std::vector<fs::path> site_files(const Invocation& invocation) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const char* name : {"core-site.xml", "hdfs-site.xml", "yarn-site.xml"}) {
    // YARN_CONF_DIR's wins, as when they are read.
    for (const char* variable : {"YARN_CONF_DIR", "HADOOP_CONF_DIR"}) {
      const auto folder = invocation.environment(variable);
      if (!folder || !fs::is_regular_file(fs::path(*folder) / name, error)) continue;
      out.push_back(fs::path(*folder) / name);
      break;
    }
  }
  if (out.empty()) {
    for (const char* name : {"core-site.xml", "hdfs-site.xml", "yarn-site.xml"}) {
      if (fs::is_regular_file(fs::path("/etc/hadoop/conf") / name, error))
        out.push_back(fs::path("/etc/hadoop/conf") / name);
    }
  }
  return out;
}

// Everything of one submission; what it put into HDFS for itself goes again when it fails.
class Service {
 public:
  Service(Invocation& invocation, hadoop::Configuration configuration, hadoop::FileSystemAddress file_system,
          std::vector<hadoop::ResourceManagerAddress> managers, const hadoop::RestOptions& rest)
      : invocation_(invocation),
        configuration_(std::move(configuration)),
        hdfs_(std::move(file_system), rest),
        rm_(std::move(managers), rest) {}

  Status run(const ApplicationOptions& wanted, const fs::path& bundle, milliseconds time_max) {
    invocation_.doing("the submission to YARN");
    MY_TRY(const hadoop::NewApplication application, rm_.new_application());
    MY_TRY_VOID(check_request(rm_, wanted, application));
    MY_TRY(staging_, hdfs_.absolute(kStaging));
    folder_ = hadoop::join_path(staging_, application.id);
    Status done = submit(wanted, application.id, bundle);
    if (done) done = wait(application.id, system_clock().now() + time_max, time_max);
    if (!done) {
      // What may run needs its files for its next attempt.
      const bool not_known =
          done.error().code() == ErrorCode::kUnavailable || done.error().code() == ErrorCode::kDeadline;
      invocation_.exit_with(not_known ? kNotReachable : kFailed);
      if (!not_known) static_cast<void>(hdfs_.remove(folder_, true));
    }
    return done;
  }

 private:
  Status submit(const ApplicationOptions& wanted, const std::string& id, const fs::path& bundle) {
    hadoop::Submission submission;
    remove_ended();
    submission.id = id;
    submission.name = "MaaS";
    submission.queue = wanted.queue;
    submission.use_node_label = wanted.node_label.has_value();
    submission.node_label = wanted.node_label.value_or("");
    submission.memory_mb = wanted.memory_mb;
    submission.vcores = wanted.vcores;
    submission.attempts_max = kAttempts;
    submission.keep_containers = true;
    submission.attempt_failures_validity = kFailuresForgottenAfter;
    submission.command = controller_command(wanted, hdfs_.uri(staging_));
    submission.environment = {{"HADOOP_USER_NAME", environment_value(hdfs_.options().user)}};
    if (!wanted.model_environment.empty()) {
      json::Tree pairs = json::Tree::object();
      for (const auto& [key, value] : wanted.model_environment) pairs[key] = value;
      submission.environment["MODELYARD_MODEL_ENVIRONMENT"] = environment_value(json::dump(pairs));
    }
    if (wanted.node_label) submission.environment["MODELYARD_NODE_LABEL"] = *wanted.node_label;
    if (!wanted.timeline_domain.empty())
      submission.environment["MODELYARD_TIMELINE_DOMAIN"] = environment_value(wanted.timeline_domain);
    MY_TRY(const std::string secret, installation_secret(hdfs_, staging_));
    submission.secrets.emplace(kSecretAlias, secret);
    {
      Progress progress;
      MY_TRY(hadoop::LocalFile programs, place_bundle(hdfs_, staging_, bundle, [&](int64_t sent) {
               progress.show(fmt::format("sending the programs: {} MiB", sent >> 20));
             }));
      submission.environment["MODELYARD_BUNDLE_URI"] = programs.uri;
      submission.files.push_back(std::move(programs));
    }
    MY_TRY(std::vector<hadoop::LocalFile> sites, place_site_files(hdfs_, folder_, site_files(invocation_)));
    for (hadoop::LocalFile& site : sites) submission.files.push_back(std::move(site));
    MY_TRY(submission.tokens, delegation_tokens(hdfs_, configuration_));
    return rm_.submit(submission);
  }

  // The folders of applications that have ended; nobody but the next submission would. What fails here fails nothing.
  void remove_ended() {
    constexpr int kLookedAtMax = 20;
    const auto listed = hdfs_.list(staging_);
    if (!listed) return;
    int looked_at = 0;
    for (const hadoop::FileStatus& file : *listed) {
      if (!file.name.starts_with("application_")) continue;
      if (++looked_at > kLookedAtMax) return;
      const auto report = rm_.report(file.name);
      const bool gone = report ? report->ended() : report.error().code() == ErrorCode::kNotFound;
      if (gone) static_cast<void>(hdfs_.remove(hadoop::join_path(staging_, file.name), true));
    }
  }

  Status wait(const std::string& id, SteadyTime deadline, milliseconds time_max) {
    invocation_.doing(id);
    Progress progress;
    hadoop::RestConnection pauses(hdfs_.options());
    std::string state = "not known";
    while (system_clock().now() < deadline) {
      const auto report = rm_.report(id);
      // Not yet to be seen: a resource manager stores what it accepted first. Away: it may be just starting again.
      const ErrorCode code = report ? ErrorCode::kNotFound : report.error().code();
      const bool passing =
          code == ErrorCode::kNotFound || code == ErrorCode::kUnavailable || code == ErrorCode::kDeadline;
      if (!report && !passing) return fail(Error(report.error()));
      if (report) {
        state = report->state;
        if (state == "RUNNING") {
          progress.clear();
          invocation_.out().line(fmt::format("{} is running: {}", id, printable(report->tracking_url)));
          return {};
        }
        if (report->ended()) return ended(*report);
        progress.show(fmt::format("{}: {}", id, state));
      }
      if (!pauses.pause(kLookAgain)) break;
    }
    static_cast<void>(rm_.kill(id));
    return fail(
        ErrorCode::kFailed,
        fmt::format("it did not run within {} ms (-t), its state was {}, and was ended. Has the queue room for "
                    "it, and may application masters use it (yarn.scheduler.capacity.maximum-am-resource-percent)?",
                    time_max.count(), state));
  }

  Status ended(const hadoop::ApplicationReport& report) {
    if (!report.log_url.empty()) invocation_.next_step("What it said itself: " + printable(report.log_url));
    return fail(ErrorCode::kFailed, fmt::format("{}: {}", to_lower_ascii(report.state),
                                                report.diagnostics.empty() ? "without a reason" : report.diagnostics));
  }

  Invocation& invocation_;
  hadoop::Configuration configuration_;
  hadoop::WebHdfs hdfs_;
  hadoop::ResourceManager rm_;
  std::string staging_;
  std::string folder_;
};

Status carry_out(Invocation& invocation, const ReferenceArguments& given) {
  MY_TRY(const ApplicationOptions wanted, application_options(invocation, given));
  MY_TRY(const int64_t time_max, number_of(invocation, given, "t", 600'000, int64_t{1} << 40));
  if (given.has("j")) note("-j is taken and has no effect: the service is no Java program");
  if (given.has("l")) note("-l is taken and has no effect: no Java runs here");
  const auto environment = [&](const std::string& name) { return invocation.environment(name); };
  auto configuration = hadoop::Configuration::load_from_environment(environment);
  if (!configuration) {
    invocation.exit_with(kFailed);
    return fail(std::move(configuration).error());
  }
  MY_TRY(hadoop::FileSystemAddress file_system, configuration->default_file_system());
  MY_TRY(std::vector<hadoop::ResourceManagerAddress> managers, configuration->resource_managers());
  MY_TRY(const hadoop::RestOptions rest, rest_options(*configuration, environment));
  MY_TRY(const fs::path bundle, find_bundle(invocation));
  {
    // A service that could not reach its registry would only fail later and farther away.
    client::ZookeeperAddress address{.quorum = wanted.quorum};
    address.zk_root = wanted.zk_root;
    MY_TRY(const Cluster cluster, Cluster::open(invocation, address));
  }
  invocation.advise(ErrorCode::kUnavailable, fmt::format("The addresses come from {}.", configuration->source()));
  invocation.advise(
      ErrorCode::kPermissionDenied,
      fmt::format("HDFS and YARN see you as {}: it needs a home folder in HDFS (/user/{}) and the right to "
                  "submit to the queue.",
                  rest.user, rest.user));
  prepare_timeline(*configuration, rest, given);
  Service service(invocation, std::move(*configuration), std::move(file_system), std::move(managers), rest);
  return service.run(wanted, bundle, milliseconds(time_max));
}

Status run(Invocation& invocation) {
  invocation.doing("maas_service");
  const std::vector<std::string> words = invocation.arguments().rest().value_or(std::vector<std::string>());
  auto given = parse_reference_options(options(), words);
  const auto usage = [&] { fmt::print(stderr, "{}", reference_usage("MaaSClient", options())); };
  invocation.next_step("bin/maas_service.sh -h shows the options.");
  if (!given) {
    usage();
    return invocation.wrong_usage(given.error().message());
  }
  if (given->has("h")) {
    invocation.out().write(reference_usage("MaaSClient", options()));
    return {};
  }
  if (!given->has("zq")) {
    usage();
    return invocation.wrong_usage("-zq is missing");
  }
  invocation.next_step("");
  return carry_out(invocation, *given);
}

}  // namespace

void register_maas_service(CommandSet& commands) {
  commands.add({.name = "maas-service",
                .group = "Cluster",
                .summary = "the reference's maas_service.sh",
                .text = "Takes exactly the reference's options, after --. bin/maas_service.sh calls it.",
                .examples = {{"modelyard maas-service -- -zq node1:2181", "as bin/maas_service.sh does"}},
                .rest = "OPTION…",
                .hidden = true,
                .run = run});
}

}  // namespace modelyard::cli
