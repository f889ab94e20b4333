// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// YARN's identities and their texts (ApplicationId, ApplicationAttemptId and ContainerId of hadoop-yarn-api).
namespace modelyard::hadoop::yarn {

struct ApplicationId {
  int64_t cluster_timestamp = 0;  // milliseconds, when the first resource manager started
  int32_t number = 0;
  std::string text() const;  // "application_1700000000000_0001"
  auto operator<=>(const ApplicationId&) const = default;
};
std::optional<ApplicationId> parse_application_id(std::string_view text);

// number: the epoch (restarts of the resource manager) in the bits from 40 on, the counter below.
struct ContainerId {
  ApplicationId application;
  int32_t attempt = 0;
  int64_t number = 0;

  int64_t epoch() const { return number >> 40; }
  int64_t counter() const { return number & ((int64_t{1} << 40) - 1); }
  std::string attempt_text() const;  // "appattempt_1700000000000_0001_000001"
  std::string text() const;          // "container_1700000000000_0001_01_000002", "container_e17_…" from epoch 1 on
  auto operator<=>(const ContainerId&) const = default;
};
std::optional<ContainerId> parse_container_id(std::string_view text);

}  // namespace modelyard::hadoop::yarn
