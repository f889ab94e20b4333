// SPDX-License-Identifier: Apache-2.0
#include "documents/searcher.h"

#include <algorithm>

#include "base/strings.h"
#include "documents/query.h"

namespace modelyard::documents {
namespace {

constexpr int64_t kLimitMax = 10'000;
constexpr size_t kDaysOpenMax = 8;
// A page is one answer of the API: it stays far below what a client takes in one piece.
constexpr size_t kPageBytesMax = size_t{12} << 20;

int alert_filter(const Query& query) { return query.alert ? (*query.alert ? 1 : 0) : -1; }

Result<std::vector<Term>> terms_of(const Query& query, const Shared& shared) {
  const std::shared_lock lock(shared.mutex);
  return parse_query(query.text, [&](std::string_view name) { return shared.is_field(name); });
}

// "2026-11-23:4711": the day and the row that the page before ended with.
Status take_before(std::string_view text, Asked* asked) {
  if (text.empty()) return {};
  const size_t colon = text.find(':');
  if (colon == 10) {
    const auto n = parse_int(text.substr(colon + 1));
    if (n && *n >= 0) {
      asked->before_day = text.substr(0, colon);
      asked->before_n = *n;
      return {};
    }
  }
  return fail(ErrorCode::kInvalidArgument, "before must be what the page before gave as next (2026-11-23:4711), not '" +
                                               std::string(text.substr(0, 100)) + "'");
}

Result<int64_t> count_matches(sqlite::Database& database, const std::string& match) {
  MY_TRY(auto row, database.prepare("SELECT count(*) FROM words WHERE words MATCH ?"));
  MY_TRY(const bool there, row.bind(1, match).step());
  return there ? row.integer(0) : 0;
}

}  // namespace

Result<Asked> check_query(const Query& query, const Shared& shared) {
  Asked asked;
  if (query.limit < 1 || query.limit > kLimitMax) {
    return fail(ErrorCode::kInvalidArgument,
                "limit must be 1 to " + std::to_string(kLimitMax) + ", not " + std::to_string(query.limit));
  }
  asked.limit = query.limit;
  MY_TRY_VOID(take_before(query.before, &asked));
  MY_TRY(const auto terms, terms_of(query, shared));
  asked.match = match_expression(terms, query.sensor, alert_filter(query));
  return asked;
}

std::vector<std::string> Searcher::days_newest_first() {
  std::vector<std::string> days;
  {
    const std::shared_lock lock(shared_.mutex);
    days = shared_.days;
  }
  std::erase_if(open_, [&](const auto& entry) { return !std::binary_search(days.begin(), days.end(), entry.first); });
  std::reverse(days.begin(), days.end());
  return days;
}

Result<sqlite::Database*> Searcher::open(const std::string& day) {
  if (const auto found = open_.find(day); found != open_.end()) return &found->second;
  const auto path = day_path(options_.folder, day);
  if (std::error_code error; !std::filesystem::exists(path, error)) return nullptr;
  if (open_.size() >= kDaysOpenMax) open_.erase(open_.begin());
  MY_TRY(auto database, open_day(path, DayUse::kRead, nullptr));
  return &open_.emplace(day, std::move(database)).first->second;
}

Result<Page> Searcher::search(const Query& query) {
  MY_TRY(const Asked asked, check_query(query, shared_));
  const SteadyTime deadline = clock_.now() + options_.read_time_max;
  Page page;
  for (const std::string& day : days_newest_first()) {
    if (!asked.before_day.empty() && day > asked.before_day) continue;
    if (clock_.now() >= deadline) {
      page.complete = false;
      page.next = day + ":" + std::to_string(INT64_MAX);
      break;
    }
    MY_TRY(sqlite::Database * database, open(day));
    if (database == nullptr) continue;
    MY_TRY_VOID(search_day(day, *database, asked, deadline, &page));
    if (!page.next.empty()) break;
  }
  return page;
}

Status Searcher::search_day(const std::string& day, sqlite::Database& database, const Asked& asked, SteadyTime deadline,
                            Page* page) {
  const bool by_words = !asked.match.empty();
  MY_TRY(auto rows,
         database.prepare(by_words ? "SELECT rowid FROM words WHERE words MATCH ?2 AND rowid < ?1 ORDER BY rowid DESC"
                                   : "SELECT n FROM docs WHERE n < ?1 ORDER BY n DESC"));
  rows.bind(1, day == asked.before_day ? asked.before_n : INT64_MAX);
  if (by_words) rows.bind(2, asked.match);
  MY_TRY(auto text, database.prepare("SELECT json FROM docs WHERE n = ?"));
  size_t bytes = 0;
  for (const std::string& document : page->documents) bytes += document.size();
  int64_t last = 0;
  while (true) {
    MY_TRY(const bool there, rows.step());
    if (!there) return {};
    text.reset();
    MY_TRY(const bool found, text.bind(1, rows.integer(0)).step());
    if (!found) continue;
    const std::string_view document = text.text(0);
    const bool any = !page->documents.empty();
    const bool full =
        static_cast<int64_t>(page->documents.size()) == asked.limit || (any && bytes + document.size() > kPageBytesMax);
    const bool late = !full && any && clock_.now() >= deadline;
    if (full || late) {
      page->complete = !late;
      page->next = day + ":" + std::to_string(last > 0 ? last : INT64_MAX);
      return {};
    }
    page->documents.emplace_back(document);
    bytes += document.size();
    last = rows.integer(0);
  }
}

Result<Facets> Searcher::facets(const Query& query) {
  Query checked = query;
  checked.limit = 1;
  checked.before.clear();
  MY_TRY(const Asked asked, check_query(checked, shared_));
  MY_TRY(const auto terms, terms_of(query, shared_));
  const SteadyTime deadline = clock_.now() + options_.read_time_max;
  Facets facets;
  for (const std::string& day : days_newest_first()) {
    if (clock_.now() >= deadline) {
      facets.complete = false;
      break;
    }
    MY_TRY(sqlite::Database * database, open(day));
    if (database != nullptr) MY_TRY_VOID(count_day(*database, query, terms, deadline, &facets));
  }
  return facets;
}

// Without words the writer's own counts tell everything; with words each sensor is one more intersection of the index,
// which is far cheaper than looking at the rows.
Status Searcher::count_day(sqlite::Database& database, const Query& query, const std::vector<Term>& terms,
                           SteadyTime deadline, Facets* facets) {
  MY_TRY(const auto counts, load_counts(database));
  for (const auto& [key, stored] : counts) {
    const auto& [sensor, alert] = key;
    if (!query.sensor.empty() && sensor != query.sensor) continue;
    if (query.alert && alert != *query.alert) continue;
    if (clock_.now() >= deadline) {
      facets->complete = false;
      return {};
    }
    int64_t count = stored;
    if (!terms.empty()) {
      MY_TRY(count, count_matches(database, match_expression(terms, sensor, alert ? 1 : 0)));
    }
    if (count == 0) continue;
    facets->total += count;
    facets->sensors[sensor] += count;
    (alert ? facets->alerts : facets->others) += count;
  }
  return {};
}

}  // namespace modelyard::documents
