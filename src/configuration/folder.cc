// SPDX-License-Identifier: Apache-2.0
#include "configuration/folder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "io/file.h"

namespace modelyard::configuration {
namespace {

namespace fs = std::filesystem;
constexpr size_t kPatternBytesMax = size_t{4} << 20;
constexpr size_t kFilesMax = 10'000;  // of one folder

struct Layout {
  fs::path documents;
  fs::path patterns;  // empty = none
};

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

Result<Layout> layout_of(const fs::path& folder) {
  if (!is_folder(folder)) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("{} is no folder: --config names one with global.json, parsers/, enrichments/ …", folder.string()));
  }
  Layout out{.documents = folder, .patterns = {}};
  if (!is_folder(folder / "parsers") && is_folder(folder / "zookeeper" / "parsers"))
    out.documents = folder / "zookeeper";
  for (const fs::path& candidate : {folder / "patterns", out.documents / "patterns",
                                    fs::absolute(folder).lexically_normal().parent_path() / "patterns"}) {
    if (!is_folder(candidate)) continue;
    out.patterns = candidate;
    break;
  }
  return out;
}

// Plain files of a folder by name; none when the folder is missing.
std::vector<fs::path> files_in(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end && out.size() < kFilesMax;
       at.increment(error)) {
    std::error_code ignored;
    const std::string name = at->path().filename().string();
    if (!at->is_regular_file(ignored) || name.empty() || name[0] == '.') continue;
    if (extension.empty() || at->path().extension() == extension) out.push_back(at->path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The document, or null when the file is missing. What is wrong goes to problems.
DocumentPtr read_document(const fs::path& file, Problems& problems) {
  std::error_code error;
  if (!fs::exists(file, error)) return nullptr;
  Result<Document> document = Document::read(file);
  if (document) return std::make_shared<const Document>(std::move(*document));
  problems.errors.push_back(document.error().message());
  return nullptr;
}

Result<std::vector<PatternFile>> read_patterns(const fs::path& folder) {
  std::vector<PatternFile> out;
  if (folder.empty()) return out;
  for (const fs::path& file : files_in(folder, "")) {
    MY_TRY(std::string text, io::read_file(file, kPatternBytesMax));
    out.push_back({file.filename().string(), file.string(), std::move(text)});
  }
  return out;
}

}  // namespace

Result<std::vector<std::string>> list_sensors(const fs::path& folder) {
  MY_TRY(const Layout layout, layout_of(folder));
  std::vector<std::string> out;
  for (const fs::path& file : files_in(layout.documents / "parsers", ".json")) out.push_back(file.stem().string());
  return out;
}

Result<SensorConfig> load_sensor(const fs::path& folder, std::string_view sensor) {
  MY_TRY(const Layout layout, layout_of(folder));
  if (const std::string bad = why_bad_name(sensor); !bad.empty()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" cannot be the name of a sensor: {}", sensor, bad));
  }
  const std::string file = std::string(sensor) + ".json";
  Problems problems;
  SensorConfig out;
  out.sensor = sensor;
  const size_t errors_before = problems.errors.size();
  const DocumentPtr parser = read_document(layout.documents / "parsers" / file, problems);
  if (parser == nullptr && problems.errors.size() == errors_before) {
    MY_TRY(const std::vector<std::string> sensors, list_sensors(folder));
    return fail(
        ErrorCode::kNotFound,
        fmt::format("no sensor {}: {} is missing; {}", sensor, (layout.documents / "parsers" / file).string(),
                    sensors.empty() ? "there are no parsers" : fmt::format("there are {}", fmt::join(sensors, ", "))));
  }
  if (parser != nullptr) out.parser = read_parser(parser, sensor, problems);
  if (const DocumentPtr global = read_document(layout.documents / "global.json", problems)) {
    out.global = read_global(global, problems);
  }
  if (const DocumentPtr enrichment = read_document(layout.documents / "enrichments" / file, problems)) {
    out.enrichment = read_enrichment(enrichment, problems);
  }
  if (const DocumentPtr indexing = read_document(layout.documents / "indexing" / file, problems)) {
    out.indexing = read_indexing(indexing, problems);
  }
  if (!problems.errors.empty()) return fail(ErrorCode::kInvalidArgument, problems.joined());
  MY_TRY(out.patterns, read_patterns(layout.patterns));
  out.patterns_folder = layout.patterns.string();
  out.warnings = std::move(problems.warnings);
  return out;
}

Result<Problems> check_folder(const fs::path& folder) {
  MY_TRY(const Layout layout, layout_of(folder));
  Problems problems;
  if (const DocumentPtr document = read_document(layout.documents / "global.json", problems))
    read_global(document, problems);
  for (const fs::path& file : files_in(layout.documents / "parsers", ".json")) {
    if (const DocumentPtr document = read_document(file, problems))
      read_parser(document, file.stem().string(), problems);
  }
  for (const fs::path& file : files_in(layout.documents / "enrichments", ".json")) {
    if (const DocumentPtr document = read_document(file, problems)) read_enrichment(document, problems);
  }
  for (const fs::path& file : files_in(layout.documents / "indexing", ".json")) {
    if (const DocumentPtr document = read_document(file, problems)) read_indexing(document, problems);
  }
  return problems;
}

}  // namespace modelyard::configuration
