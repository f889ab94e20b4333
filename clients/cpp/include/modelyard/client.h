// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// Models as a service, for C++17 programs: where models answer, and calls to them. Link modelyard-client
// (find_package(modelyard-client), or pkg-config modelyard-client).
//
//   auto client = modelyard::sdk::Client::connect({.quorum = "node1:2181"});
//   if (!client) return complain(client.error().text);
//   auto answer = client.value().call("dga", "", "apply", {{"host", "yahoo.com"}});
//   if (answer) use(answer.value().body);
//
// Nothing here throws, but for what the standard library throws when memory ends. Texts are UTF-8.
namespace modelyard::sdk {

#define MODELYARD_API __attribute__((visibility("default")))

// What callers act on. The numbers are those of modelyard/c_client.h.
enum class Code {
  kInvalidArgument = 1,  // an option or an argument is wrong
  kNotFound = 2,         // no endpoint of that model or version is registered
  kUnavailable = 3,      // the registry (at the start) or the instance could not be reached
  kDeadline = 4,         // time ran out; the instance may have worked on it
  kProtocol = 5,         // the other side spoke rubbish: no JSON object, no HTTP
  kFailed = 6,           // the instance answered with another status than 200
  kUnsupported = 7,      // the endpoint's url cannot be called over HTTP
  kTooLarge = 8,         // the answer is larger than 16 MiB
  kRefused = 9,          // the registry wants other credentials
  kCancelled = 10,       // the client was closed
  kInternal = 11
};

struct Error {
  Code code = Code::kInternal;
  std::string text;  // for people
};

// A value or an error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  explicit operator bool() const { return state_.index() == 0; }
  // Only where it is one.
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// Where one instance of a model answers.
struct Endpoint {
  std::string name;
  std::string version;
  std::string id;                                // of the instance; on a cluster the container's
  std::string url;                               // without the function: "http://node1:50959"
  std::map<std::string, std::string> functions;  // alias -> path
};

// All endpoints that were known at one moment. Immutable; copies are cheap and share it; thread-safe.
class MODELYARD_API Snapshot {
 public:
  Snapshot();
  ~Snapshot();
  Snapshot(const Snapshot&);
  Snapshot& operator=(const Snapshot&);

  size_t size() const;
  std::vector<std::string> names() const;
  // Smallest first: 9.0 before 10.0. Empty where the model has no endpoint.
  std::vector<std::string> versions(const std::string& name) const;
  std::vector<Endpoint> endpoints(const std::string& name, const std::string& version) const;
  // By name, version, id.
  std::vector<Endpoint> all() const;

 private:
  friend class Client;
  std::shared_ptr<const void> state_;
};

struct Change {
  enum class Kind { kAdded = 1, kRemoved = 2, kChanged = 3 };
  Kind kind = Kind::kAdded;
  Endpoint endpoint;  // of a removed one: as it was
};

struct Options {
  // One of the two: the ZooKeeper servers of a cluster, "node1:2181,node2:2181[/chroot]", or a server's address,
  // "http://127.0.0.1:8080".
  std::string quorum;
  std::string server;
  std::string zk_root = "/metron/maas/config";  // with quorum: the configuration node
  std::string zk_user;                          // with quorum: scheme "digest"; empty = none
  std::string zk_password;
  std::string token;                                  // with server: sent as Authorization: Bearer; empty = none
  std::chrono::milliseconds connect_timeout{15'000};  // until the first snapshot
};

// In this order; std::nullopt-like absence: leave the pair out.
using Arguments = std::vector<std::pair<std::string, std::string>>;

struct Answer {
  std::string body;  // the text of one JSON object
  std::string content_type;
  std::string id;  // of the instance that answered
  std::string url;
};

// Knows where models answer, and calls them. Holds a snapshot of all endpoints, kept current by pushes; a call asks no
// server but the model itself. The registry away, the session lost: the snapshot stays, and is mended after.
//
// Thread-safe; movable, not copyable. Has one thread of its own, which blocks all signals. Make it after fork().
class MODELYARD_API Client {
 public:
  // Connects and waits for the first snapshot.
  static Result<Client> connect(Options options);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // As close(). Not inside a listener or a callback of this client.
  ~Client();

  Snapshot snapshot() const;
  // What the snapshot holds is what the registry holds now.
  bool connected() const;

  // Called on the client's thread with the changes that were seen together, in order: return soon; calls that wait
  // (call, close) fail there. The number is for unlisten(), after which it is not called any more.
  using Listener = std::function<void(const std::vector<Change>& changes, const Snapshot& after)>;
  int listen(Listener listener);
  void unlisten(int number);

  // One endpoint, each with the same chance; those that failed lately are passed over while others are there.
  // version "": the greatest that has one. kNotFound, kCancelled.
  Result<Endpoint> choose(const std::string& name, const std::string& version = "") const;

  // GET url/function?arguments of one instance (of two drawn at random the one with fewer calls in flight, then the
  // faster); where that fails by its own fault and time is left, of one other. function: an alias, or a path. Returns
  // by the deadline.
  Result<Answer> call(const std::string& name, const std::string& version, const std::string& function,
                      const Arguments& arguments, std::chrono::milliseconds deadline = std::chrono::seconds(2));
  // The same without waiting: callback is called once, on the client's thread.
  using Callback = std::function<void(Result<Answer>)>;
  void call_async(const std::string& name, const std::string& version, const std::string& function,
                  const Arguments& arguments, std::chrono::milliseconds deadline, Callback callback);

  // Ends the connection and the thread; calls that run end with kCancelled. Idempotent.
  void close();

 private:
  class Impl;
  explicit Client(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// "0.1.0"
MODELYARD_API const char* version();

}  // namespace modelyard::sdk
