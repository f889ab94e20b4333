// SPDX-License-Identifier: Apache-2.0
// The recorded answers of the reference engine, through the batch form, compared as testdata/compare.py compares them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "json/tree.h"
#include "stellar/batch.h"

namespace modelyard::stellar {
namespace {

// The recorded dates are of a process in UTC.
const int kZoneSet = ::setenv("TZ", "UTC", 1);

std::ifstream open(const std::string& name) {
  return std::ifstream(MODELYARD_SOURCE_DIR "/src/stellar/testdata/" + name);
}

double special(const json::Tree& v, bool& is) {
  is = v.is_object() && v.size() == 1 && (v.contains("$double") || v.contains("$float"));
  if (!is) return 0;
  const std::string text = v.begin()->get<std::string>();
  if (text == "NaN") return std::nan("");
  return text == "Infinity" ? HUGE_VAL : text == "-Infinity" ? -HUGE_VAL : std::stod(text);
}

bool close(double x, double y, double tolerance) {
  if (std::isfinite(x) && std::isfinite(y)) return std::fabs(x - y) <= tolerance * std::max(std::fabs(x), std::fabs(y));
  return x == y || (std::isnan(x) && std::isnan(y));
}

json::Tree sorted(const json::Tree& list) {
  std::vector<json::Tree> items(list.begin(), list.end());
  std::sort(items.begin(), items.end(),
            [](const json::Tree& a, const json::Tree& b) { return json::dump(a) < json::dump(b); });
  return items;
}

// Inside a container 1 and 1.0 are different; at the top the type says it.
bool same(const json::Tree& want, const json::Tree& got, double tolerance, bool inside) {
  bool want_special = false;
  bool got_special = false;
  const double x = special(want, want_special);
  const double y = special(got, got_special);
  if (want_special)
    return got_special && (!inside || want.begin().key() == got.begin().key()) && close(x, y, tolerance);
  if (want.is_object()) {
    if (!got.is_object() || want.size() != got.size()) return false;
    for (const char* tag : {"$set", "$map"}) {
      if (want.contains(tag)) return got.contains(tag) && same(sorted(want[tag]), sorted(got[tag]), tolerance, true);
    }
    if (want.contains("$opaque")) return got.contains("$opaque");
    for (const auto& [key, value] : want.items()) {
      if (!got.contains(key) || !same(value, got[key], tolerance, true)) return false;
    }
    return true;
  }
  if (want.is_array()) {
    if (!got.is_array() || want.size() != got.size()) return false;
    for (size_t i = 0; i < want.size(); ++i) {
      if (!same(want[i], got[i], tolerance, true)) return false;
    }
    return true;
  }
  if (want.is_number_float())
    return got.is_number() && (got.is_number_float() || !inside) &&
           close(want.get<double>(), got.get<double>(), tolerance);
  return want == got && (!inside || want.is_number_float() == got.is_number_float());
}

bool agrees(const json::Tree& test, const json::Tree& got) {
  const json::Tree& want = test["expect"];
  if (!got.is_object() || json::get_string(got, "id") != json::get_string(test, "id")) return false;
  if (want.contains("error") || got.contains("error"))
    return want.contains("error") && got.contains("error") && !got.contains("value");
  if (want["type"] == "opaque") return got["type"] == "opaque";
  if (got["type"] != want["type"] || !got.contains("value")) return false;
  static const std::set<std::string> kLoose = {"stats-percentile", "stats-bin", "hllp", "mad", "stats-merge"};
  const double tolerance = kLoose.contains(test["group"].get<std::string>()) ? 1e-9 : 1e-12;
  if (want["type"] == "Set") return same(sorted(want["value"]), sorted(got["value"]), tolerance, false);
  return same(want["value"], got["value"], tolerance, false);
}

// The reader of the test takes no half of a surrogate pair: it becomes a word of its own on both sides.
std::string without_lone_surrogates(const std::string& line) {
  const auto half = [&](size_t at, char from, char to) {
    return line.compare(at, 3, "\\ud") == 0 && at + 6 <= line.size() && line[at + 3] >= from && line[at + 3] <= to;
  };
  std::string out;
  for (size_t i = 0; i < line.size();) {
    if (half(i, '8', 'b') && half(i + 6, 'c', 'f')) {
      out += line.substr(i, 12);
      i += 12;
    } else if (half(i, '8', 'f')) {
      out += "HALF" + line.substr(i + 2, 4);
      i += 6;
    } else {
      out += line[i++];
    }
  }
  return out;
}

std::set<std::string> deliberate() {
  std::set<std::string> ids;
  std::ifstream file = open("deliberate.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('c')) ids.insert(line.substr(0, line.find(' ')));
  }
  return ids;
}

TEST(Recorded, AgreesWithTheReferenceWhereverItIsNotPlainlyBroken) {
  ASSERT_EQ(kZoneSet, 0);
  const std::set<std::string> skipped = deliberate();
  std::ifstream file = open("cases-sample.jsonl");
  ASSERT_TRUE(file.is_open());
  Capabilities capabilities;
  Frame frame;
  std::map<std::string, int> missing;  // functions that the reference has and the registry lacks
  size_t compared = 0;
  for (std::string line; std::getline(file, line);) {
    const auto parsed = json::parse(without_lone_surrogates(line));
    ASSERT_TRUE(parsed) << line;
    const json::Tree& test = *parsed;
    if (skipped.contains(test["id"])) continue;
    const std::string answer = answer_line(line, frame, FunctionRegistry::standard(), capabilities);
    const auto got = json::parse(without_lone_surrogates(answer));
    ASSERT_TRUE(got) << answer;
    if (got->contains("error") && !test["expect"].contains("error")) {
      const std::string text = (*got)["error"];
      if (const size_t at = text.find("there is no function "); at != std::string::npos) {
        ++missing[text.substr(at + 21, text.find('\n', at) - at - 21)];
        continue;
      }
    }
    ++compared;
    EXPECT_TRUE(agrees(test, *got)) << line << "\n  got " << answer;
  }
  for (const auto& [name, count] : missing) std::cout << "not registered: " << name << " (" << count << " cases)\n";
  EXPECT_GT(compared, 1900u);
}

}  // namespace
}  // namespace modelyard::stellar
