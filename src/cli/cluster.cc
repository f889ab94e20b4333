// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster.h"

#include <fmt/format.h>

#include "base/random.h"
#include "cli/secret_file.h"
#include "registry/zookeeper/access.h"
#include "registry/zookeeper/endpoints.h"

namespace modelyard::cli {

namespace zk = registry::zookeeper;

namespace {

constexpr seconds kConnectWithin{10};
constexpr seconds kReadWithin{10};
constexpr milliseconds kCloseWithin{300};

SteadyTime in(std::chrono::nanoseconds time) {
  return system_clock().now() + std::chrono::duration_cast<SteadyTime::duration>(time);
}

// The installation's secret, for nodes that not everybody may read.
Result<std::string> secret_of(Invocation& invocation) {
  if (const auto file = invocation.arguments().text("zk-secret-file"))
    return read_secret_file("--zk-secret-file", *file);
  if (const auto file = invocation.environment("MODELYARD_ZK_SECRET_FILE"))
    return read_secret_file("$MODELYARD_ZK_SECRET_FILE", *file);
  return invocation.environment("MODELYARD_ZK_SECRET").value_or("");
}

}  // namespace

std::vector<Option> cluster_options() {
  return {{.name = "zk",
           .value = "HOST:PORT,…",
           .text = "the ZooKeeper servers of a cluster, HOST:PORT,…[/CHROOT]; default $MODELYARD_ZK"},
          {.name = "zk-root",
           .value = "PATH",
           .text = "the node with the cluster's configuration",
           .fallback = std::string(zk::kDefaultRoot)},
          {.name = "zk-secret-file",
           .value = "FILE",
           .text = "file (mode 600) with the installation's secret, where not everybody may read its nodes; default "
                   "$MODELYARD_ZK_SECRET_FILE"}};
}

Result<std::optional<client::ZookeeperAddress>> cluster_address(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  auto quorum = arguments.text("zk");
  if (quorum && arguments.has("server")) return invocation.wrong_usage("--zk and --server are two places: give one");
  const bool server_named = arguments.has("server") || invocation.environment("MODELYARD_SERVER");
  if (!quorum && !server_named) quorum = invocation.environment("MODELYARD_ZK");
  if (!quorum || (quorum->empty() && !arguments.has("zk"))) return std::nullopt;
  if (const auto parsed = zookeeper::parse_quorum(*quorum); !parsed)
    return invocation.wrong_usage("--zk: " + parsed.error().message());
  client::ZookeeperAddress address{.quorum = *quorum};
  if (const auto root = arguments.text("zk-root")) address.zk_root = *root;
  if (const auto good = zookeeper::check_path(address.zk_root); !good)
    return invocation.wrong_usage("--zk-root: " + good.error().message());
  MY_TRY(const std::string secret, secret_of(invocation));
  address.auth = zk::controller_auth({.installation = secret});
  return address;
}

Result<client::ZookeeperAddress> required_cluster(Invocation& invocation) {
  MY_TRY(auto address, cluster_address(invocation));
  if (!address) return invocation.wrong_usage("--zk HOST:PORT,… is missing");
  return *std::move(address);
}

Result<std::unique_ptr<zookeeper::Client>> open_session(io::Loop& loop, const client::ZookeeperAddress& address) {
  zookeeper::ClientOptions options{.quorum = address.quorum};
  options.auth = address.auth;
  return zookeeper::connect_client(loop, std::move(options), Random::from_system());
}

io::Task<Status> reach(zookeeper::Client& client, std::string quorum, SteadyTime deadline) {
  if (!co_await client.wait_connected(deadline)) {
    const std::string why = client.trouble();
    if (client.state() == zookeeper::Client::State::kRefused)
      co_return fail(ErrorCode::kUnauthenticated, fmt::format("ZooKeeper {} refuses us: {}", quorum, why));
    co_return fail(ErrorCode::kUnavailable,
                   fmt::format("ZooKeeper {} does not answer{}{}", quorum, why.empty() ? "" : ": ", why));
  }
  const auto top = co_await client.exists("/", {}, deadline);
  if (!top && top.error().code() == ErrorCode::kNotFound) {
    const auto parsed = zookeeper::parse_quorum(quorum);
    co_return fail(ErrorCode::kUnavailable,
                   fmt::format("the chroot {} does not exist in ZooKeeper {}", parsed ? parsed->chroot : "", quorum));
  }
  if (!top) co_return fail(Error(top.error()).with_context("ZooKeeper " + quorum));
  co_return Status();
}

Cluster::Cluster(io::Loop* loop, std::unique_ptr<io::Loop> own, std::unique_ptr<zookeeper::Client> client,
                 client::ZookeeperAddress address)
    : loop_(loop), own_loop_(std::move(own)), client_(std::move(client)), address_(std::move(address)) {}

Cluster::Cluster(Cluster&&) noexcept = default;

Cluster::~Cluster() {
  if (client_) io::run_blocking(*loop_, client_->close(in(kCloseWithin)));
}

Status Cluster::connect() {
  MY_TRY_VOID(run(reach(*client_, address_.quorum, in(kConnectWithin))));
  auto layout = run(zk::read_layout(*client_, address_.zk_root, in(kReadWithin)));
  if (!layout) return fail(std::move(layout).error().with_context("ZooKeeper " + address_.quorum));
  layout_ = *std::move(layout);
  return {};
}

Result<Cluster> Cluster::over(io::Loop& loop, std::unique_ptr<zookeeper::Client> client,
                              client::ZookeeperAddress address) {
  Cluster cluster(&loop, nullptr, std::move(client), std::move(address));
  MY_TRY_VOID(cluster.connect());
  return cluster;
}

Result<Cluster> Cluster::open(Invocation& invocation, const client::ZookeeperAddress& address) {
  invocation.advise(
      ErrorCode::kUnavailable,
      fmt::format("`modelyard doctor --zk {}` looks at each server and says what to do.", address.quorum));
  invocation.advise(ErrorCode::kPermissionDenied,
                    "Give the installation's secret with --zk-secret-file FILE or $MODELYARD_ZK_SECRET_FILE.");
  auto loop = std::make_unique<io::Loop>();
  MY_TRY(auto client, open_session(*loop, address));
  io::Loop* const bare = loop.get();
  Cluster cluster(bare, std::move(loop), std::move(client), address);
  MY_TRY_VOID(cluster.connect());
  return cluster;
}

Result<zk::LeaderRecord> Cluster::leader() {
  auto record = run(zk::read_leader(*client_, layout_, in(kReadWithin)));
  if (!record && record.error().code() == ErrorCode::kNotFound)
    return fail(ErrorCode::kUnavailable, fmt::format("no controller leads in ZooKeeper {}", address_.quorum));
  if (!record) return fail(std::move(record).error().with_context("ZooKeeper " + address_.quorum));
  return record;
}

Result<std::shared_ptr<const registry::Snapshot>> Cluster::endpoints() {
  const auto read = [](Cluster& self) -> io::Task<Result<std::shared_ptr<const registry::Snapshot>>> {
    zk::EndpointFeed feed(*self.loop_, *self.client_, self.address_.zk_root, system_clock());
    feed.start();
    const Status told = co_await feed.wait_for_snapshot(in(kReadWithin));
    auto snapshot = feed.snapshot();
    co_await feed.stop();
    if (!told) co_return fail(told.error());
    co_return snapshot;
  };
  auto snapshot = run(read(*this));
  if (!snapshot) return fail(std::move(snapshot).error().with_context("ZooKeeper " + address_.quorum));
  return snapshot;
}

Result<std::string> Cluster::enqueue(zk::Request request) {
  const std::string shown = fmt::format("{}@{}", request.name, request.version);
  auto item = run(zk::put_request(*client_, layout_, std::move(request), in(kReadWithin)));
  if (item || item.error().code() != ErrorCode::kDeadline) return item;
  return fail(ErrorCode::kDeadline, fmt::format("{} (`modelyard status {} --zk {}` shows what is wanted now)",
                                                item.error().message(), shown, address_.quorum));
}

}  // namespace modelyard::cli
