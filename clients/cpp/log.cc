// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <mutex>

namespace modelyard::sdk {

void use_own_log() {
  static std::once_flag once;
  std::call_once(once, [] {
    auto logger = std::make_shared<spdlog::logger>("modelyard", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("modelyard: %l: %v");
    const char* level = std::getenv("MODELYARD_LOG");
    logger->set_level(level != nullptr ? spdlog::level::from_str(level) : spdlog::level::warn);
    spdlog::set_default_logger(std::move(logger));
  });
}

}  // namespace modelyard::sdk
