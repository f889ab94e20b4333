// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "pipeline/testing/support.h"

// Where inputs and outputs recorded from the reference lie beside the sources ($MODELYARD_SHARED or ../shared), the
// sensors that have their parser here must give the same. Without them these tests pass.
namespace modelyard::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::FakeModels;

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

fs::path golden() {
  const char* shared = std::getenv("MODELYARD_SHARED");
  return fs::path(shared != nullptr ? shared : MODELYARD_SOURCE_DIR "/../shared") / "pipeline" / "golden";
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> out;
  const std::string text = read_text(path);
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) out.emplace_back(line);
  }
  return out;
}

testing::Texts texts_of(const std::string& sensor) {
  testing::Texts out{.parser = read_text(golden() / sensor / "config.json")};
  for (const auto& file : fs::directory_iterator(golden() / "patterns"))
    out.patterns[file.path().filename()] = read_text(file.path());
  return out;
}

// Objects are equal without regard to order; guid by its length.
void expect_equal(json::Tree expected, json::Tree actual) {
  if (expected.contains("guid")) {
    EXPECT_EQ(actual.value("guid", "").size(), expected["guid"].get<std::string>().size());
    expected.erase("guid");
    actual.erase("guid");
  }
  EXPECT_EQ(nlohmann::json::parse(json::dump(actual)), nlohmann::json::parse(json::dump(expected)));
}

class RunnerGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(RunnerGolden, output_is_the_reference_s) {
  const std::string& sensor = GetParam();
  if (!fs::exists(golden() / sensor)) return;
  const fs::path input = fs::directory_iterator(golden() / sensor / "in")->path();
  const fs::path output = fs::directory_iterator(golden() / sensor / "expected")->path();
  const auto pipeline = testing::compile(texts_of(sensor), sensor);
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models;
  const auto done = testing::run(*pipeline, lines_of(input), Stage::kTransform, models);
  const std::vector<std::string> expected = lines_of(output);
  ASSERT_EQ(done.documents.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) expect_equal(json::parse(expected[i]).value(), done.tree(i));
}
INSTANTIATE_TEST_SUITE_P(Sensors, RunnerGolden, ::testing::Values("squid", "yaf"),
                         [](const auto& info) { return info.param; });

// With our own patterns in the place of the recorded ones.
TEST(Golden, squid_with_our_own_patterns) {
  if (!fs::exists(golden() / "squid")) return;
  testing::Texts texts = texts_of("squid");
  texts.patterns.clear();
  const auto pipeline = testing::compile(texts, "squid");
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models;
  const auto done =
      testing::run(*pipeline, lines_of(golden() / "squid/in/SquidExampleOutput"), Stage::kTransform, models);
  const std::vector<std::string> expected = lines_of(golden() / "squid/expected/SquidExampleParsed");
  ASSERT_EQ(done.documents.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) expect_equal(json::parse(expected[i]).value(), done.tree(i));
}

class MultiLineGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(MultiLineGolden, one_input_of_many_lines) {
  const fs::path input = golden() / "elb/in" / (GetParam() + ".txt");
  if (!fs::exists(input)) return;
  const auto pipeline = testing::compile(texts_of("elb"), "elb");
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models;
  const auto done = testing::run(*pipeline, {read_text(input)}, Stage::kParse, models);
  const json::Tree expected =
      json::parse(read_text(golden() / "elb/expected" / (GetParam() + ".parser.jsonl"))).value();
  std::vector<json::Tree> messages;
  std::vector<std::string> errors;
  for (size_t i = 0; i < done.documents.size(); ++i) {
    if (done.documents[i].is_error) {
      errors.push_back(done.tree(i)["message"]);
    } else {
      messages.push_back(done.tree(i));
    }
  }
  ASSERT_EQ(messages.size(), expected["messages"].size());
  for (size_t i = 0; i < messages.size(); ++i) expect_equal(expected["messages"][i]["message"], messages[i]);
  std::vector<std::string> expected_errors;
  if (expected.contains("errors")) expected_errors = expected["errors"].get<std::vector<std::string>>();
  std::sort(errors.begin(), errors.end());
  std::sort(expected_errors.begin(), expected_errors.end());
  EXPECT_EQ(errors, expected_errors);
}
INSTANTIATE_TEST_SUITE_P(Files, MultiLineGolden, ::testing::Values("multi_elb_log", "multi_elb_with_errors_log"),
                         [](const auto& info) { return info.param; });

TEST(Golden, json_map) {
  if (!fs::exists(golden() / "jsonMap")) return;
  const auto pipeline = testing::compile(texts_of("jsonMap"), "jsonMap");
  ASSERT_TRUE(pipeline) << pipeline.error().message();
  FakeModels models;
  const auto done =
      testing::run(*pipeline, lines_of(golden() / "jsonMap/in/jsonMapExampleOutput"), Stage::kTransform, models);
  const std::vector<std::string> expected = lines_of(golden() / "jsonMap/expected/jsonMapExampleParsed");
  ASSERT_EQ(done.documents.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    json::Tree wanted = json::parse(expected[i]).value();
    json::Tree given = done.tree(i);
    wanted.erase("timestamp");  // the time of the run
    given.erase("timestamp");
    expect_equal(wanted, given);
  }
}

}  // namespace
}  // namespace modelyard::pipeline
