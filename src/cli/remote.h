// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/invocation.h"
#include "client/zookeeper_feed.h"
#include "json/json.h"

namespace modelyard::cli {

// Where commands talk to, as the options and the environment say it.
struct ServerAddress {
  std::string url;    // "http://127.0.0.1:8800"
  std::string token;  // "" = none
};
// On a cluster (--zk): the HTTP address of the controller that leads, asked of ZooKeeper; kUnavailable: nobody leads.
// Its token, where it wants one: --token-file, $MODELYARD_TOKEN, else the file that the leader names if this user may
// read it.
Result<ServerAddress> server_address(Invocation& invocation);

// Where models are found: ZooKeeper itself with --zk (also while no controller runs), else a server.
struct EndpointPlace {
  std::optional<client::ZookeeperAddress> zookeeper;
  ServerAddress server;
};
Result<EndpointPlace> endpoint_place(Invocation& invocation);

// The HTTP API of docs/api.md for commands that may block. Each call runs a loop of its own on the calling thread. An
// answer that is an error comes back as that error (kNotFound, …), a server that does not answer as kUnavailable with
// its URL.
class Remote {
 public:
  static Result<Remote> open(Invocation& invocation);
  static Result<Remote> open(ServerAddress address);
  Remote(Remote&&) noexcept;
  ~Remote();

  const std::string& url() const;

  Result<json::Tree> get(const std::string& target);
  // An array of objects; anything else is kProtocol.
  Result<json::Tree> get_list(const std::string& target);
  // body: JSON, or empty. An answer without a body is null.
  // A list that comes in pages: on_items for each page's array until `limit` objects came or there are no more.
  Status get_pages(const std::string& path, std::vector<std::pair<std::string, std::string>> query, int64_t limit,
                   const std::function<void(const json::Tree& items)>& on_items);
  Result<json::Tree> send(const std::string& method, const std::string& target, const std::string& body = {});
  // POST of a body that next() gives piece by piece, "" at the end. No deadline but the server's.
  Result<json::Tree> upload(const std::string& target, std::function<Result<std::string>()> next);

  // An answer that goes on: on_line for each line without its end, until it returns false, or the server ends it
  // (success). silence: the longest time without a byte; nothing = for ever.
  using OnLine = std::function<bool(std::string_view line)>;
  Status read_lines(const std::string& target, const OnLine& on_line);
  // Server-sent events until on_event returns false. kUnavailable when the connection ends, or is silent for 30 s.
  using OnEvent = std::function<bool(std::string_view event, std::string_view data)>;
  Status read_events(const std::string& target, const OnEvent& on_event, std::chrono::milliseconds wait);

 private:
  struct State;
  explicit Remote(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "/api/v1/events?name=dga&limit=5"; pairs with an empty value are left out.
std::string target_with(std::string_view path, const std::vector<std::pair<std::string, std::string>>& query);
// The objects of the array at key; an empty array when there is none.
const json::Tree& objects_in(const json::Tree& object, std::string_view key);
// One path segment.
std::string segment(std::string_view text);

// What N, N@V and --version name.
struct ModelName {
  std::string name;
  std::string version;  // "" = any
};
// kInvalidArgument for a bad name (wrong usage), or when N@V and --version differ.
Result<ModelName> model_name(Invocation& invocation, std::string_view text);

// SIGINT and SIGTERM end the process with 0 from now on: for commands that print lines until they are stopped, each
// line flushed.
void stop_quietly_on_signals();

}  // namespace modelyard::cli
