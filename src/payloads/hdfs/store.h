// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "hadoop/configuration.h"
#include "hadoop/rest.h"
#include "payloads/limits.h"
#include "payloads/store.h"

namespace modelyard::payloads {

struct HdfsStoreOptions {
  hadoop::FileSystemAddress file_system;
  hadoop::RestOptions rest;
  std::string staging;  // absolute path in HDFS; payloads are published below it (publish.h)
  Limits limits;
};

// A cluster's payloads: `local` unpacks and judges, what it keeps is published in HDFS before it counts as stored. So a
// payload outlives the process and its folder: find() answers with the local folder where it is there, else with the
// path of the published archive, without asking HDFS. Who starts something with it asks HDFS then
// (find_published).
// Thread-safe; owns `local`.
std::unique_ptr<PayloadStore> make_hdfs_store(std::unique_ptr<PayloadStore> local, HdfsStoreOptions options);

}  // namespace modelyard::payloads
