// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "zookeeper/client.h"

namespace modelyard::zookeeper {
namespace {

constexpr int kTriesMax = 8;  // against others who remove or create at the same time
constexpr size_t kNodesMax = 1'000'000;
constexpr size_t kBatch = 200;

// All below root, root first, parents before their children.
io::Task<Result<std::vector<std::string>>> list_tree(Client& client, const std::string& root) {
  std::vector<std::string> paths{root};
  for (size_t i = 0; i < paths.size(); ++i) {
    Result<Client::Children> children = co_await client.children(paths[i]);
    if (!children && children.error().code() == ErrorCode::kNotFound) continue;
    if (!children) co_return fail(std::move(children).error());
    if (paths.size() + children->names.size() > kNodesMax)
      co_return fail(ErrorCode::kResourceExhausted, fmt::format("more than {} nodes are below {}", kNodesMax, root));
    const std::string prefix = paths[i] == "/" ? "/" : paths[i] + "/";
    for (const std::string& name : children->names) paths.push_back(prefix + name);
  }
  co_return paths;
}

// True: all are gone. False: somebody was there at the same time.
io::Task<Result<bool>> remove_batch(Client& client, std::vector<std::string> paths) {
  std::vector<Op> ops;
  for (const std::string& path : paths) ops.push_back(Op::remove(path));
  MY_CO_TRY(const MultiAnswer answer, co_await client.multi(std::move(ops)));
  if (answer.done) co_return true;
  if (answer.refusal != ErrorCode::kNotFound && answer.refusal != ErrorCode::kConflict)
    co_return fail(answer.refusal, answer.text);
  bool all = true;
  for (const std::string& path : paths) {
    const Status status = co_await client.remove(path);
    if (status || status.error().code() == ErrorCode::kNotFound) continue;
    if (status.error().code() != ErrorCode::kConflict) co_return fail(status.error());
    all = false;
  }
  co_return all;
}

}  // namespace

io::Task<Status> make_path(Client& client, std::string path, AclList acl) {
  MY_CO_TRY_VOID(check_path(path));
  for (int tries = 0; tries < kTriesMax; ++tries) {
    // Up to the first ancestor that is there, then down again.
    std::vector<std::string> absent;
    for (std::string at = path; at != "/"; at = std::string(parent_of(at))) {
      const Result<Stat> stat = co_await client.exists(at);
      if (stat) break;
      if (stat.error().code() != ErrorCode::kNotFound) co_return fail(stat.error());
      absent.push_back(std::move(at));
      at = absent.back();
    }
    bool again = false;
    for (auto next = absent.rbegin(); next != absent.rend() && !again; ++next) {
      const Result<std::string> created = co_await client.create(*next, "", CreateMode::kPersistent, acl);
      if (created || created.error().code() == ErrorCode::kAlreadyExists) continue;
      again = created.error().code() == ErrorCode::kNotFound && next != absent.rbegin();
      if (!again) co_return fail(created.error());
    }
    if (!again) co_return Status();
  }
  co_return fail(ErrorCode::kConflict, fmt::format("{} is removed while it is being made", path));
}

io::Task<Status> remove_tree(Client& client, std::string path) {
  MY_CO_TRY_VOID(check_path(path));
  if (path == "/") co_return fail(ErrorCode::kInvalidArgument, "the root is not removed");
  for (int tries = 0; tries < kTriesMax; ++tries) {
    MY_CO_TRY(std::vector<std::string> paths, co_await list_tree(client, path));
    bool all = true;
    while (!paths.empty()) {
      const size_t size = std::min(kBatch, paths.size());
      std::vector<std::string> batch(paths.end() - static_cast<std::ptrdiff_t>(size), paths.end());
      paths.resize(paths.size() - size);
      std::reverse(batch.begin(), batch.end());
      MY_CO_TRY(const bool done, co_await remove_batch(client, std::move(batch)));
      all = all && done;
    }
    if (all) co_return Status();
  }
  co_return fail(ErrorCode::kConflict, fmt::format("{} is added to while it is being removed", path));
}

}  // namespace modelyard::zookeeper
