// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "registry/registry.h"

namespace modelyard::sqlite {
class Database;
}

namespace modelyard::registry {

struct EmbeddedOptions {
  int64_t events_max = 10'000;  // the oldest go
  size_t queue_max = 256;       // writes that wait for the disk
};

// The registry of one machine: DATA/registry.db, in SQLite, committed with an fsync before a write is answered. Its own
// thread does the I/O. Owned by main; destroyed after the controller that uses it and while the loops that await it
// still run or have ended with nothing awaited.
//
// The schema has one row per record: its key in columns, the record as JSON (types.h), so that a field may be added
// without a new format. Format 1.
class EmbeddedRegistry final : public Registry {
 public:
  // Makes the folder (0700) where absent. kConflict: another process has it open; kPermissionDenied, kUnavailable: it
  // cannot be written; kUnsupported: a newer format, or a network file system; kDataLoss: damaged or not ours. Every
  // text names folder or file and says what to do.
  static Result<std::unique_ptr<EmbeddedRegistry>> open(const std::filesystem::path& data,
                                                        const EmbeddedOptions& options = {});
  ~EmbeddedRegistry() override;

  io::Task<Result<Contents>> lead() override;
  io::Task<Status> write(std::vector<Write> batch) override;
  io::Task<Result<std::vector<Event>>> events(std::string name, std::string version, int limit) override;

  // Further writes fail with this SQLite result code until 0 is given (SQLITE_FULL = 13): for tests of a full disk.
  void fail_writes_for_testing(int code);

 private:
  struct Impl;
  explicit EmbeddedRegistry(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace modelyard::registry
