// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "documents/day_file.h"
#include "documents/documents.h"
#include "documents/writer.h"

namespace modelyard::documents {

// The text and filters of a query, checked.
struct Asked {
  std::string match;  // for the table of words; empty = everything
  int64_t limit = 0;
  std::string before_day;  // empty = from the newest
  int64_t before_n = 0;
};
Result<Asked> check_query(const Query& query, const Shared& shared);

// One reader: its own connections to the days' files, so that it never waits for the writer. Confined to one thread.
class Searcher {
 public:
  Searcher(const Options& options, const Clock& clock, const Shared& shared)
      : options_(options), clock_(clock), shared_(shared) {}

  Result<Page> search(const Query& query);
  Result<Facets> facets(const Query& query);

 private:
  std::vector<std::string> days_newest_first();
  // Null when the day was deleted meanwhile.
  Result<sqlite::Database*> open(const std::string& day);
  Status search_day(const std::string& day, sqlite::Database& database, const Asked& asked, SteadyTime deadline,
                    Page* page);
  Status count_day(sqlite::Database& database, const Query& query, const std::vector<Term>& terms, SteadyTime deadline,
                   Facets* facets);

  const Options& options_;
  const Clock& clock_;
  const Shared& shared_;
  std::map<std::string, sqlite::Database> open_;
};

}  // namespace modelyard::documents
