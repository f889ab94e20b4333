// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string_view>

namespace modelyard {

// The order of model versions, total over all texts. A version is cut into runs of digits and runs of other characters,
// the separators '.', '-', '_' and '+' lying between them. Runs are compared in turn:
//   two numbers       by value, so 10.0 comes after 9.0 and 1.02 equals 1.2 at that place;
//   a number, a word  the number is greater, so 1.0 comes after 1.beta;
//   two words         byte by byte, ignoring ASCII case;
//   one has no more   the longer is greater if its next run is a number (1.0.1 after 1.0), smaller if it is a word
//   (1.0-rc1 before 1.0).
// Texts equal by these rules are ordered byte by byte, so that no two different versions are the same one.
std::strong_ordering compare_versions(std::string_view a, std::string_view b);

struct VersionLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return compare_versions(a, b) < 0; }
};

}  // namespace modelyard
