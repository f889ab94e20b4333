// SPDX-License-Identifier: Apache-2.0
#include "hadoop/webhdfs.h"

#include <gmock/gmock.h>

#include "hadoop/testing/scripted_web.h"
#include "hadoop/webhdfs_answers.h"
#include "io/file.h"

namespace modelyard::hadoop {
namespace {

using hadoop::testing::ScriptedWeb;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using How = ScriptedWeb::Step::How;

RestOptions options() {
  RestOptions out;
  out.user = "alice";
  out.connect_timeout = milliseconds(2'000);
  out.call_timeout = milliseconds(5'000);
  out.stall_timeout = milliseconds(2'000);
  out.failover_time = milliseconds(3'000);
  return out;
}

FileSystemAddress address_of(std::vector<uint16_t> ports) {
  FileSystemAddress out;
  if (ports.size() > 1) out.nameservice = "yard";
  for (const uint16_t port : ports)
    out.name_nodes.push_back({"nn", {"127.0.0.1", 8020}, WebAddress{false, {"127.0.0.1", port}}});
  return out;
}

std::string exception(const std::string& name, const std::string& message = "because") {
  return R"({"RemoteException":{"exception":")" + name + R"(","javaClassName":"x.)" + name + R"(","message":")" +
         message + R"(\nat x"}})";
}

uint16_t closed_port() {
  const io::UniqueFd fd = std::move(io::listen_tcp("127.0.0.1", 0, false)).value();
  return std::move(io::local_address(fd.get())).value().port();
}

ByteReader reader_of(std::string text) {
  return [text = std::move(text), at = size_t{0}](char* buffer, size_t size) mutable -> Result<size_t> {
    const size_t count = text.copy(buffer, size, at);
    at += count;
    return count;
  };
}

TEST(WebHdfsPaths, AreMadeAbsolute) {
  const WebHdfs hdfs(address_of({1}), options());
  EXPECT_EQ(*hdfs.absolute("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(*hdfs.absolute("models"), "/user/alice/models");
  EXPECT_EQ(*hdfs.absolute("/"), "/");
  EXPECT_EQ(*hdfs.absolute("hdfs://127.0.0.1:8020/a"), "/a");
  EXPECT_EQ(*hdfs.absolute("hdfs:///a"), "/a");
  for (const char* wrong : {"", "/a/../b", "/a:b", "hdfs://far:8020/a", "s3a://x/y"})
    EXPECT_EQ(hdfs.absolute(wrong).error().code(), ErrorCode::kInvalidArgument) << wrong;
  EXPECT_FALSE(hdfs.absolute(std::string_view("/a\0b", 4)));
}

TEST(WebHdfsCalls, SayWhoWeAreAndEncodeThePath) {
  ScriptedWeb web;
  web.play({{200, R"({"boolean":true})"}});
  WebHdfs hdfs(address_of({web.port()}), options());
  const Status made = hdfs.make_folder("/user/alice/a b+ü", 0700);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(web.requests().at(0).line,
            "PUT /webhdfs/v1/user/alice/a%20b%2B%C3%BC?op=MKDIRS&permission=700&user.name=alice HTTP/1.1");
  EXPECT_THAT(web.requests().at(0).head, HasSubstr("x-xsrf-header"));
}

TEST(WebHdfsCalls, ADelegationTokenTakesThePlaceOfTheName) {
  ScriptedWeb web;
  web.play({{200, R"({"boolean":true})"}});
  RestOptions with = options();
  with.delegation = "abc-_";
  WebHdfs hdfs(address_of({web.port()}), with);
  ASSERT_TRUE(hdfs.remove("/a", true));
  EXPECT_EQ(web.requests().at(0).line, "DELETE /webhdfs/v1/a?op=DELETE&recursive=true&delegation=abc-_ HTTP/1.1");
}

TEST(WebHdfsCalls, StatusAndListAreRead) {
  ScriptedWeb web;
  const std::string file =
      R"({"pathSuffix":"rest.sh","type":"FILE","length":5,"modificationTime":77,"permission":"644","owner":"a","group":"g"})";
  web.play({{200, R"({"FileStatus":)" + file + "}"}, {200, R"({"FileStatuses":{"FileStatus":[)" + file + "]}}"}});
  WebHdfs hdfs(address_of({web.port()}), options());
  const auto status = hdfs.status("/m/rest.sh");
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_EQ(status->size, 5);
  EXPECT_EQ(status->modified_ms, 77);
  EXPECT_EQ(status->permission, 0644u);
  const auto list = hdfs.list("/m");
  ASSERT_TRUE(list) << list.error().message();
  EXPECT_EQ(list->at(0).name, "rest.sh");
}

struct Refusal {
  std::string name;
  int status;
  std::string body;
  ErrorCode code;
  std::string says;
};
class WebHdfsRefusals : public ::testing::TestWithParam<Refusal> {};
TEST_P(WebHdfsRefusals, BecomeCodes) {
  ScriptedWeb web;
  web.play({{GetParam().status, GetParam().body}});
  WebHdfs hdfs(address_of({web.port()}), options());
  const auto status = hdfs.status("/m");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), GetParam().code) << status.error().message();
  EXPECT_THAT(status.error().message(), HasSubstr(GetParam().says));
  EXPECT_THAT(status.error().message(), HasSubstr("hdfs://127.0.0.1:8020/m"));
}
INSTANTIATE_TEST_SUITE_P(
    Table, WebHdfsRefusals,
    ::testing::Values(
        Refusal{"absent", 404, exception("FileNotFoundException"), ErrorCode::kNotFound, "because"},
        Refusal{"denied", 403, exception("AccessControlException", "Permission denied: user=bob"),
                ErrorCode::kPermissionDenied, "user=bob"},
        Refusal{"safe_mode", 403, exception("SafeModeException"), ErrorCode::kUnavailable, "SafeMode"},
        Refusal{"names_quota", 403, exception("NSQuotaExceededException"), ErrorCode::kResourceExhausted, "NSQuota"},
        Refusal{"space_quota", 403, exception("DSQuotaExceededException"), ErrorCode::kResourceExhausted, "DSQuota"},
        Refusal{"no_node_has_room", 500,
                exception("IOException", "File /m could only be written to 0 of the 1 minReplication nodes."),
                ErrorCode::kResourceExhausted, "could only be written to 0"},
        Refusal{"exists", 403, exception("FileAlreadyExistsException"), ErrorCode::kAlreadyExists, "because"},
        Refusal{"who_are_you", 401, "<html>", ErrorCode::kUnauthenticated, "kinit"},
        Refusal{"expired_token", 403, exception("InvalidToken"), ErrorCode::kUnauthenticated, "InvalidToken"},
        Refusal{"not_on", 404, "<html>no such page</html>", ErrorCode::kNotFound, "dfs.webhdfs.enabled"},
        Refusal{"bad_argument", 400, exception("IllegalArgumentException"), ErrorCode::kInvalidArgument, "because"},
        Refusal{"unknown", 500, exception("IOException"), ErrorCode::kFailed, "IOException: because"}),
    [](const auto& row) { return row.param.name; });

class WebHdfsRubbish : public ::testing::TestWithParam<const char*> {};
TEST_P(WebHdfsRubbish, IsAnErrorOfTheProtocol) {
  const RestAnswer answer{200, GetParam(), ""};
  const auto code = [](const auto& result) { return result ? ErrorCode::kInternal : result.error().code(); };
  EXPECT_EQ(code(boolean_of(answer)), ErrorCode::kProtocol);
  EXPECT_EQ(code(long_of(answer)), ErrorCode::kProtocol);
  EXPECT_NE(code(file_status_of(answer)), ErrorCode::kInternal);
  EXPECT_NE(code(file_statuses_of(answer)), ErrorCode::kInternal);
  EXPECT_NE(code(content_summary_of(answer)), ErrorCode::kInternal);
  EXPECT_NE(code(token_of(answer)), ErrorCode::kInternal);
}
INSTANTIATE_TEST_SUITE_P(
    Table, WebHdfsRubbish,
    ::testing::Values(
        "", "{", "[]", "null", "{}", R"({"boolean":"yes","long":"1","FileStatus":[],"Token":null})",
        R"({"FileStatus":{"type":"PIPE","length":1,"modificationTime":1}})",
        R"({"FileStatus":{"type":"FILE","length":"1","modificationTime":1}})",
        R"({"FileStatuses":{"FileStatus":[{"pathSuffix":"../../etc","type":"FILE","length":1,"modificationTime":1}]}})",
        R"({"FileStatuses":{"FileStatus":[null]},"ContentSummary":{"length":null}})"));

TEST(WebHdfsAvailability, StandbyIsPassedOver) {
  ScriptedWeb standby;
  ScriptedWeb active;
  standby.play({{403, exception("StandbyException")}});
  active.play({{200, R"({"boolean":true})"}, {200, R"({"boolean":true})"}});
  WebHdfs hdfs(address_of({standby.port(), active.port()}), options());
  ASSERT_TRUE(hdfs.make_folder("/a"));
  ASSERT_TRUE(hdfs.make_folder("/b"));
  EXPECT_EQ(standby.requests().size(), 1u) << "the one that answered is asked first";
}

TEST(WebHdfsAvailability, OneThatIsAwayIsPassedOver) {
  ScriptedWeb active;
  active.play({{200, R"({"boolean":true})"}});
  WebHdfs hdfs(address_of({closed_port(), active.port()}), options());
  const Status made = hdfs.make_folder("/a");
  EXPECT_TRUE(made) << made.error().message();
}

TEST(WebHdfsAvailability, BothInStandbyAreWaitedFor) {
  ScriptedWeb one;
  ScriptedWeb two;
  one.play({{403, exception("StandbyException")}, {200, R"({"boolean":true})"}});
  two.play({{403, exception("StandbyException")}});
  WebHdfs hdfs(address_of({one.port(), two.port()}), options());
  const Status made = hdfs.make_folder("/a");
  EXPECT_TRUE(made) << made.error().message();
}

TEST(WebHdfsAvailability, ASingleOneThatIsAwayIsToldAtOnce) {
  WebHdfs hdfs(address_of({closed_port()}), options());
  const SteadyTime start = system_clock().now();
  const Status made = hdfs.make_folder("/a");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(made.error().message(), StartsWith("the NameNode of hdfs://127.0.0.1:8020: 127.0.0.1:"));
  EXPECT_LT(system_clock().now() - start, milliseconds(1'500));
}

TEST(WebHdfsAvailability, AChangeWhoseAnswerWasLostIsNotRepeated) {
  ScriptedWeb one;
  ScriptedWeb two;
  one.play({{200, "", "", How::kCloseUnanswered}});
  two.play({{200, R"({"boolean":true})"}});
  WebHdfs hdfs(address_of({one.port(), two.port()}), options());
  const Status renamed = hdfs.rename("/a", "/b");
  ASSERT_FALSE(renamed);
  EXPECT_EQ(renamed.error().code(), ErrorCode::kDeadline) << renamed.error().message();
  EXPECT_TRUE(two.requests().empty());
}

TEST(WebHdfsAvailability, ACancelledCallEnds) {
  auto flag = std::make_shared<std::atomic<bool>>(true);
  ScriptedWeb standby;
  standby.play({{403, exception("StandbyException")}});
  RestOptions with = options();
  with.cancelled = flag;
  WebHdfs hdfs(address_of({standby.port()}), with);
  EXPECT_EQ(hdfs.make_folder("/a").error().code(), ErrorCode::kCancelled);
}

TEST(WebHdfsStreams, CreateGoesToTheDataNodeThatWasNamed) {
  ScriptedWeb data;
  data.play({{201, ""}});
  ScriptedWeb name;
  name.play({{200, R"({"Location":")" + data.url() + R"(/webhdfs/v1/a?op=CREATE&x=1"})"}});
  WebHdfs hdfs(address_of({name.port()}), options());
  const std::string content(300'000, 'z');
  const Status created = hdfs.create("/a", reader_of(content), {.permission = 0600, .size = 300'000});
  ASSERT_TRUE(created) << created.error().message();
  EXPECT_THAT(name.requests().at(0).line,
              HasSubstr("op=CREATE&overwrite=false&permission=600&noredirect=true&user.name=alice"));
  EXPECT_EQ(data.requests().at(0).body, content);
  EXPECT_THAT(data.requests().at(0).head, HasSubstr("content-type: application/octet-stream"));
  EXPECT_EQ(data.requests().at(0).head.find("expect:"), std::string::npos);
}

TEST(WebHdfsStreams, AnOldServerRedirectsInstead) {
  ScriptedWeb data;
  data.play({{200, "hello"}});
  ScriptedWeb name;
  name.play({{307, "", data.url() + "/webhdfs/v1/a?op=OPEN"}});
  WebHdfs hdfs(address_of({name.port()}), options());
  const auto text = hdfs.read_text("/a", 100);
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_EQ(*text, "hello");
}

TEST(WebHdfsStreams, ARefusalInTheMiddleOfAnUploadIsUnderstood) {
  ScriptedWeb data;
  data.play({{403, exception("DSQuotaExceededException", "quota is 1 MB"), "", How::kAnswerEarly}});
  ScriptedWeb name;
  name.play({{200, R"({"Location":")" + data.url() + R"(/x"})"}});
  WebHdfs hdfs(address_of({name.port()}), options());
  const Status created = hdfs.create("/a", reader_of(std::string(8 << 20, 'z')), {.size = 8 << 20});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code(), ErrorCode::kResourceExhausted) << created.error().message();
}

TEST(WebHdfsStreams, AReaderThatFailsEndsTheUploadWithItsReason) {
  ScriptedWeb data;
  data.play({{201, ""}});
  ScriptedWeb name;
  name.play({{200, R"({"Location":")" + data.url() + R"(/x"})"}});
  WebHdfs hdfs(address_of({name.port()}), options());
  const Status created = hdfs.create(
      "/a", [](char*, size_t) -> Result<size_t> { return fail(ErrorCode::kDataLoss, "disk"); }, {.size = 100});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code(), ErrorCode::kDataLoss);
}

struct Fault {
  std::string name;
  ScriptedWeb::Step name_node;
  bool reaches_data_node;
  ScriptedWeb::Step data_node;
};
class WebHdfsReadFaults : public ::testing::TestWithParam<Fault> {};
TEST_P(WebHdfsReadFaults, LeaveNoFile) {
  auto folder = io::TemporaryFolder::make("fetch");
  ASSERT_TRUE(folder);
  ScriptedWeb data;
  ScriptedWeb name;
  data.play({GetParam().data_node});
  ScriptedWeb::Step step = GetParam().name_node;
  if (GetParam().reaches_data_node) step.body = R"({"Location":")" + data.url() + R"(/x"})";
  name.play({step});
  WebHdfs hdfs(address_of({name.port()}), options());
  const Status fetched = hdfs.fetch("/a", folder->path() / "a");
  EXPECT_FALSE(fetched);
  EXPECT_FALSE(std::filesystem::exists(folder->path() / "a"));
}
INSTANTIATE_TEST_SUITE_P(
    Table, WebHdfsReadFaults,
    ::testing::Values(Fault{"name_node_closes", {200, "", "", How::kCloseUnanswered}, false, {}},
                      Fault{"name_node_refuses", {404, exception("FileNotFoundException")}, false, {}},
                      Fault{"no_location", {200, "{}"}, false, {}},
                      Fault{"location_of_another_kind", {200, R"({"Location":"file:///etc/passwd"})"}, false, {}},
                      Fault{"data_node_closes_at_once", {}, true, {200, "", "", How::kCloseAtOnce}},
                      Fault{"data_node_closes_unanswered", {}, true, {200, "", "", How::kCloseUnanswered}},
                      Fault{
                          "data_node_closes_in_the_middle", {}, true, {200, "0123456789", "", How::kCloseInTheMiddle}},
                      Fault{"data_node_refuses", {}, true, {403, exception("AccessControlException")}}),
    [](const auto& row) { return row.param.name; });

TEST(WebHdfsPut, SendsUnderAnotherNameAndRenames) {
  auto folder = io::TemporaryFolder::make("put");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(io::write_file_atomic(folder->path() / "f", "content"));
  ScriptedWeb data;
  data.play({{201, ""}});
  ScriptedWeb name;
  name.play({{200, R"({"Location":")" + data.url() + R"(/x"})"}, {200, ""}});
  WebHdfs hdfs(address_of({name.port()}), options());
  int64_t told = 0;
  const Status put = hdfs.put(folder->path() / "f", "/m/f", [&](int64_t bytes) { told = bytes; });
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(told, 7);
  EXPECT_THAT(name.requests().at(0).line, StartsWith("PUT /webhdfs/v1/m/f."));
  EXPECT_THAT(name.requests().at(0).line, HasSubstr("._COPYING_?op=CREATE&overwrite=true"));
  EXPECT_THAT(name.requests().at(1).line, HasSubstr("op=RENAME&destination=%2Fm%2Ff&renameoptions=OVERWRITE"));
}

TEST(WebHdfsPut, ASendThatBrokeOffIsTriedOnceMore) {
  auto folder = io::TemporaryFolder::make("put");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(io::write_file_atomic(folder->path() / "f", "content"));
  ScriptedWeb data;
  data.play({{201, "", "", How::kCloseUnanswered}, {201, ""}});
  ScriptedWeb name;
  const ScriptedWeb::Step location{200, R"({"Location":")" + data.url() + R"(/x"})"};
  name.play({location, location, {200, ""}});
  WebHdfs hdfs(address_of({name.port()}), options());
  const Status put = hdfs.put(folder->path() / "f", "/m/f");
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(data.requests().at(1).body, "content");
}

TEST(WebHdfsPut, AFailedSendLeavesNothingBehind) {
  auto folder = io::TemporaryFolder::make("put");
  ASSERT_TRUE(folder);
  ASSERT_TRUE(io::write_file_atomic(folder->path() / "f", "content"));
  ScriptedWeb data;
  data.play({{403, exception("DSQuotaExceededException")}});
  ScriptedWeb name;
  name.play({{200, R"({"Location":")" + data.url() + R"(/x"})"}, {200, R"({"boolean":true})"}});
  WebHdfs hdfs(address_of({name.port()}), options());
  EXPECT_EQ(hdfs.put(folder->path() / "f", "/m/f").error().code(), ErrorCode::kResourceExhausted);
  EXPECT_THAT(name.requests().at(1).line, HasSubstr("op=DELETE"));
}

TEST(WebHdfsTokens, AreAskedForWithKindAndService) {
  ScriptedWeb web;
  web.play({{200, R"({"Token":{"urlString":"KAAF"}})"},
            {200, R"({"long":1700000000000})"},
            {200, ""},
            {200, R"({"Token":null})"}});
  WebHdfs hdfs(address_of({web.port()}), options());
  EXPECT_EQ(*hdfs.get_delegation_token("yarn", "127.0.0.1:8020"), "KAAF");
  EXPECT_THAT(web.requests().at(0).line,
              HasSubstr("op=GETDELEGATIONTOKEN&renewer=yarn&service=127.0.0.1%3A8020&kind=HDFS_DELEGATION_TOKEN"));
  EXPECT_EQ(*hdfs.renew_delegation_token("KAAF"), 1700000000000);
  EXPECT_TRUE(hdfs.cancel_delegation_token("KAAF"));
  EXPECT_EQ(hdfs.get_delegation_token("yarn", "x").error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace modelyard::hadoop
