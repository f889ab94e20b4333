// SPDX-License-Identifier: Apache-2.0
#include "runner/log_server.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <system_error>

#include "base/strings.h"
#include "runner/log_reader.h"

namespace modelyard::runner {
namespace {

constexpr milliseconds kLookEach{100};
constexpr size_t kConnectionsMax = 32;
constexpr seconds kEndWithin{1};

http::Guard guard_of(std::string token) {
  return [wanted = "Bearer " + std::move(token)](const http::Request& request) -> std::optional<http::Response> {
    const std::string_view given = request.headers.get("authorization").value_or("");
    if (given.size() == wanted.size() && ::CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0) return {};
    return http::Response::error(401, "unauthenticated", "the token of this instance's logs is missing or wrong");
  };
}

http::ServerOptions server_options(std::string token) {
  http::ServerOptions options{.host = "0.0.0.0"};
  options.guard = guard_of(std::move(token));
  options.connections_max = kConnectionsMax;
  return options;
}

}  // namespace

LogServer::LogServer(io::Loop& loop, std::filesystem::path log_folder, std::string instance, std::string token)
    : folder_(std::move(log_folder)),
      instance_(std::move(instance)),
      server_(loop, router_, server_options(std::move(token))) {
  router_.add("GET", "/logs", [this](http::Request& request) { return logs(request); });
}

LogServer::~LogServer() {
  reading_.stop();
  if (reader_.joinable()) reader_.join();
}

Status LogServer::start() {
  try {
    reader_ = std::thread([this] { reading_.run(); });
  } catch (const std::system_error& error) {
    return fail(errno_error(error.code().value(), "starting the thread that reads logs"));
  }
  return server_.start();
}

io::Task<void> LogServer::stop() { co_await server_.stop(system_clock().now() + kEndWithin); }

Result<LogServer::Wanted> LogServer::wanted_of(const http::Request& request) {
  Wanted wanted{.streams = {"stdout", "stderr"}, .tail = 200};
  if (const auto stream = request.query("stream"); stream && !stream->empty()) {
    if (*stream != "stdout" && *stream != "stderr")
      return fail(ErrorCode::kInvalidArgument, "stream must be stdout or stderr");
    wanted.streams = {std::string(*stream)};
  }
  if (const auto tail = request.query("tail"); tail && !tail->empty()) {
    const auto number = parse_int(*tail);
    if (!number || *number < 0 || *number > kTailMax)
      return fail(ErrorCode::kInvalidArgument, fmt::format("tail must be a whole number from 0 to {}", kTailMax));
    wanted.tail = *number;
  }
  wanted.follow = request.query("follow").value_or("") == "1";
  return wanted;
}

io::Task<http::Response> LogServer::logs(http::Request& request) {
  auto wanted = wanted_of(request);
  if (!wanted) co_return http::Response::error(wanted.error());
  if (wanted->follow && followers_ >= kFollowersMax) {
    co_return http::Response::error(
        Error(ErrorCode::kUnavailable, fmt::format("{} others follow these logs already", kFollowersMax)));
  }
  co_return http::Response::streamed(
      "application/x-ndjson",
      [this, wanted = *std::move(wanted)](http::ResponseStream& out) { return write(out, wanted); });
}

io::Task<std::string> LogServer::read_tail(const Wanted& wanted) {
  std::string text;
  for (const std::string& stream : wanted.streams) {
    for (const std::string& line : last_lines(folder_, stream, wanted.tail))
      append_log_record(text, instance_, stream, line);
  }
  co_return text;
}

namespace {

struct Follower {
  std::vector<std::pair<std::string, FollowedFile>> files;  // by stream

  io::Task<std::string> read(const std::string& instance) {
    std::string text;
    for (auto& [stream, file] : files) {
      for (const std::string& line : file.read_lines()) append_log_record(text, instance, stream, line);
    }
    co_return text;
  }
};

}  // namespace

io::Task<void> LogServer::write(http::ResponseStream& out, Wanted wanted) {
  // Made before the tail is read: what comes between is told twice rather than never.
  Follower follower;
  if (wanted.follow) {
    for (const std::string& stream : wanted.streams)
      follower.files.emplace_back(stream, FollowedFile(folder_ / (stream + ".log"), false));
  }
  const std::string tail = co_await io::on_loop(reading_.executor(), read_tail(wanted));
  if (!tail.empty() && !co_await out.write(tail)) co_return;
  if (!wanted.follow) co_return;
  struct Count {
    int& value;
    explicit Count(int& v) : value(v) { ++value; }
    ~Count() { --value; }
  };
  const Count counted(followers_);
  while (!out.closed()) {
    const std::string news = co_await io::on_loop(reading_.executor(), follower.read(instance_));
    if (!news.empty() && !co_await out.write(news)) co_return;
    if (!out.closed()) co_await io::sleep_for(kLookEach);
  }
}

}  // namespace modelyard::runner
