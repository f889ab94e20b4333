// SPDX-License-Identifier: Apache-2.0
#include "stellar/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "stellar/compile/program.h"
#include "stellar/syntax/hints.h"
#include "stellar/syntax/parser.h"

namespace modelyard::stellar {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view name, const FunctionRegistry& registry) {
  if (name.size() > 64) return {};
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  std::string found;
  for (const Function* function : registry.all()) {
    const size_t distance = edit_distance(upper, function->name);
    if (distance >= best) continue;
    best = distance;
    found = function->name;
  }
  return found.empty() ? found : fmt::format("did you mean {}?", found);
}

class Checker {
 public:
  Checker(std::string_view text, const FunctionRegistry& registry) : text_(text), registry_(registry) {}

  std::vector<Diagnostic> run(const Node& root) {
    visit(root);
    return std::move(found_);
  }

 private:
  void visit(const Node& node) {
    if (node.kind == NodeKind::kCall) call(node);
    if (node.kind == NodeKind::kVariable) {
      if (const std::string_view keyword = misspelt_keyword(node.name); !keyword.empty()) {
        add(node, true, fmt::format("{} is the name of a variable here", node.name),
            fmt::format("words of the language are all lower or all upper case: {}", keyword));
      }
    }
    for (const Node* child = node.first; child != nullptr; child = child->next) visit(*child);
  }

  void call(const Node& node) {
    const Function* function = registry_.find(node.name);
    if (function == nullptr)
      return add(node, false, fmt::format("there is no function {}", node.name), nearest(node.name, registry_));
    const auto& parameters = function->parameters;
    const auto least = static_cast<size_t>(
        std::count_if(parameters.begin(), parameters.end(), [](const Parameter& p) { return !p.optional; }));
    const bool endless = !parameters.empty() && parameters.back().repeated;
    if (node.children < least) {
      add(node, false,
          fmt::format("{} takes {} argument{}, not {}", node.name, least, least == 1 ? "" : "s", node.children), "");
    } else if (node.children > parameters.size() && !endless) {
      add(node, true,
          fmt::format("{} takes at most {} argument{}, not {}", node.name, parameters.size(),
                      parameters.size() == 1 ? "" : "s", node.children),
          "the others are ignored");
    }
  }

  void add(const Node& node, bool warning, std::string message, std::string hint) {
    Diagnostic d;
    d.offset = node.offset;
    d.length = node.name.empty() ? node.length : node.name.size();
    d.warning = warning;
    d.message = std::move(message);
    d.hint = std::move(hint);
    locate(d, text_);
    found_.push_back(std::move(d));
  }

  std::string_view text_;
  const FunctionRegistry& registry_;
  std::vector<Diagnostic> found_;
};

}  // namespace

std::vector<Diagnostic> check(std::string_view text, const FunctionRegistry& registry) {
  Arena nodes;
  const auto tree = parse(text, nodes);
  if (!tree) return {tree.error()};
  if (*tree == nullptr) return {};
  return Checker(text, registry).run(**tree);
}

}  // namespace modelyard::stellar
