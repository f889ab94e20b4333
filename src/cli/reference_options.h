// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Command lines of the reference's tools (maas_service.sh, maas_deploy.sh), which people and scripts have in their
// fingers. The rules are those of Apache Commons CLI's PosixParser, as far as these tools need them:
//
//   -zq V   -zk_quorum V   --zk_quorum V   --zk_quorum=V   a long name may be shortened while it is unique
//   -nV   -n=V   -zq=V     (the last is of Commons CLI's newer parser; the old one refused it)
//   a value is the next word, whatever it is, unless it is an option itself; one pair of quotes around it is dropped
//   --      ends the options
//
// What the reference passed over in silence (words that belong to no option) is refused here: it is a typing mistake.
namespace modelyard::cli {

struct ReferenceOption {
  std::string name;  // "zq"
  std::string long_name;
  bool has_value = true;
  std::string text;
};

class ReferenceArguments {
 public:
  bool has(std::string_view name) const { return values_.contains(name); }
  // The first of several, as Commons CLI answers.
  std::string text(std::string_view name, std::string_view fallback = "") const;
  std::vector<std::string> all(std::string_view name) const;

 private:
  friend class ReferenceParser;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// kInvalidArgument says which word is wrong.
Result<ReferenceArguments> parse_reference_options(const std::vector<ReferenceOption>& options,
                                                   const std::vector<std::string>& words);

// What -h prints: "usage: NAME" and a column of options in alphabetical order, 74 characters wide.
std::string reference_usage(std::string_view name, std::vector<ReferenceOption> options);

}  // namespace modelyard::cli
