// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/access.h"

#include <gtest/gtest.h>

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::Acl;
using modelyard::zookeeper::AclList;
namespace perms = modelyard::zookeeper::perms;

int32_t granted(const AclList& acl, std::string_view scheme, const std::string& id) {
  int32_t all = 0;
  for (const Acl& entry : acl) {
    if (entry.scheme == scheme && entry.id == id) all |= entry.perms;
  }
  return all;
}

const std::string kController = modelyard::zookeeper::digest_id("modelyard", "s");
const std::string kWorker = modelyard::zookeeper::digest_id("modelyard-worker", "a");

TEST(Access, WithoutSecretsEverybodyMayDoEverything) {
  const Access access = access_of({}, true);
  EXPECT_EQ(access.records, modelyard::zookeeper::open_acl());
  EXPECT_EQ(access.workers, modelyard::zookeeper::open_acl());
  EXPECT_EQ(access.nests, modelyard::zookeeper::open_acl());
  EXPECT_TRUE(controller_auth({}).empty());
  EXPECT_TRUE(worker_auth({}).empty());
}

TEST(Access, AWorkerWritesReportsAndNeverRecords) {
  const Access access = access_of({"s", "a"}, true);
  EXPECT_EQ(granted(access.records, "digest", kController), perms::kAll);
  EXPECT_EQ(granted(access.records, "digest", kWorker), perms::kRead);
  EXPECT_EQ(granted(access.records, "world", "anyone"), perms::kRead);
  EXPECT_EQ(granted(access.workers, "digest", kController), perms::kAll);
  EXPECT_EQ(granted(access.workers, "digest", kWorker), perms::kAll);
  EXPECT_EQ(granted(access.workers, "world", "anyone"), perms::kRead);
  EXPECT_EQ(granted(access.nests, "digest", kController), perms::kAll);
  EXPECT_EQ(granted(access.nests, "digest", kWorker), perms::kRead | perms::kCreate | perms::kDelete);
  EXPECT_EQ(granted(access.nests, "world", "anyone"), perms::kRead);
}

TEST(Access, TheWorldMayBeKeptOut) {
  const Access access = access_of({"s", "a"}, false);
  for (const AclList& acl : {access.records, access.workers, access.nests})
    EXPECT_EQ(granted(acl, "world", "anyone"), 0);
  EXPECT_EQ(granted(access.records, "digest", kWorker), perms::kRead) << "a worker reads its orders all the same";
}

TEST(Access, AWorkerKnowsItsOwnSecretAlone) {
  const Access access = access_of({"", "a"}, true);
  EXPECT_EQ(granted(access.workers, "digest", kWorker), perms::kAll);
  EXPECT_EQ(granted(access.workers, "world", "anyone"), perms::kRead);
  using Auth = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(worker_auth({"s", "a"}), (Auth{{"digest", "modelyard-worker:a"}}));
  EXPECT_EQ(controller_auth({"s", "a"}), (Auth{{"digest", "modelyard:s"}, {"digest", "modelyard-worker:a"}}));
  EXPECT_EQ(controller_auth({"s", ""}), (Auth{{"digest", "modelyard:s"}}));
}

TEST(Access, ApplicationsHaveSecretsOfTheirOwn) {
  // RFC 4231, test case 2: HMAC-SHA-256 of this text under the key "Jefe".
  EXPECT_EQ(derive_application_secret("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_NE(derive_application_secret("s", "application_1_1"), derive_application_secret("s", "application_1_2"));
  EXPECT_EQ(derive_application_secret("", "application_1_1"), "") << "open stays open";
}

}  // namespace
}  // namespace modelyard::registry::zookeeper
