// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/directory.h"
#include "client/endpoint_source.h"
#include "client/model_client.h"
#include "http/client.h"
#include "io/task.h"
#include "modelyard/client.h"

namespace modelyard::sdk {

Endpoint endpoint_of(const registry::Endpoint& from);
Error error_of(const modelyard::Error& from);

// What lies behind Client: one loop on one thread, and on it the modules of src/client. Public members are called from
// any thread and hand their work to the loop; those with loop_ in their name run on it.
class __attribute__((visibility("hidden"))) Client::Impl : public std::enable_shared_from_this<Client::Impl> {
 public:
  static Result<std::shared_ptr<Impl>> make(Options options);
  explicit Impl(Options options);
  ~Impl();

  std::optional<Error> wait_for_snapshot(std::chrono::milliseconds wait);
  std::shared_ptr<const void> snapshot() const;
  bool connected() const;
  using Hearer = std::function<void(const std::vector<Change>&, const std::shared_ptr<const void>& after)>;
  int listen(Hearer hearer);
  void unlisten(int number);
  Result<Endpoint> choose(const std::string& name, const std::string& version);
  Result<Answer> call(const std::string& name, const std::string& version, const std::string& function,
                      const Arguments& arguments, std::chrono::milliseconds deadline);
  void call_async(const std::string& name, const std::string& version, const std::string& function,
                  const Arguments& arguments, std::chrono::milliseconds deadline, Callback callback);
  void close();

 private:
  struct Pending;
  modelyard::Status loop_open();
  void loop_changed(const std::shared_ptr<const registry::Snapshot>& before,
                    const std::shared_ptr<const registry::Snapshot>& after);
  io::Task<void> loop_call(std::shared_ptr<Pending> pending, std::string name, std::string version,
                           std::string function, client::Arguments arguments, std::chrono::milliseconds deadline);
  io::Task<void> loop_stop();
  void run();
  // False once it is closed: then fn never runs.
  bool submit(std::function<void()> fn) const;
  bool on_own_thread() const { return std::this_thread::get_id() == own_.load(); }

  Options options_;
  mutable io::Loop loop_;
  http::Client http_{loop_};
  client::Directory directory_;
  client::ModelClient models_;
  std::unique_ptr<client::EndpointSource> source_;
  io::Scope calls_{loop_.executor()};

  mutable std::mutex mutex_;
  bool closed_ = false;
  std::shared_ptr<const registry::Snapshot> snapshot_;

  // A listener that is called is not taken away meanwhile; its own thread may do both.
  std::recursive_mutex hearers_mutex_;
  std::map<int, std::shared_ptr<Hearer>> hearers_;
  int last_hearer_ = 0;

  std::mutex close_mutex_;  // held until the thread has ended
  std::thread thread_;
  std::atomic<std::thread::id> own_;  // asked while close() joins the thread
};

}  // namespace modelyard::sdk
