// SPDX-License-Identifier: Apache-2.0
#include "cli/examine_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/strings.h"
#include "cli/registrations.h"
#include "http/url.h"
#include "io/connect.h"
#include "io/descriptor.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::cli {

namespace zk = registry::zookeeper;
using Kind = Finding::Kind;

namespace {

constexpr seconds kAnswerWithin{3};
constexpr size_t kAnswerMax = 16 << 10;
constexpr int64_t kSkewMax = 10'000;  // milliseconds

SteadyTime in(std::chrono::nanoseconds time) {
  return system_clock().now() + std::chrono::duration_cast<SteadyTime::duration>(time);
}

std::string shown(const zookeeper::Quorum::Server& server) {
  return server.host.find(':') == std::string::npos ? fmt::format("{}:{}", server.host, server.port)
                                                    : fmt::format("[{}]:{}", server.host, server.port);
}

io::Task<Result<std::string>> ask_srvr(io::Loop& loop, zookeeper::Quorum::Server server) {
  const SteadyTime deadline = in(kAnswerWithin);
  MY_CO_TRY(io::Stream stream,
            co_await io::connect_tcp(loop.executor(), server.host, server.port, shown(server), {}, deadline));
  MY_CO_TRY_VOID(co_await stream.write_all("srvr", "", deadline));
  std::string answer;
  char buffer[4096];
  while (answer.size() < kAnswerMax) {
    auto got = co_await stream.read_some(buffer, sizeof buffer, deadline);
    if (!got && answer.empty()) co_return fail(std::move(got).error());
    if (!got || *got == 0) break;
    answer.append(buffer, *got);
  }
  co_return answer;
}

// "Zookeeper version: 3.8.0-…, built on …" -> "3.8.0"
std::string line_value(std::string_view answer, std::string_view key) {
  for (const std::string_view line : split(answer, '\n')) {
    if (line.starts_with(key)) return std::string(trim_ascii(line.substr(key.size())));
  }
  return "";
}

Finding problem_of(const std::string& what, const Error& error, std::string advice) {
  return {Kind::kProblem, what, error.message(), std::move(advice)};
}

}  // namespace

Finding finding_of_srvr(const std::string& server, std::string_view answer) {
  const std::string what = "zookeeper " + server;
  std::string version = line_value(answer, "Zookeeper version:");
  version = version.substr(0, version.find_first_of("-, "));
  const std::string mode = line_value(answer, "Mode:");
  if (!version.empty() && !mode.empty()) {
    if (mode == "read-only")
      return {Kind::kProblem, what, fmt::format("version {}, read-only: it has lost the other servers", version),
              "Bring back enough servers for a majority."};
    return {Kind::kGood, what, fmt::format("version {}, {}", version, mode), ""};
  }
  if (answer.find("not currently serving requests") != std::string_view::npos)
    return {Kind::kProblem, what, "it runs but serves nobody: it has no majority",
            "Bring back enough servers for a majority, and look into its log."};
  if (answer.find("not in the whitelist") != std::string_view::npos)
    return {Kind::kGood, what, "reachable; it tells neither version nor role", ""};
  if (answer.empty())
    return {Kind::kNote, what, "it took the connection and answered nothing",
            "A port with TLS alone does so; otherwise look whether it is a ZooKeeper."};
  return {Kind::kProblem, what, "what listens there is no ZooKeeper: " + printable(answer.substr(0, 60)),
          "Correct the port in --zk."};
}

Findings examine_quorum(const client::ZookeeperAddress& address) {
  Findings findings;
  const auto quorum = zookeeper::parse_quorum(address.quorum);
  if (!quorum) return {problem_of("zookeeper", quorum.error(), "")};
  io::Loop loop;
  for (const auto& server : quorum->servers) {
    const auto answer = io::run_blocking(loop, ask_srvr(loop, server));
    if (answer)
      findings.push_back(finding_of_srvr(shown(server), *answer));
    else
      findings.push_back(
          problem_of("zookeeper " + shown(server), answer.error(), "Start it, or correct the name and port in --zk."));
  }
  return findings;
}

// The server stamps a node with its clock; this one goes with the session at the latest.
Findings examine_clock(Cluster& cluster) {
  const auto stamp = [&]() -> io::Task<Result<int64_t>> {
    const SteadyTime deadline = in(kAnswerWithin);
    MY_CO_TRY(const std::string path, co_await cluster.client().create(cluster.layout().own + "/doctor-", "",
                                                                       zookeeper::CreateMode::kEphemeralSequential,
                                                                       zookeeper::open_acl(), deadline));
    auto stat = co_await cluster.client().exists(path, {}, deadline);
    static_cast<void>(co_await cluster.client().remove(path, zookeeper::kAnyVersion, deadline));
    if (!stat) co_return fail(std::move(stat).error());
    co_return stat->ctime;
  };
  const int64_t before = to_epoch_ms(system_clock().wall());
  const auto theirs = cluster.run(stamp());
  const int64_t after = to_epoch_ms(system_clock().wall());
  if (!theirs) {
    if (theirs.error().code() == ErrorCode::kNotFound) return {};  // examine_nodes() says that there is nothing of ours
    return {{Kind::kNote, "clock", "not compared with the servers': " + theirs.error().message(),
             "With --zk-secret-file it may be."}};
  }
  const int64_t skew = *theirs < before ? *theirs - before : *theirs > after ? *theirs - after : 0;
  if (std::abs(skew) <= kSkewMax)
    return {{Kind::kGood, "clock", fmt::format("within {:.1f} s of the servers'", std::abs(skew) / 1000.0), ""}};
  return {{Kind::kProblem, "clock",
           fmt::format("{:.0f} s {} the ZooKeeper servers'", std::abs(skew) / 1000.0, skew > 0 ? "behind" : "ahead of"),
           "Let NTP set the clocks: leases do not depend on them, the times in status and events do."}};
}

Findings examine_nodes(Cluster& cluster) {
  const zk::Layout& layout = cluster.layout();
  const SteadyTime deadline = in(kAnswerWithin);
  Findings findings;
  const auto root = cluster.run(cluster.client().exists(layout.config, {}, deadline));
  if (root)
    findings.push_back({Kind::kGood, "configuration",
                        fmt::format("{}: queue {}, services {}", layout.config, layout.queue, layout.service), ""});
  else
    findings.push_back({Kind::kNote, "configuration",
                        fmt::format("{} does not exist: the defaults hold, queue {}, services {}", layout.config,
                                    layout.queue, layout.service),
                        "If the reference is configured elsewhere, name that node with --zk-root."});
  const auto acl = cluster.run(cluster.client().get_acl(layout.own, deadline));
  if (!acl && acl.error().code() == ErrorCode::kNotFound) {
    findings.push_back({Kind::kNote, "nodes", layout.own + " does not exist: no controller has run here yet",
                        fmt::format("`modelyard controller --zk {}` makes it.", cluster.quorum())});
    return findings;
  }
  if (!acl) {
    findings.push_back(problem_of("nodes", Error(acl.error()).with_context(layout.own),
                                  "Give the installation's secret with --zk-secret-file."));
    return findings;
  }
  const bool open = std::ranges::any_of(acl->first, [](const zookeeper::Acl& one) {
    return one.scheme == "world" && (one.perms & (zookeeper::perms::kWrite | zookeeper::perms::kCreate)) != 0;
  });
  if (open)
    findings.push_back({Kind::kNote, "nodes", layout.own + " may be written by everybody who reaches ZooKeeper",
                        "Run the controllers with a secret (docs/operate.md, Who may write)."});
  else
    findings.push_back({Kind::kGood, "nodes", layout.own + " may be written by its own installation alone", ""});
  return findings;
}

Findings examine_leader(Cluster& cluster) {
  const auto leader = cluster.leader();
  if (!leader)
    return {problem_of("controller", leader.error(),
                       fmt::format("Start one with `modelyard controller --zk {}`.", cluster.quorum()))};
  const std::string who = fmt::format("{} (pid {}), launcher {}, modelyard {}", leader->host, leader->pid,
                                      leader->launcher, leader->version);
  if (leader->url.empty())
    return {
        {Kind::kNote, "controller", who + " leads and serves no HTTP", "status, logs and events need it: --listen."}};
  const auto url = http::parse_url(leader->url);
  if (!url) return {problem_of("controller", url.error(), "The leader names a wrong address of its own.")};
  const Status answers = cluster.run(io::check_connect(url->host, url->port, in(kAnswerWithin)));
  if (!answers)
    return {{Kind::kProblem, "controller",
             fmt::format("{} leads, but {} does not answer from here: {}", who, leader->url, answers.error().message()),
             "Let its --listen be an address that other machines reach, or open the port."}};
  return {{Kind::kGood, "controller", fmt::format("{} leads at {}", who, leader->url), ""}};
}

Findings examine_queue(Cluster& cluster) {
  const zk::Layout& layout = cluster.layout();
  Findings findings;
  const auto queue = cluster.run(cluster.client().children(layout.queue, {}, in(kAnswerWithin)));
  if (!queue && queue.error().code() != ErrorCode::kNotFound) {
    findings.push_back(problem_of("queue", Error(queue.error()).with_context(layout.queue), ""));
  } else if (!queue || queue->names.empty()) {
    findings.push_back({Kind::kGood, "queue", layout.queue + ": no request waits", ""});
  } else {
    findings.push_back({Kind::kNote, "queue", fmt::format("{}: {} requests wait", layout.queue, queue->names.size()),
                        "A controller takes them within 15 s; if the number stays, look at its log."});
  }
  auto rejected = cluster.run(cluster.client().children(layout.rejected(), {}, in(kAnswerWithin)));
  if (!rejected || rejected->names.empty()) return findings;
  const std::string last = *std::ranges::max_element(rejected->names);
  const auto node = cluster.run(cluster.client().get(layout.rejected() + "/" + last, {}, in(kAnswerWithin)));
  const auto tree = node ? json::parse(node->data) : fail(node.error());
  const auto record = tree ? zk::rejected_from_json(*tree) : fail(tree.error());
  findings.push_back({Kind::kNote, "queue",
                      fmt::format("{} requests were rejected{}", rejected->names.size(),
                                  record ? fmt::format(", the last ({}): {}", record->item, record->reason) : ""),
                      fmt::format("They are kept below {}.", layout.rejected())});
  return findings;
}

Findings examine_registrations(Cluster& cluster) {
  const auto judged = judge_registrations(cluster);
  if (!judged) return {problem_of("registrations", judged.error(), "")};
  std::vector<std::string> stale;
  for (const JudgedRegistration& one : *judged) {
    if (!one.answers) stale.push_back(text_of(one));
  }
  if (stale.empty()) return {{Kind::kGood, "registrations", "each answers, or goes with its process", ""}};
  constexpr size_t kShown = 3;
  std::string text = fmt::format("{} that nobody stands behind: {}", stale.size(), stale.front());
  for (size_t i = 1; i < std::min(kShown, stale.size()); ++i) text += ", " + stale[i];
  if (stale.size() > kShown) text += " …";
  return {{Kind::kProblem, "registrations", std::move(text),
           fmt::format("`modelyard prune --zk {0}` lists them, with --all-stale it removes them.", cluster.quorum())}};
}

const std::vector<ClusterCheck>& cluster_checks() {
  static const std::vector<ClusterCheck> kChecks{examine_clock, examine_nodes, examine_leader, examine_queue,
                                                 examine_registrations};
  return kChecks;
}

}  // namespace modelyard::cli
