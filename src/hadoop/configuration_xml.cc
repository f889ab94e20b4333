// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>

#include "base/strings.h"
#include "hadoop/configuration.h"
#include "io/file.h"

namespace modelyard::hadoop {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFileMax = size_t{8} << 20;
constexpr size_t kPropertiesMax = 100'000;
// As Hadoop's own bound: a chain of variables longer than this is a circle.
constexpr int kSubstitutionsMax = 20;
constexpr size_t kValueMax = size_t{1} << 20;

size_t line_of(std::string_view xml, ptrdiff_t offset) {
  const auto end = xml.begin() + std::clamp<ptrdiff_t>(offset, 0, static_cast<ptrdiff_t>(xml.size()));
  return 1 + static_cast<size_t>(std::count(xml.begin(), end, '\n'));
}

// The text below an element, comments between its parts left out.
std::string content_of(const pugi::xml_node& node) {
  std::string text;
  for (const pugi::xml_node& child : node.children()) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  }
  return text;
}

// "name" may be an element or, in newer files, an attribute.
std::optional<std::string> member(const pugi::xml_node& property, const char* name) {
  if (const pugi::xml_node child = property.child(name)) return content_of(child);
  if (const pugi::xml_attribute attribute = property.attribute(name)) return attribute.value();
  return std::nullopt;
}

}  // namespace

Status Configuration::add(std::string_view xml, const std::string& name) {
  pugi::xml_document document;
  // No DTD is looked at, so an entity cannot grow.
  const pugi::xml_parse_result parsed =
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default & ~pugi::parse_doctype, pugi::encoding_utf8);
  if (!parsed) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: no valid XML: {}", name, line_of(xml, parsed.offset), parsed.description()));
  }
  const pugi::xml_node root = document.document_element();
  if (std::string_view(root.name()) != "configuration") {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: the outermost element must be <configuration>, not <{}>", name, root.name()));
  }
  for (const pugi::xml_node& node : root.children()) {
    const std::string_view element = node.name();
    if (element == "include" || element.ends_with(":include")) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}:{}: <{}> is not followed: put the included properties into the file itself", name,
                              line_of(xml, node.offset_debug()), element));
    }
    if (element != "property") continue;
    const auto key_text = member(node, "name");
    if (!key_text) continue;
    const std::string key(trim_ascii(*key_text));
    if (key.empty()) continue;
    const auto value = member(node, "value");
    const auto existing = properties_.find(key);
    if (existing != properties_.end() && existing->second.final) continue;
    if (properties_.size() >= kPropertiesMax)
      return fail(ErrorCode::kResourceExhausted, fmt::format("{}: over {} properties", name, kPropertiesMax));
    const auto final_text = member(node, "final");
    properties_.insert_or_assign(
        key,
        Property{value.value_or(""), name, final_text && equal_ignoring_case_ascii(trim_ascii(*final_text), "true")});
  }
  return {};
}

Result<Configuration> Configuration::load(const std::vector<fs::path>& folders, const Environment& environment) {
  Configuration made(environment);
  bool any = false;
  for (const fs::path& folder : folders) {
    if (!made.source_.empty()) made.source_ += ", ";
    made.source_ += folder.string();
    for (const char* file : {"core-site.xml", "hdfs-site.xml", "yarn-site.xml"}) {
      const fs::path path = folder / file;
      auto text = io::read_file(path, kFileMax);
      if (!text && text.error().code() == ErrorCode::kNotFound) continue;
      if (!text) return fail(std::move(text).error().with_context(path.string()));
      any = true;
      MY_TRY_VOID(made.add(*text, path.string()));
    }
  }
  if (!any) {
    return fail(ErrorCode::kNotFound,
                fmt::format("no core-site.xml, hdfs-site.xml or yarn-site.xml in {}: set HADOOP_CONF_DIR to the folder "
                            "of the cluster's configuration",
                            made.source_.empty() ? "any folder" : made.source_));
  }
  return made;
}

Result<Configuration> Configuration::load_from_environment(const Environment& environment) {
  std::vector<fs::path> folders;
  if (const auto folder = environment("HADOOP_CONF_DIR")) folders.emplace_back(*folder);
  if (const auto folder = environment("YARN_CONF_DIR"); folder && (folders.empty() || folders[0] != *folder))
    folders.emplace_back(*folder);
  if (folders.empty()) {
    if (const auto home = environment("HADOOP_HOME")) folders.push_back(fs::path(*home) / "etc" / "hadoop");
    folders.emplace_back("/etc/hadoop/conf");
    std::erase_if(folders, [](const fs::path& folder) {
      std::error_code error;
      return !fs::exists(folder / "core-site.xml", error);
    });
    if (folders.empty()) {
      return fail(ErrorCode::kNotFound,
                  "HADOOP_CONF_DIR is not set and /etc/hadoop/conf has no core-site.xml: set it to the folder of the "
                  "cluster's configuration");
    }
    folders.resize(1);
  }
  return load(folders, environment);
}

std::optional<std::string> Configuration::variable(const std::string& name) const {
  if (name.starts_with("env.")) {
    const std::string rest = name.substr(4);
    // ${env.NAME}, ${env.NAME-text when unset}, ${env.NAME:-text when unset or empty}
    const size_t at = rest.find('-');
    if (at == std::string::npos) return environment_(rest);
    const bool also_empty = at > 0 && rest[at - 1] == ':';
    const auto value = environment_(rest.substr(0, at - (also_empty ? 1 : 0)));
    if (value && !(also_empty && value->empty())) return value;
    return rest.substr(at + 1);
  }
  if (name == "user.name") return user();
  if (name == "user.home") return environment_("HOME");
  if (name == "java.io.tmpdir") return environment_("TMPDIR").value_or("/tmp");
  const auto found = properties_.find(name);
  return found == properties_.end() ? std::nullopt : std::optional(found->second.value);
}

std::string Configuration::substituted(std::string_view key, std::string value) const {
  size_t from = 0;
  for (int round = 0; round < kSubstitutionsMax; ++round) {
    const size_t open = value.find("${", from);
    if (open == std::string::npos) break;
    const size_t close = value.find('}', open);
    if (close == std::string::npos) break;
    const std::string name = value.substr(open + 2, close - open - 2);
    const auto put = name == key ? std::nullopt : variable(name);
    if (!put) {
      from = close;
      continue;
    }
    if (value.size() + put->size() > kValueMax) break;
    value.replace(open, close - open + 1, *put);
    from = 0;
  }
  return value;
}

std::optional<std::string> Configuration::find(std::string_view key) const {
  const auto found = properties_.find(key);
  if (found == properties_.end()) return std::nullopt;
  std::string value(trim_ascii(substituted(key, found->second.value)));
  if (value.empty()) return std::nullopt;
  return value;
}

std::string Configuration::text(std::string_view key, std::string_view fallback) const {
  return find(key).value_or(std::string(fallback));
}

std::string Configuration::place(std::string_view key) const {
  const auto found = properties_.find(key);
  return found == properties_.end() ? std::string(key) : fmt::format("{}: {}", found->second.file, key);
}

tl::unexpected<Error> Configuration::wrong(std::string_view key, std::string_view why) const {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", place(key), why));
}

Result<bool> Configuration::flag(std::string_view key, bool fallback) const {
  const auto value = find(key);
  if (!value) return fallback;
  if (equal_ignoring_case_ascii(*value, "true")) return true;
  if (equal_ignoring_case_ascii(*value, "false")) return false;
  return wrong(key, fmt::format("must be true or false, not '{}'", *value));
}

Result<int64_t> Configuration::integer(std::string_view key, int64_t fallback) const {
  const auto value = find(key);
  if (!value) return fallback;
  const auto number = parse_int(*value);
  if (!number) return wrong(key, fmt::format("must be a number, not '{}'", *value));
  return *number;
}

std::vector<std::string> Configuration::list(std::string_view key) const {
  std::vector<std::string> out;
  const std::string value = text(key);
  for (const std::string_view part : split(value, ',')) {
    if (const std::string_view word = trim_ascii(part); !word.empty()) out.emplace_back(word);
  }
  return out;
}

}  // namespace modelyard::hadoop
