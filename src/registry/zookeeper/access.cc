// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/access.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/strings.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::AclList;
namespace perms = modelyard::zookeeper::perms;

constexpr std::string_view kController = "modelyard";
constexpr std::string_view kWorker = "modelyard-worker";

void grant(AclList& acl, int32_t what, std::string_view user, const std::string& secret) {
  if (!secret.empty()) acl.push_back({what, "digest", modelyard::zookeeper::digest_id(user, secret)});
}

std::pair<std::string, std::string> digest(std::string_view user, const std::string& secret) {
  return {"digest", std::string(user) + ":" + secret};
}

}  // namespace

std::string derive_application_secret(const std::string& installation, const std::string& application_id) {
  if (installation.empty()) return "";
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned length = 0;
  HMAC(EVP_sha256(), installation.data(), static_cast<int>(installation.size()),
       reinterpret_cast<const unsigned char*>(application_id.data()), application_id.size(), mac.data(), &length);
  return to_hex({reinterpret_cast<const char*>(mac.data()), length});
}

Access access_of(const Secrets& secrets, bool world_may_read) {
  if (secrets.installation.empty() && secrets.application.empty()) {
    const AclList open = modelyard::zookeeper::open_acl();
    return {open, open, open};
  }
  Access access;
  for (AclList* acl : {&access.records, &access.workers, &access.nests})
    grant(*acl, perms::kAll, kController, secrets.installation);
  grant(access.workers, perms::kAll, kWorker, secrets.application);
  grant(access.nests, perms::kRead | perms::kCreate | perms::kDelete, kWorker, secrets.application);
  // A worker reads its orders from the records, whoever else may not.
  grant(access.records, perms::kRead, kWorker, secrets.application);
  if (world_may_read) {
    for (AclList* acl : {&access.records, &access.workers, &access.nests})
      acl->push_back({perms::kRead, "world", "anyone"});
  }
  return access;
}

std::vector<std::pair<std::string, std::string>> controller_auth(const Secrets& secrets) {
  std::vector<std::pair<std::string, std::string>> out;
  if (!secrets.installation.empty()) out.push_back(digest(kController, secrets.installation));
  // What a worker made belongs to its application's identity alone: it does not know the installation's.
  if (!secrets.application.empty()) out.push_back(digest(kWorker, secrets.application));
  return out;
}

std::vector<std::pair<std::string, std::string>> worker_auth(const Secrets& secrets) {
  if (secrets.application.empty()) return {};
  return {digest(kWorker, secrets.application)};
}

}  // namespace modelyard::registry::zookeeper
