// SPDX-License-Identifier: Apache-2.0
#include "payloads/judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

struct TopLevel {
  std::vector<std::string> scripts;
  std::vector<std::string> others;  // folders end in '/'
};

Result<TopLevel> read_top_level(const fs::path& folder) {
  TopLevel found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    const std::string name = at->path().filename().string();
    const bool is_folder = at->is_directory(ignored);
    if (!is_folder && name.size() > 3 && name.ends_with(".sh") && at->is_regular_file(ignored)) {
      found.scripts.push_back(name);
    } else {
      found.others.push_back(is_folder ? name + "/" : name);
    }
  }
  if (error) return fail(errno_error(error.value(), "reading folder " + folder.string()));
  std::sort(found.scripts.begin(), found.scripts.end());
  std::sort(found.others.begin(), found.others.end());
  return found;
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 8;
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + std::min(names.size(), kShown), ", "));
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

}  // namespace

Result<std::string> judge_payload(const fs::path& folder) {
  MY_TRY(const TopLevel found, read_top_level(folder));
  if (found.scripts.size() == 1) return found.scripts.front();
  if (found.scripts.size() > 1) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "the payload has {} .sh files at its top level ({}), so which one starts the model is not clear: keep "
            "exactly one there and put the others in a folder below",
            found.scripts.size(), list_of(found.scripts)));
  }
  std::string text = "the payload has no .sh file at its top level ";
  text += found.others.empty() ? "(it is empty)" : fmt::format("(found: {})", list_of(found.others));
  if (found.others.size() == 1 && found.others.front().ends_with('/')) {
    text += fmt::format(": pack what is inside {} rather than the folder itself", found.others.front());
  } else {
    text += ": add one that starts the model and writes endpoint.dat";
  }
  return fail(ErrorCode::kInvalidArgument, std::move(text));
}

}  // namespace modelyard::payloads
