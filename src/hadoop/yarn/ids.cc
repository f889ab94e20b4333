// SPDX-License-Identifier: Apache-2.0
#include "hadoop/yarn/ids.h"

#include <fmt/format.h>

#include <vector>

#include "base/strings.h"

namespace modelyard::hadoop::yarn {
namespace {

// Digits alone: parse_int takes a sign.
std::optional<int64_t> number_of(std::string_view text, int64_t max) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const std::optional<int64_t> value = parse_int(text);
  return value && *value <= max ? value : std::nullopt;
}

}  // namespace

std::string ApplicationId::text() const { return fmt::format("application_{}_{:04}", cluster_timestamp, number); }

std::optional<ApplicationId> parse_application_id(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '_');
  if (parts.size() != 3 || parts[0] != "application") return std::nullopt;
  const auto timestamp = number_of(parts[1], INT64_MAX);
  const auto number = number_of(parts[2], INT32_MAX);
  if (!timestamp || !number) return std::nullopt;
  return ApplicationId{*timestamp, static_cast<int32_t>(*number)};
}

std::string ContainerId::attempt_text() const {
  return fmt::format("appattempt_{}_{:04}_{:06}", application.cluster_timestamp, application.number, attempt);
}

std::string ContainerId::text() const {
  const std::string head = epoch() > 0 ? fmt::format("e{:02}_", epoch()) : "";
  return fmt::format("container_{}{}_{:04}_{:02}_{:06}", head, application.cluster_timestamp, application.number,
                     attempt, counter());
}

std::optional<ContainerId> parse_container_id(std::string_view text) {
  std::vector<std::string_view> parts = split(text, '_');
  if (parts.size() < 5 || parts[0] != "container") return std::nullopt;
  parts.erase(parts.begin());
  int64_t epoch = 0;
  if (parts[0].starts_with('e')) {
    const auto value = number_of(parts[0].substr(1), (int64_t{1} << 23) - 1);
    if (!value) return std::nullopt;
    epoch = *value;
    parts.erase(parts.begin());
  }
  if (parts.size() != 4) return std::nullopt;
  const auto timestamp = number_of(parts[0], INT64_MAX);
  const auto application = number_of(parts[1], INT32_MAX);
  const auto attempt = number_of(parts[2], INT32_MAX);
  const auto counter = number_of(parts[3], (int64_t{1} << 40) - 1);
  if (!timestamp || !application || !attempt || !counter) return std::nullopt;
  return ContainerId{
      {*timestamp, static_cast<int32_t>(*application)}, static_cast<int32_t>(*attempt), epoch << 40 | *counter};
}

}  // namespace modelyard::hadoop::yarn
