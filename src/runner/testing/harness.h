// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "io/file.h"
#include "registry/instance_folder.h"

// A runner as a real process, a controller that says what it is told to say, and models that are small scripts.
namespace modelyard::runner::testing {

// Asks again and again, with a small pause, until it holds (true) or the time is over.
bool eventually(const std::function<bool()>& holds, milliseconds time_max = milliseconds(20'000));

// The controller's socket on a thread of its own; every answer and order is the test's choice. Thread-safe.
class FakeController {
 public:
  explicit FakeController(std::filesystem::path socket);
  ~FakeController();

  void start();
  void stop();  // as if it had been killed: connections end, the socket refuses
  void order(std::string want, std::optional<int64_t> incarnation = std::nullopt);
  void answer_with(int status);  // to everything from now on; 0 = as it should be

  std::vector<registry::RunnerReport> reports() const;
  std::optional<registry::RunnerReport> last() const;
  int streams_opened() const;
  // The first report in this state, waited for; a report in kFailed or kGone ends the wait too.
  std::optional<registry::RunnerReport> wait_for(registry::InstanceState state) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One instance: folders, payload, spec, controller, runner.
class Harness {
 public:
  Harness();
  ~Harness();  // kills the runner, which takes its model with it

  registry::InstanceSpec spec;  // change it before start()
  std::unique_ptr<FakeController> controller;

  void write(const std::string& file, std::string_view content, unsigned mode = 0644);  // into the payload
  // A payload of rest.sh and server.py, see kServer in harness_test.cc; the words become its arguments.
  void write_server(const std::string& arguments = "");
  void start(bool with_lock = false);
  int64_t pid() const { return pid_; }
  void signal(int number) const;
  // Exit code, or 128 + signal; nothing when it does not end in time.
  std::optional<int> wait_exit(milliseconds time_max = milliseconds(20'000));

  std::filesystem::path folder() const { return root_.path() / "instances" / "m-1-abcdef"; }
  std::filesystem::path work(const std::string& file) const { return folder() / "work" / file; }
  std::string read_log(const std::string& name) const;
  // A file that the model writes, waited for; "" if it never comes.
  std::string wait_file(const std::string& file) const;
  uint16_t port() const;  // the model's, from the url of the last report

 private:
  io::TemporaryFolder root_;
  int64_t pid_ = 0;
  std::optional<int> exit_;
};

bool is_running(int64_t pid);
// "GET path" over a connection of its own; the answer's body, or what went wrong.
std::string get(uint16_t port, const std::string& path);

}  // namespace modelyard::runner::testing
