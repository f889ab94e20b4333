// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "console/assets.h"
#include "console/page.h"
#include "io/task.h"

namespace modelyard::console {
namespace {

using http::RequestBuilder;
using testing::HasSubstr;

const std::filesystem::path kFolder = std::filesystem::path(MODELYARD_SOURCE_DIR) / "console";

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

http::Response get(std::string_view target, std::string_view if_none_match = {}) {
  http::Router router;
  add_routes(router);
  http::Request request = RequestBuilder::make("GET", target);
  if (!if_none_match.empty()) request.headers.add("if-none-match", if_none_match);
  const auto match = router.find(request);
  if (!match.route) return http::Response::empty(404);
  io::Loop loop;
  return io::run_blocking(loop, match.route->handler(request));
}

TEST(Assets, AreTheFilesOfTheFolderByteForByte) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string path = entry.path().lexically_relative(kFolder).string();
    const Asset* asset = find_asset(path);
    ASSERT_NE(asset, nullptr) << path;
    EXPECT_EQ(asset->text, read(entry.path())) << path;
  }
  EXPECT_EQ(files, assets().size());
}

TEST(Assets, NameNoOtherHost) {
  const std::regex address(R"((https?:)?//[a-z0-9.-]+\.[a-z]{2,})", std::regex::icase);
  for (const Asset& asset : assets()) {
    std::string text(asset.text);
    // The one name that looks like an address: it says what an SVG is and is never fetched.
    for (size_t at; (at = text.find("http://www.w3.org/2000/svg")) != std::string::npos;) text.erase(at, 26);
    std::smatch found;
    EXPECT_FALSE(std::regex_search(text, found, address)) << asset.path << ": " << found.str();
  }
}

TEST(Assets, HaveNoScriptOrStyleInThePage) {
  const std::string page(find_asset("index.html")->text);
  EXPECT_FALSE(std::regex_search(page, std::regex(R"(<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=)")))
      << "the policy refuses inline script and style";
}

struct Row {
  std::string name;
  std::string target;
  int status;
  std::string media_type;
};

class Page : public testing::TestWithParam<Row> {};

TEST_P(Page, Answers) {
  const http::Response response = get(GetParam().target);
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.headers.get("content-type").value_or(""), GetParam().media_type);
  if (response.status != 200) return;
  EXPECT_THAT(std::string(*response.headers.get("content-security-policy")), HasSubstr("default-src 'self'"));
  EXPECT_EQ(response.headers.get("x-content-type-options"), "nosniff");
  EXPECT_FALSE(response.body.empty());
}

INSTANTIATE_TEST_SUITE_P(Console, Page,
                         testing::Values(Row{"page", "/", 200, "text/html; charset=utf-8"},
                                         Row{"query_is_ignored", "/?x=1", 200, "text/html; charset=utf-8"},
                                         Row{"module", "/console/js/app.js", 200, "text/javascript; charset=utf-8"},
                                         Row{"style", "/console/css/base.css", 200, "text/css; charset=utf-8"},
                                         Row{"mark", "/console/mark.svg", 200, "image/svg+xml"},
                                         Row{"unknown", "/console/js/none.js", 404, "application/json"},
                                         Row{"climbing_out", "/console/..%2f..%2fetc%2fpasswd", 404,
                                             "application/json"},
                                         Row{"folder", "/console", 302, ""}),
                         [](const auto& row) { return row.param.name; });

TEST(Page, IsRevalidatedByItsTag) {
  const http::Response first = get("/");
  const std::string etag(*first.headers.get("etag"));
  EXPECT_EQ(etag.front(), '"');
  const http::Response again = get("/", etag);
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
  EXPECT_EQ(again.headers.get("etag"), etag);
  EXPECT_EQ(get("/", "\"another\"").status, 200);
}

}  // namespace
}  // namespace modelyard::console
