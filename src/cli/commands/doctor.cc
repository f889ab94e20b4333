// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "cli/examine_cluster.h"
#include "cli/machine.h"
#include "cli/remote.h"
#include "http/url.h"
#include "io/file.h"
#include "json/tree.h"

namespace modelyard::cli {
namespace {

using Kind = Finding::Kind;

std::string_view word_of(Kind kind) {
  switch (kind) {
    case Kind::kGood: return "ok";
    case Kind::kNote: return "note";
    case Kind::kProblem: return "problem";
  }
  return "problem";
}

// Whether a server could take the address: somebody else listening there is why it does not answer.
bool can_bind(const std::string& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host.c_str(), &address.sin_addr) != 1) return true;
  const io::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  return errno != EADDRINUSE;
}

Finding examine_server(Remote& remote) {
  const auto info = remote.get("/api/v1/info");
  if (info) {
    return {Kind::kGood, "server",
            fmt::format("{} answers: modelyard {} on {}", remote.url(), json::get_string(*info, "version"),
                        json::get_string(*info, "host")),
            ""};
  }
  if (info.error().code() != ErrorCode::kUnavailable) {
    return {Kind::kProblem, "server", info.error().message(),
            "Another program may have this address: choose one with --listen and --server."};
  }
  const auto url = http::parse_url(remote.url());
  if (url && !can_bind(url->host, url->port)) {
    return {Kind::kProblem, "server", fmt::format("{} is taken by a program that does not answer", remote.url()),
            "End that program, or choose another address with `modelyard up --listen`."};
  }
  return {Kind::kNote, "server", fmt::format("nothing listens on {}", remote.url()), "`modelyard up` starts a server."};
}

// Deployments that do not do well, when there is a server to ask.
void examine_deployments(Remote& remote, std::vector<Finding>& findings) {
  const auto deployments = remote.get_list("/api/v1/deployments");
  if (!deployments) return;
  for (const json::Tree& deployment : *deployments) {
    const std::string state = json::get_string(deployment, "state");
    if (state == "ready" || state == "starting" || state == "removing") continue;
    const std::string shown =
        fmt::format("{}@{}", json::get_string(deployment, "name"), json::get_string(deployment, "version"));
    const std::string error = json::get_string(deployment, "error");
    findings.push_back({Kind::kProblem, "model " + shown, state + ": " + error.substr(0, error.find('\n')),
                        fmt::format("`modelyard status {0}` and `modelyard logs {0} --previous` say more.", shown)});
  }
}

void append(std::vector<Finding>& findings, std::vector<Finding> more) {
  findings.insert(findings.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// What cannot be reached is a finding, not an end.
void examine_cluster(Invocation& invocation, const client::ZookeeperAddress& place, std::vector<Finding>& findings) {
  append(findings, examine_quorum(place));
  auto cluster = Cluster::open(invocation, place);
  if (!cluster) {
    findings.push_back(
        {Kind::kProblem, "session", cluster.error().message(), "Without a session nothing further can be looked at."});
    return;
  }
  findings.push_back({Kind::kGood, "session", "opened with ZooKeeper " + place.quorum, ""});
  for (const ClusterCheck check : cluster_checks()) append(findings, check(*cluster));
  const auto leader = cluster->leader();
  if (!leader || leader->url.empty()) return;
  auto address = server_address(invocation);
  auto remote = address ? Remote::open(*std::move(address)) : fail(std::move(address).error());
  if (remote) examine_deployments(*remote, findings);
}

Status examine_one_machine(Invocation& invocation, std::vector<Finding>& findings) {
  MY_TRY(Remote remote, Remote::open(invocation));
  findings.push_back(examine_server(remote));
  if (findings.back().kind == Kind::kGood) examine_deployments(remote, findings);
  return {};
}

Status run(Invocation& invocation) {
  MY_TRY(const std::filesystem::path data, data_folder(invocation));
  MY_TRY(const auto place, cluster_address(invocation));
  std::vector<Finding> findings = examine_machine(data);
  if (place) {
    examine_cluster(invocation, *place, findings);
  } else {
    MY_TRY_VOID(examine_one_machine(invocation, findings));
  }
  if (invocation.wants_json()) {
    json::Tree list = json::Tree::array();
    for (const Finding& finding : findings) {
      list.push_back({{"check", finding.what},
                      {"state", word_of(finding.kind)},
                      {"text", finding.text},
                      {"advice", finding.advice}});
    }
    invocation.out().json(list);
  } else {
    for (const Finding& finding : findings) {
      invocation.out().line(fmt::format("{:<8} {}: {}", word_of(finding.kind), finding.what, printable(finding.text)));
      if (finding.kind != Kind::kGood && !finding.advice.empty())
        invocation.out().line(fmt::format("{:<8} {}", "", finding.advice));
    }
  }
  const auto problems = std::ranges::count(findings, Kind::kProblem, &Finding::kind);
  if (problems > 0) invocation.exit_with(kFailed);
  return {};
}

}  // namespace

void register_doctor(CommandSet& commands) {
  commands.add(
      {.name = "doctor",
       .group = "Server",
       .summary = "look at this machine and the server or cluster, and say what to do",
       .text =
           "Checks the kernel's features, limits, programs, the data folder, whether the server answers or its "
           "address is free, and the deployments that do not do well. With --zk: each server of the quorum, the "
           "chroot, clocks, our nodes and who may write them, the controller that leads, the queue with rejected "
           "requests, and registrations that nobody stands behind. Exit 1 if something is a problem; notes are not.",
       .options =
           std::vector<Option>{
               {.name = "data", .value = "DIR", .text = "the data folder to look at; default as of `modelyard up`"},
               output_option()} +
           server_options(),
       .examples = {{"modelyard doctor", "what is wrong here?"},
                    {"modelyard doctor --zk node1:2181,node2:2181,node3:2181", "what is wrong with the cluster?"}},
       .run = run});
}

}  // namespace modelyard::cli
