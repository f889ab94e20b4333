// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "registry/contents.h"
#include "sqlite/database.h"

// The tables of registry.db and what is read and written in them; all on the file's own thread.
namespace modelyard::registry::internal {

inline constexpr int kFormat = 1;
inline constexpr int32_t kApplicationId = 0x4d594152;  // "MYAR"

Status make_schema(sqlite::Database& database, int from);
// Counts the epoch up, in the same transaction that reads.
Result<Contents> lead(sqlite::Database& database);
// One transaction. kConflict when a deployment's stored generation is not the one before.
Status write(sqlite::Database& database, const std::vector<Write>& batch, int64_t epoch, int64_t events_max);
Result<std::vector<Event>> events(sqlite::Database& database, const std::string& name, const std::string& version,
                                  int limit);

}  // namespace modelyard::registry::internal
