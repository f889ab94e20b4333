// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "registry/types.h"

namespace modelyard::payloads {

// What a store holds of one payload.
struct StoredPayload {
  std::string digest;  // "sha256:…"
  std::string script;  // the one top-level *.sh
  int64_t files = 0;
  int64_t bytes = 0;
  bool is_new = false;  // false: the same content was there already
  // While any copy of this lives, collect() leaves the payload alone: hold it until the deployment that names the
  // digest is stored.
  std::shared_ptr<const void> pin;
};

// A payload on its way in. Confined to one thread at a time; dropping it before finish() leaves nothing behind.
class PayloadUpload {
 public:
  virtual ~PayloadUpload() = default;
  // The next bytes of the tar (plain, gzip, bzip2, xz, zstd, lz4). Writes them to the store's disk; short, may be
  // called on a loop.
  virtual Status append(std::string_view chunk) = 0;
  // Unpacks, judges (judge.h) and keeps it. Blocks as long as unpacking takes: call it on a thread that may wait, once.
  // kInvalidArgument: no tar, an entry that leaves the folder, no .sh, two; kResourceExhausted: a bound (limits.h) or
  // the disk.
  virtual Result<StoredPayload> finish() = 0;
};

// Where the contents of deployments live. The same content is stored once. Thread-safe. A payload once stored never
// changes.
class PayloadStore {
 public:
  virtual ~PayloadStore() = default;
  virtual Result<std::unique_ptr<PayloadUpload>> begin_upload() = 0;
  // Copies a folder of this machine in, leaving out a top-level endpoint.dat. Blocks.
  virtual Result<StoredPayload> store_folder(const std::filesystem::path& folder) = 0;
  // The folder to read it from; kNotFound.
  virtual Result<std::filesystem::path> find(std::string_view digest) const = 0;
  // Removes every payload that is neither wanted nor pinned, and what an interrupted upload left. Returns the removed
  // digests. Blocks.
  virtual Result<std::vector<std::string>> collect(const std::set<std::string>& wanted) = 0;
};

inline constexpr size_t kRevisionsKept = 5;
// Drops all but the newest kRevisionsKept, and never the one named.
void trim_revisions(std::vector<registry::Revision>& revisions, int64_t keep_number = 0);

}  // namespace modelyard::payloads
