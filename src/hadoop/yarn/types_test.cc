// SPDX-License-Identifier: Apache-2.0
#include "hadoop/yarn/types.h"

#include <gtest/gtest.h>

namespace modelyard::hadoop::yarn {
namespace {

TEST(Ids, AreReadAndWrittenAsYarnDoes) {
  const std::pair<const char*, ContainerId> rows[] = {
      {"container_1410901177871_0001_01_000005", {{1410901177871, 1}, 1, 5}},
      {"container_e17_1410901177871_0001_01_000005", {{1410901177871, 1}, 1, int64_t{17} << 40 | 5}},
      {"container_e02_1_12345_123_1234567", {{1, 12345}, 123, int64_t{2} << 40 | 1234567}}};
  for (const auto& [text, id] : rows) {
    EXPECT_EQ(id.text(), text);
    EXPECT_EQ(parse_container_id(text).value(), id);
  }
  EXPECT_EQ(rows[1].second.epoch(), 17);
  EXPECT_EQ(rows[1].second.counter(), 5);
  EXPECT_EQ(rows[0].second.attempt_text(), "appattempt_1410901177871_0001_000001");
  EXPECT_EQ(parse_application_id("application_1410901177871_0042").value().text(), "application_1410901177871_0042");
}

TEST(Ids, OtherTextsAreRefused) {
  for (const char* text :
       {"", "container_", "container_1_2_3", "container_1_2_3_4_5", "container_e_1_2_3_4", "container_x1_1_2_3_4",
        "container_1_2_3_-4", "container_+1_2_3_4", "container_1_99999999999_3_4", "container_1_2_3_1099511627776",
        "application_1_2", "container_e8388608_1_2_3_4", "container_1__3_4"})
    EXPECT_FALSE(parse_container_id(text)) << text;
  for (const char* text : {"", "application_1", "application_1_2_3", "application_a_1", "container_1_2"})
    EXPECT_FALSE(parse_application_id(text)) << text;
}

TEST(Causes, AreWords) {
  const auto words = [](int32_t status, std::string text, int64_t memory = 0) {
    return explain({{}, true, status, std::move(text)}, memory);
  };
  EXPECT_EQ(words(0, "whatever"), "ended by itself with exit status 0");
  EXPECT_EQ(words(3, "\n\nException from container-launch.\nExit code: 3\n"),
            "ended with exit status 3; YARN says: Exception from container-launch.");
  EXPECT_EQ(words(exit_status::kOverMemory, "", 512), "killed: more memory used than 512 MB");
  EXPECT_EQ(words(exit_status::kPreempted, "N/A"), "taken away by the cluster for another queue or user (preempted)");
  EXPECT_EQ(words(exit_status::kInvalid, "File does not exist: hdfs://nn/x\n\tat y"),
            "never started: its files could not be brought to the node; YARN says: File does not exist: hdfs://nn/x");
  EXPECT_EQ(words(exit_status::kKilledByMaster, "Container killed by the ApplicationMaster."),
            "stopped by the controller");
  EXPECT_EQ(words(137, ""), "killed by signal KILL (exit status 137): out of the machine's memory, or by somebody");
  EXPECT_EQ(words(139, ""), "ended by signal 11 (exit status 139)");
  for (const int32_t status : {-100, -101, -103, -105, -106, -107, -999}) EXPECT_FALSE(words(status, "").empty());
  EXPECT_LT(words(1, std::string(5'000, 'x')).size(), 400U);
  EXPECT_TRUE(is_nodes_fault({{}, true, exit_status::kDisksFailed, ""}));
  EXPECT_TRUE(is_nodes_fault({{}, true, exit_status::kInvalid, "Disk quota exceeded"}));
  EXPECT_FALSE(is_nodes_fault({{}, true, exit_status::kInvalid, "File does not exist: hdfs://nn/x"}));
  EXPECT_FALSE(is_nodes_fault({{}, true, exit_status::kInvalid, "Resource hdfs://nn/x changed on src filesystem"}));
  EXPECT_FALSE(is_nodes_fault({{}, true, exit_status::kPreempted, ""}));
}

TEST(LocalResources, AddressesAreRead) {
  const LocalResource plain = parse_local_resource("hdfs://nn1:8020/apps/b.tar.gz").value();
  EXPECT_EQ(plain.host, "nn1");
  EXPECT_EQ(plain.port, 8020);
  EXPECT_EQ(plain.path, "/apps/b.tar.gz");
  const LocalResource service = parse_local_resource("hdfs://cluster/x").value();
  EXPECT_EQ(service.host, "cluster");
  EXPECT_EQ(service.port, -1);
  EXPECT_EQ(parse_local_resource("file:///x").value().host, "");
  for (const char* url : {"", "/x", "hdfs://", "hdfs://nn", "hdfs://nn:0/x", "hdfs://nn:x/y", "://nn/x"})
    EXPECT_EQ(parse_local_resource(url).error().code(), ErrorCode::kInvalidArgument) << url;
}

}  // namespace
}  // namespace modelyard::hadoop::yarn
