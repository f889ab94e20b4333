// SPDX-License-Identifier: Apache-2.0
#include <future>

#include "documents/store_fixture.h"

namespace modelyard::documents {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(StoreTest, ReplayAddsNothing) {
  open();
  EXPECT_EQ(put(10, {{"a", squid(1, "yahoo.com")}, {"b", squid(2, "amazon.com")}}, 0), "2+0");
  EXPECT_EQ(put(10, {{"a", squid(1, "yahoo.com")}, {"b", squid(2, "amazon.com")}}, 0), "0+2") << "the reply was lost";
  EXPECT_EQ(put(5, {{"a", squid(1, "yahoo.com")}}), "0+1") << "an offset below";
  EXPECT_EQ(put(20, {{"b", squid(2, "amazon.com")}, {"c", squid(3, "x.org")}}), "1+1") << "ids decide without after";
  open();
  EXPECT_EQ(put(20, {{"c", squid(3, "x.org")}}), "0+1") << "also after a restart";
  EXPECT_EQ(count(), 3);
  EXPECT_EQ(store_->offset("squid", "file:/log")->offset, 20);
}

TEST_F(StoreTest, OvertakenWriterIsRefused) {
  open();
  EXPECT_EQ(put(10, {{"a", squid(1, "yahoo.com")}}, 0), "1+0");
  EXPECT_EQ(put(20, {{"b", squid(2, "yahoo.com")}}, 10), "1+0");
  EXPECT_THAT(put(30, {{"c", squid(3, "yahoo.com")}}, 10),
              HasSubstr("conflict: the offset of 'file:/log' for sensor 'squid' is 20"));
  EXPECT_THAT(put(30, {{"c", squid(3, "yahoo.com")}}, 25), HasSubstr("conflict"));
  EXPECT_EQ(count(), 2);
  EXPECT_EQ(store_->offset("squid", "file:/log")->offset, 20);
  EXPECT_FALSE(store_->offset("squid", "file:/other"));
}

TEST_F(StoreTest, IdsStayUniqueOverDays) {
  open();
  Batch loose;
  loose.sensor = "other";
  loose.documents = {{"a", squid(1, "yahoo.com")}};
  EXPECT_EQ(store_->store_and_wait(loose)->stored, 1);
  clock_.advance(std::chrono::hours(24));
  EXPECT_EQ(store_->store_and_wait(loose)->already, 1);
  clock_.advance(std::chrono::hours(24));
  open();
  EXPECT_EQ(store_->store_and_wait(loose)->already, 1);
  EXPECT_EQ(count(), 1);
}

TEST_F(StoreTest, BadDocumentLeavesNoTrace) {
  open();
  EXPECT_THAT(put(10, {{"a", squid(1, "yahoo.com")}, {"b", "[1]"}}), HasSubstr("document 'b' is not a JSON object"));
  EXPECT_THAT(put(10, {{"a", R"({"x":1} y)"}}), HasSubstr("'a'"));
  EXPECT_THAT(put(10, {{"a", R"({"x":tru})"}}), HasSubstr("'a'"));
  EXPECT_THAT(put(10, {{"", "{}"}}), HasSubstr("1 to 256 bytes"));
  EXPECT_THAT(put(10, {{std::string(300, 'x'), "{}"}}), HasSubstr("has 300"));
  EXPECT_EQ(count(), 0);
  EXPECT_FALSE(store_->offset("squid", "file:/log"));
  EXPECT_EQ(put(10, {{"a", squid(1, "yahoo.com")}}, 0), "1+0");
}

struct SearchRow {
  std::string name;
  std::string text;
  std::string found;  // values of n, newest first
};
class Search : public StoreTest, public testing::WithParamInterface<SearchRow> {};

TEST_P(Search, Finds) {
  open();
  ASSERT_EQ(put(1, {{"1", squid(1, "yahoo.com")}, {"2", squid(2, "www.amazon.com", true)}}), "2+0");
  ASSERT_EQ(
      put(2, {{"3", R"({"source:type":"error","n":3,"raw_message":"broken yahoo line","failed_sensor_type":"squid"})"},
              {"4", R"({"n":4,"text":"caf\u00e9 M\u00dcnchen","a":{"b":["deep",7]}})"}}),
      "2+0");
  std::string found;
  for (const std::string& document : search(GetParam().text)) found += document[document.find("\"n\":") + 4];
  EXPECT_EQ(found, GetParam().found);
  // What a live view would show agrees with what is stored.
  Query query;
  query.text = GetParam().text;
  const auto matcher = store_->matcher(query);
  ASSERT_TRUE(matcher);
  std::string live;
  for (const std::string& document : search("")) {
    if (matcher->matches({document, "", false})) live += document[document.find("\"n\":") + 4];
  }
  EXPECT_EQ(live, GetParam().found);
}

INSTANTIATE_TEST_SUITE_P(Table, Search,
                         testing::ValuesIn(std::vector<SearchRow>{
                             {"all", "", "4321"},
                             {"word", "yahoo", "31"},
                             {"case", "YAHOO", "31"},
                             {"host", "yahoo.com", "1"},
                             {"url", "http://yahoo.com/", "1"},
                             {"address", "10.0.0.1", "1"},
                             {"address_in_field", "ip_src_addr:10.0.0.2", "2"},
                             {"net", "10.0.0.*", "21"},
                             {"net_in_field", "ip_src_addr:10.0.*", "21"},
                             {"other_net", "10.1.*", ""},
                             {"no_such_address", "10.0.0.10", ""},
                             {"prefix", "yah*", "31"},
                             {"prefix_in_host", "www.ama*", "2"},
                             {"field_with_colons", "source:type:squid", "21"},
                             {"field_word", "full_hostname:amazon", "2"},
                             {"field_url", "url:http://www.amazon.com/", "2"},
                             {"field_prefix", "full_hostname:www.am*", "2"},
                             {"word_in_other_field", "action:yahoo", ""},
                             {"number", "code:200", "21"},
                             {"alert", "is_alert:true", "2"},
                             {"failed_sensor", "failed_sensor_type:squid", "3"},
                             {"two_terms", "squid broken", "3"},
                             {"negated", "squid -broken", "21"},
                             {"only_negated", "-squid", "4"},
                             {"phrase", "\"broken yahoo\"", "3"},
                             {"phrase_order", "\"yahoo broken\"", ""},
                             {"phrase_not_over_values", "\"200 1\"", ""},
                             {"raw_message_is_text", "raw_message:broken", "3"},
                             {"beyond_ascii", "m\xC3\xBCnchen", "4"},
                             {"escaped", "caf\xC3\xA9", "4"},
                             {"nested", "a:deep", "4"},
                             {"nested_number", "a:7", "4"},
                             {"unknown_field_is_text", "http:yahoo.com", "1"},
                             {"sql", "'; DROP TABLE docs; SELECT '", ""},
                             {"fts", "yahoo OR squid NEAR", ""},
                             {"quotes", "\"\" yahoo \"", "31"},
                             {"injection", "x\" OR \"yahoo", ""},
                             {"column", "tokens:yahoo", ""},
                             {"parentheses", "(yahoo) AND", ""},
                             {"nul", std::string("yahoo\0x", 7), ""},
                             {"control", "yahoo\x1f\x01\x02", "31"},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST_F(StoreTest, SensorAndAlertFilters) {
  open();
  put(1,
      {{"1", squid(1, "yahoo.com")}, {"2", squid(2, "amazon.com", true)}, {"3", R"({"source:type":"error","n":3})"}});
  EXPECT_EQ(search("", "squid").size(), 2u);
  EXPECT_EQ(search("", "error").size(), 1u);
  EXPECT_EQ(search("", "squi").size(), 0u);
  EXPECT_EQ(search("", "\" OR \"").size(), 0u);
  EXPECT_EQ(search("yahoo", "squid").size(), 1u);
  Query query;
  query.alert = true;
  EXPECT_EQ(store_->search_and_wait(query)->documents.size(), 1u);
  query.alert = false;
  EXPECT_EQ(store_->search_and_wait(query)->documents.size(), 2u);
}

TEST_F(StoreTest, PagesGoThroughAllDays) {
  open();
  int n = 0;
  for (int day = 0; day < 3; ++day) {
    std::vector<Document> documents;
    for (int i = 0; i < 5; ++i, ++n)
      documents.push_back({"d" + std::to_string(n), R"({"n":"x)" + std::to_string(n) + R"(","w":"all"})"});
    put(n, documents);
    clock_.advance(std::chrono::hours(24));
  }
  for (const std::string text : {"", "all"}) {
    Query query;
    query.text = text;
    query.limit = 4;
    std::string seen;
    for (int pages = 0; pages < 10; ++pages) {
      const auto page = store_->search_and_wait(query);
      ASSERT_TRUE(page);
      EXPECT_TRUE(page->complete);
      for (const std::string& document : page->documents) seen += document.substr(7, document.find('"', 7) - 7) + " ";
      query.before = page->next;
      if (page->next.empty()) break;
    }
    EXPECT_EQ(seen, "14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 ") << text;
  }
}

TEST_F(StoreTest, PageOfLargeDocumentsIsCutByItsSize) {
  open();
  for (int i = 0; i < 4; ++i) {
    put(i + 1, {{std::to_string(i), R"({"n":)" + std::to_string(i) + R"(,"x":")" + std::string(5 << 20, 'x') + "\"}"}});
  }
  Query query;
  const auto first = store_->search_and_wait(query);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->documents.size(), 2u);
  EXPECT_TRUE(first->complete);
  query.before = first->next;
  const auto second = store_->search_and_wait(query);
  EXPECT_EQ(second->documents.size(), 2u);
  EXPECT_EQ(second->next, "");
}

TEST_F(StoreTest, BadQueriesSayWhy) {
  open();
  const auto refused = [&](Query query) {
    const auto page = store_->search_and_wait(query);
    return page ? std::string("taken") : std::string(to_string(page.error().code())) + ": " + page.error().message();
  };
  Query query;
  query.limit = 0;
  EXPECT_THAT(refused(query), HasSubstr("limit must be 1 to 10000"));
  query.limit = 10'001;
  EXPECT_THAT(refused(query), HasSubstr("limit must be 1 to 10000"));
  query.limit = 10;
  query.before = "yesterday";
  EXPECT_THAT(refused(query), HasSubstr("before must be"));
  query.before.clear();
  query.text = "***";
  EXPECT_THAT(refused(query), HasSubstr("invalid_argument: the query has no letter or digit"));
  EXPECT_FALSE(store_->facets_and_wait(query));
  EXPECT_FALSE(store_->matcher(query));
}

TEST_F(StoreTest, FacetsCount) {
  open();
  put(1, {{"1", squid(1, "yahoo.com")},
          {"2", squid(2, "amazon.com", true)},
          {"3", R"({"source:type":"error","raw_message":"yahoo"})"}});
  clock_.advance(std::chrono::hours(24));
  put(2, {{"4", squid(4, "yahoo.com", true)}});
  const auto facets = [&](std::string text, std::string sensor, std::optional<bool> alert) {
    Query query;
    query.text = std::move(text);
    query.sensor = std::move(sensor);
    query.alert = alert;
    const auto result = store_->facets_and_wait(query);
    if (!result) return result.error().message();
    std::string out = std::to_string(result->total) + ":";
    for (const auto& [name, count] : result->sensors) out += " " + name + "=" + std::to_string(count);
    return out + " alerts=" + std::to_string(result->alerts) + " others=" + std::to_string(result->others);
  };
  EXPECT_EQ(facets("", "", {}), "4: error=1 squid=3 alerts=2 others=2");
  EXPECT_EQ(facets("yahoo", "", {}), "3: error=1 squid=2 alerts=1 others=2");
  EXPECT_EQ(facets("yahoo", "squid", {}), "2: squid=2 alerts=1 others=1");
  EXPECT_EQ(facets("", "", true), "2: squid=2 alerts=2 others=0");
  EXPECT_EQ(facets("nothing", "", {}), "0: alerts=0 others=0");
}

TEST_F(StoreTest, EachDayHasItsFileAndOffsetsAreCarried) {
  open();
  put(1, {{"1", squid(1, "yahoo.com")}});
  clock_.advance(std::chrono::hours(24));
  put(2, {{"2", squid(2, "yahoo.com")}});
  EXPECT_TRUE(std::filesystem::exists(options_.folder / "2023-11-14.db"));
  EXPECT_TRUE(std::filesystem::exists(options_.folder / "2023-11-15.db"));
  EXPECT_EQ(store_->statistics().days, 2);
  EXPECT_EQ(store_->statistics().documents, 2);
  clock_.advance(std::chrono::hours(48));
  options_.retention.days = 1;
  open();
  EXPECT_EQ(count(), 0) << "both days are past";
  EXPECT_EQ(store_->offset("squid", "file:/log")->offset, 2) << "the offset outlives the documents";
  EXPECT_EQ(put(2, {{"2", squid(2, "yahoo.com")}}), "0+1");
  EXPECT_EQ(search("url:yahoo.com").size(), 0u);
  put(3, {{"3", squid(3, "yahoo.com")}});
  EXPECT_EQ(search("url:yahoo.com").size(), 1u) << "field names are carried too";
}

TEST_F(StoreTest, ClockSetBackKeepsTheNewestDay) {
  open();
  put(1, {{"1", squid(1, "yahoo.com")}});
  clock_.advance(-std::chrono::hours(72));
  put(2, {{"2", squid(2, "yahoo.com")}});
  open();
  put(3, {{"3", squid(3, "yahoo.com")}});
  EXPECT_EQ(store_->statistics().days, 1);
  EXPECT_EQ(count(), 3);
}

TEST_F(StoreTest, RetentionBySizeKeepsThePresentDay) {
  open();
  for (int day = 0; day < 4; ++day) {
    put(day + 1, {{std::to_string(day), squid(day, "yahoo.com")}});
    clock_.advance(std::chrono::hours(24));
  }
  EXPECT_THAT(*store_->sweep(), IsEmpty());
  options_.retention.bytes = 1;
  open();
  EXPECT_EQ(store_->statistics().days, 1);
  EXPECT_EQ(count(), 0);
}

TEST_F(StoreTest, RetentionDeletesWhileTheStoreRuns) {
  options_.retention.days = 2;
  open();
  for (int day = 0; day < 5; ++day) {
    put(day + 1, {{std::to_string(day), squid(day, "yahoo.com")}});
    EXPECT_EQ(count(), std::min(day + 1, 2));
    clock_.advance(std::chrono::hours(24));
  }
}

struct RetentionRow {
  std::string text;
  int64_t days;
  int64_t bytes;
};
class RetentionText : public testing::TestWithParam<RetentionRow> {};
TEST_P(RetentionText, IsRead) {
  const auto retention = retention_from(GetParam().text);
  if (GetParam().days == 0 && GetParam().bytes == 0) {
    ASSERT_FALSE(retention);
    EXPECT_THAT(retention.error().message(), HasSubstr("7d"));
    return;
  }
  ASSERT_TRUE(retention);
  EXPECT_EQ(retention->days.value_or(0), GetParam().days);
  EXPECT_EQ(retention->bytes.value_or(0), GetParam().bytes);
}
INSTANTIATE_TEST_SUITE_P(Table, RetentionText,
                         testing::ValuesIn(std::vector<RetentionRow>{
                             {"7d", 7, 0},
                             {"12h", 1, 0},
                             {"25h", 2, 0},
                             {"2w", 14, 0},
                             {"10GiB", 0, int64_t{10} << 30},
                             {"500MB", 0, 500'000'000},
                             {"", 0, 0},
                             {"d", 0, 0},
                             {"0d", 0, 0},
                             {"-1d", 0, 0},
                             {"7", 0, 0},
                             {"7 d", 0, 0},
                             {"7days", 0, 0},
                             {"99999999999999999999d", 0, 0},
                         }));

TEST_F(StoreTest, SubscribersHearOfNewDocumentsAlone) {
  open();
  std::promise<std::shared_ptr<const News>> heard;
  auto subscription = store_->subscribe([&](std::shared_ptr<const News> news) { heard.set_value(std::move(news)); });
  put(1, {{"1", squid(1, "yahoo.com")}, {"1", squid(1, "yahoo.com")}, {"2", squid(2, "amazon.com", true)}});
  const auto news = heard.get_future().get();
  ASSERT_EQ(news->documents.size(), 2u);
  EXPECT_EQ(news->documents[0].sensor, "squid");
  EXPECT_TRUE(news->documents[1].alert);
  put(1, {{"1", squid(1, "yahoo.com")}});  // already: a second set_value would throw
  subscription.reset();
  put(2, {{"3", squid(3, "yahoo.com")}});
}

}  // namespace
}  // namespace modelyard::documents
