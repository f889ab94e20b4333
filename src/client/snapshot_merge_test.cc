// SPDX-License-Identifier: Apache-2.0
#include "client/snapshot_merge.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace modelyard::client {
namespace {

using registry::Change;
using registry::Endpoint;
using registry::Snapshot;
using Outcome = SnapshotMerge::Outcome;

// "dga@1.0/a" -> an endpoint of id a
Endpoint endpoint(std::string_view text, std::string_view url = "") {
  Endpoint e;
  const size_t at = text.find('@');
  const size_t slash = text.find('/');
  e.name = text.substr(0, at);
  e.version = text.substr(at + 1, slash - at - 1);
  e.id = text.substr(slash + 1);
  e.url = url.empty() ? "http://h/" + e.id : std::string(url);
  e.functions = {{"apply", "apply"}};
  return e;
}

std::shared_ptr<const Snapshot> snapshot(std::string_view texts, int64_t epoch, int64_t revision, bool settled = true) {
  std::vector<Endpoint> endpoints;
  for (const std::string_view text : split(texts, ' ')) {
    if (!text.empty()) endpoints.push_back(endpoint(text));
  }
  return registry::make_snapshot(std::move(endpoints), {}, epoch, revision, settled);
}

std::string text_of(const Snapshot& s) {
  std::string out;
  for (const auto& [name, versions] : s.models) {
    for (const auto& [version, endpoints] : versions) {
      for (const Endpoint& e : *endpoints) out += (out.empty() ? "" : " ") + e.name + "@" + e.version + "/" + e.id;
    }
  }
  return out;
}

std::string last_resort_of(const SnapshotMerge& merge) {
  std::string out;
  for (const auto& [name, endpoints] : merge.last_resort()) {
    for (const Endpoint& e : endpoints) out += (out.empty() ? "" : " ") + e.name + "@" + e.version + "/" + e.id;
  }
  return out;
}

// "+dga@1.0/a" added, "-" removed, "!" lost, "~" changed
ChangeSet changes(std::string_view texts, int64_t epoch, int64_t revision, bool settled = true) {
  ChangeSet out{epoch, revision, settled, {}};
  for (const std::string_view text : split(texts, ' ')) {
    if (text.empty()) continue;
    ChangeSet::Item item;
    item.kind = text[0] == '+'   ? Change::Kind::kAdded
                : text[0] == '~' ? Change::Kind::kChanged
                                 : Change::Kind::kRemoved;
    item.lost = text[0] == '!';
    item.endpoint = endpoint(text.substr(1));
    out.items.push_back(item);
  }
  return out;
}

const SteadyTime kNow{seconds(1000)};

struct SnapshotRow {
  std::string name;
  std::string before;
  std::string told;
  bool settled;
  std::string after;
  std::string last_resort;
};
class Snapshots : public ::testing::TestWithParam<SnapshotRow> {};

TEST_P(Snapshots, ReplaceWithoutEmptyingAClient) {
  const SnapshotRow& row = GetParam();
  SnapshotMerge merge;
  merge.take(snapshot(row.before, 1, 5), kNow);
  merge.take(snapshot(row.told, 2, 1, row.settled), kNow);
  EXPECT_EQ(text_of(*merge.current()), row.after);
  EXPECT_EQ(last_resort_of(merge), row.last_resort);
  EXPECT_EQ(merge.current()->epoch, 2);
  EXPECT_EQ(merge.current()->settled, row.settled);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Snapshots,
    ::testing::Values(SnapshotRow{"grows", "a@1/x", "a@1/x a@1/y", true, "a@1/x a@1/y", ""},
                      SnapshotRow{"shrinks_by_less_than_half", "a@1/x a@1/y a@1/z", "a@1/x a@1/y", true, "a@1/x a@1/y",
                                  ""},
                      SnapshotRow{"shrinks_by_half", "a@1/x a@1/y", "a@1/x", true, "a@1/x", ""},
                      SnapshotRow{"shrinks_by_more", "a@1/x a@1/y a@1/z", "a@1/x", true, "a@1/x", "a@1/y a@1/z"},
                      SnapshotRow{"over_all_versions", "a@1/x a@2/y a@2/z", "a@1/x", true, "a@1/x", "a@2/y a@2/z"},
                      SnapshotRow{"vanishes", "a@1/x b@1/y", "b@1/y", true, "b@1/y", "a@1/x"},
                      SnapshotRow{"empty", "a@1/x", "", true, "", "a@1/x"},
                      SnapshotRow{"replaced_by_other_instances", "a@1/x", "a@1/y", true, "a@1/y", "a@1/x"},
                      SnapshotRow{"unsettled_and_empty", "a@1/x b@1/y", "", false, "a@1/x b@1/y", ""},
                      SnapshotRow{"unsettled_and_fewer", "a@1/x a@1/y", "a@1/x", false, "a@1/x a@1/y", ""},
                      SnapshotRow{"unsettled_and_other", "a@1/x", "a@1/y", false, "a@1/x a@1/y", ""},
                      SnapshotRow{"unsettled_and_same", "a@1/x", "a@1/x", false, "a@1/x", ""}),
    [](const auto& row) { return row.param.name; });

TEST(SnapshotMerge, TheFirstSnapshotIsTakenAsItIs) {
  for (const bool settled : {true, false}) {
    SnapshotMerge merge;
    EXPECT_EQ(merge.current(), nullptr);
    EXPECT_EQ(merge.apply(changes("", 1, 1), kNow), Outcome::kGap);
    merge.take(snapshot("", 3, 1, settled), kNow);
    ASSERT_NE(merge.current(), nullptr);
    EXPECT_EQ(text_of(*merge.current()), "");
  }
}

struct ChangeRow {
  std::string name;
  std::string changes;
  int64_t epoch;
  int64_t revision;
  Outcome outcome;
  std::string after;
  std::string last_resort;
};
class Changes : public ::testing::TestWithParam<ChangeRow> {};

TEST_P(Changes, ContinueWhatIsKnownOrAskForTheWhole) {
  const ChangeRow& row = GetParam();
  SnapshotMerge merge;
  merge.take(snapshot("a@1.0/x a@1.0/y a@9.0/z", 1, 5), kNow);
  EXPECT_EQ(merge.apply(changes(row.changes, row.epoch, row.revision), kNow), row.outcome);
  EXPECT_EQ(text_of(*merge.current()), row.after);
  EXPECT_EQ(last_resort_of(merge), row.last_resort);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Changes,
    ::testing::Values(ChangeRow{"added", "+a@10.0/n", 1, 6, Outcome::kTaken, "a@1.0/x a@1.0/y a@9.0/z a@10.0/n", ""},
                      ChangeRow{"new_model", "+b@1/n", 1, 6, Outcome::kTaken, "a@1.0/x a@1.0/y a@9.0/z b@1/n", ""},
                      ChangeRow{"removed", "-a@1.0/x", 1, 6, Outcome::kTaken, "a@1.0/y a@9.0/z", ""},
                      ChangeRow{"removed_on_purpose", "-a@1.0/x -a@1.0/y -a@9.0/z", 1, 6, Outcome::kTaken, "", ""},
                      ChangeRow{"lost", "!a@1.0/x !a@1.0/y !a@9.0/z", 1, 6, Outcome::kTaken, "",
                                "a@1.0/x a@1.0/y a@9.0/z"},
                      ChangeRow{"lost_a_few", "!a@1.0/x", 1, 6, Outcome::kTaken, "a@1.0/y a@9.0/z", ""},
                      ChangeRow{"nothing", "", 1, 6, Outcome::kTaken, "a@1.0/x a@1.0/y a@9.0/z", ""},
                      ChangeRow{"unknown_removed", "-c@1/q", 1, 6, Outcome::kTaken, "a@1.0/x a@1.0/y a@9.0/z", ""},
                      ChangeRow{"repeated", "-a@1.0/x", 1, 5, Outcome::kStale, "a@1.0/x a@1.0/y a@9.0/z", ""},
                      ChangeRow{"gap", "-a@1.0/x", 1, 7, Outcome::kGap, "a@1.0/x a@1.0/y a@9.0/z", ""},
                      ChangeRow{"other_epoch", "-a@1.0/x", 2, 6, Outcome::kGap, "a@1.0/x a@1.0/y a@9.0/z", ""}),
    [](const auto& row) { return row.param.name; });

TEST(SnapshotMerge, OnlyTheTouchedListIsCopied) {
  SnapshotMerge merge;
  merge.take(snapshot("a@1/x b@1/y", 1, 1), kNow);
  const auto before = merge.current();
  ASSERT_EQ(merge.apply(changes("+a@1/z", 1, 2), kNow), Outcome::kTaken);
  EXPECT_EQ(merge.current()->models.at("b")[0].second, before->models.at("b")[0].second);
  EXPECT_NE(merge.current()->models.at("a")[0].second, before->models.at("a")[0].second);
  EXPECT_EQ(text_of(*before), "a@1/x b@1/y") << "a snapshot never changes under its holder";
}

TEST(SnapshotMerge, ASettledRegistryIsAskedForTheWholeWhileMoreIsHeld) {
  SnapshotMerge merge;
  merge.take(snapshot("a@1/x a@1/y", 1, 9), kNow);
  merge.take(snapshot("a@1/x", 2, 1, false), kNow);
  EXPECT_EQ(merge.apply(changes("+b@1/n", 2, 2, false), kNow), Outcome::kTaken);
  EXPECT_EQ(text_of(*merge.current()), "a@1/x a@1/y b@1/n");
  EXPECT_EQ(merge.apply(changes("", 2, 3, true), kNow), Outcome::kGap);
  merge.take(snapshot("a@1/x b@1/n", 2, 3, true), kNow);
  EXPECT_EQ(text_of(*merge.current()), "a@1/x b@1/n");
  EXPECT_EQ(merge.apply(changes("", 2, 4, true), kNow), Outcome::kTaken);
}

TEST(SnapshotMerge, TheLastResortEnds) {
  const auto with_last_resort = [] {
    SnapshotMerge merge;
    merge.take(snapshot("a@1/x a@1/y", 1, 1), kNow);
    merge.take(snapshot("", 2, 1), kNow);
    return merge;
  };
  SnapshotMerge merge = with_last_resort();
  EXPECT_FALSE(merge.expire(kNow + SnapshotMerge::kLastResortTime - milliseconds(1)));
  EXPECT_TRUE(merge.expire(kNow + SnapshotMerge::kLastResortTime)) << "by time";
  EXPECT_EQ(last_resort_of(merge), "");
  merge = with_last_resort();
  EXPECT_TRUE(merge.forget("a", "x")) << "by not answering";
  EXPECT_FALSE(merge.forget("a", "x"));
  EXPECT_EQ(last_resort_of(merge), "a@1/y");
  EXPECT_EQ(merge.apply(changes("+a@1/y", 2, 2), kNow), Outcome::kTaken) << "by coming back";
  EXPECT_EQ(last_resort_of(merge), "");
  merge = with_last_resort();
  merge.replace(snapshot("", 3, 1));
  EXPECT_EQ(last_resort_of(merge), "") << "by the word of the own process";
}

TEST(WatchEvents, AreReadLeniently) {
  size_t skipped = 0;
  const auto got = snapshot_from_event(
      R"({"epoch":3,"revision":7,"settled":false,"more":1,"endpoints":[
        {"id":"x","name":"a","version":"1","url":"tcp://h:1","host":"h","functions":{"apply":"do"},"new":[]},
        {"id":7},"text"]})",
      skipped);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(skipped, 2u);
  EXPECT_EQ(text_of(**got), "a@1/x");
  EXPECT_EQ((*got)->epoch, 3);
  EXPECT_EQ((*got)->revision, 7);
  EXPECT_FALSE((*got)->settled);
  const auto change = changes_from_event(
      R"({"epoch":3,"revision":8,"settled":true,"changes":[{"at":"2026","kind":"removed","name":"a","version":"1","id":"x","url":"u"},
        {"kind":"added","endpoint":{"id":"y","name":"a","version":"1","url":"http://h","host":"h","functions":{}}},
        {"kind":"removed","name":"a","version":"1","id":"z","lost":true}]})");
  ASSERT_TRUE(change) << change.error().message();
  ASSERT_EQ(change->items.size(), 3u);
  EXPECT_EQ(change->items[0].kind, Change::Kind::kRemoved);
  EXPECT_EQ(change->items[0].endpoint.id, "x");
  EXPECT_FALSE(change->items[0].lost);
  EXPECT_EQ(change->items[1].endpoint.id, "y");
  EXPECT_TRUE(change->items[2].lost);
}

TEST(WatchEvents, RubbishIsAnError) {
  for (const std::string_view text : {"", "[]", "{}", "7", "{\"epoch\":1}", "{\"epoch\":\"x\",\"revision\":1}",
                                      "{\"epoch\":1,\"revision\":1,\"endpoints\":"}) {
    size_t skipped = 0;
    const auto got = snapshot_from_event(text, skipped);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code(), ErrorCode::kProtocol);
  }
  EXPECT_FALSE(changes_from_event(R"({"epoch":1,"revision":2,"changes":[7]})"));
  EXPECT_FALSE(changes_from_event(R"({"epoch":1,"revision":2,"changes":[{"kind":"added"}]})"));
}

}  // namespace
}  // namespace modelyard::client
