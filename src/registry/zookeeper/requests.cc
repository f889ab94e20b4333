// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/requests.h"

#include <algorithm>

#include "json/tree.h"
#include "registry/zookeeper/stored.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::Client;
using modelyard::zookeeper::CreateMode;

constexpr std::string_view kItemPrefix = "qn-";
constexpr size_t kRegistrationsMax = 100'000;

}  // namespace

io::Task<Result<Layout>> read_layout(Client& client, std::string zk_root, SteadyTime deadline) {
  auto node = co_await client.get(zk_root, {}, deadline);
  if (node) co_return layout_from(zk_root, node->data);
  if (node.error().code() != ErrorCode::kNotFound)
    co_return fail(std::move(node).error().with_context("reading " + zk_root));
  // NONODE is also what every path says below a chroot that does not exist.
  const auto top = co_await client.exists("/", {}, deadline);
  if (!top && top.error().code() == ErrorCode::kNotFound) {
    co_return fail(ErrorCode::kNotFound,
                   "the path at the end of the quorum's address (the chroot) does not exist in ZooKeeper: create it or "
                   "leave it out");
  }
  if (!top) co_return fail(Error(top.error()).with_context("reading /"));
  co_return layout_from(zk_root, std::nullopt);
}

io::Task<Result<std::string>> put_request(Client& client, const Layout& layout, Request request, SteadyTime deadline) {
  const std::string queue = layout.queue;
  const std::string data = to_json(request);
  const std::string path = queue + "/" + std::string(kItemPrefix);
  auto put =
      co_await client.create(path, data, CreateMode::kPersistentSequential, modelyard::zookeeper::open_acl(), deadline);
  if (!put && put.error().code() == ErrorCode::kNotFound) {
    // Certainly not put: the queue is not there yet. Making it may be said twice, putting may not.
    if (Status made = co_await make_parents(client, queue, deadline); !made) {
      const bool unknown = made.error().code() == ErrorCode::kDeadline;
      Error error = std::move(made).error().with_context("the request was not put");
      co_return fail(unknown ? std::move(error).with_code(ErrorCode::kUnavailable) : std::move(error));
    }
    put = co_await client.create(path, data, CreateMode::kPersistentSequential, modelyard::zookeeper::open_acl(),
                                 deadline);
  }
  if (put) co_return std::string(modelyard::zookeeper::name_of(*put));
  if (put.error().code() == ErrorCode::kDeadline) {
    co_return fail(std::move(put).error().with_context("it is not known whether the request was put into " + queue +
                                                       "; look at what is deployed before trying again"));
  }
  co_return fail(std::move(put).error().with_context("putting the request into " + queue));
}

io::Task<Result<LeaderRecord>> read_leader(Client& client, const Layout& layout, SteadyTime deadline) {
  const std::string folder = layout.leader();
  auto children = co_await client.children(folder, {}, deadline);
  if (!children && children.error().code() != ErrorCode::kNotFound)
    co_return fail(std::move(children).error().with_context("reading " + folder));
  std::vector<std::pair<int64_t, std::string>> candidates;
  if (children) {
    for (const std::string& name : children->names) {
      if (const auto sequence = sequence_of(name, "n-")) candidates.emplace_back(*sequence, name);
    }
  }
  std::sort(candidates.begin(), candidates.end());
  for (const auto& [sequence, name] : candidates) {
    auto node = co_await client.get(folder + "/" + name, {}, deadline);
    if (!node && node.error().code() == ErrorCode::kNotFound) continue;  // gone since: the next one leads
    if (!node) co_return fail(std::move(node).error().with_context("reading " + folder));
    MY_CO_TRY(const json::Tree tree, json::parse(node->data));
    co_return leader_record_from_json(tree);
  }
  co_return fail(ErrorCode::kNotFound, "no controller leads");
}

io::Task<Result<std::vector<Registration>>> read_registrations(Client& client, const Layout& layout,
                                                               SteadyTime deadline) {
  const std::string root = layout.service;
  std::vector<Registration> out;
  auto models = co_await client.children(root, {}, deadline);
  if (!models && models.error().code() == ErrorCode::kNotFound) co_return out;
  if (!models) co_return fail(std::move(models).error().with_context("reading " + root));
  std::sort(models->names.begin(), models->names.end());
  for (const std::string& model : models->names) {
    const std::string folder = root + "/" + model;
    auto ids = co_await client.children(folder, {}, deadline);
    if (!ids && ids.error().code() == ErrorCode::kNotFound) continue;
    if (!ids) co_return fail(std::move(ids).error().with_context("reading " + folder));
    std::sort(ids->names.begin(), ids->names.end());
    for (const std::string& id : ids->names) {
      if (out.size() >= kRegistrationsMax)
        co_return fail(ErrorCode::kResourceExhausted, root + " holds more than 100,000 registrations");
      const std::string path = folder + "/" + id;
      auto node = co_await client.get(path, {}, deadline);
      if (!node && node.error().code() == ErrorCode::kNotFound) continue;
      if (!node) co_return fail(std::move(node).error().with_context("reading " + path));
      Registration registration{.path = path, .persistent = node->stat.ephemeral_owner == 0};
      // A malformed one hides every model from the reference's clients, so it is shown too, by its place.
      registration.endpoint = endpoint_from_discovery(node->data).value_or(Endpoint{});
      registration.endpoint.name = model;
      registration.endpoint.id = id;
      out.push_back(std::move(registration));
    }
  }
  co_return out;
}

}  // namespace modelyard::registry::zookeeper
