// SPDX-License-Identifier: Apache-2.0
#include "runner/testing/harness.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include "base/strings.h"
#include "http/client.h"
#include "http/server.h"
#include "io/process.h"
#include "io/task.h"
#include "json/json.h"
#include "json/tree.h"

namespace modelyard::runner::testing {
namespace {

namespace fs = std::filesystem;

// Arguments, in any order:
//   url=TEXT        written to endpoint.dat, PORT replaced; default http://0.0.0.0:PORT
//   extra=JSON      members added to endpoint.dat
//   status=N        the answer's status on /health, read from the file "status" when that is there
//   host=ADDRESS    to listen on
// GET /slow waits until the file "go" is there. Every other path answers {"path":…}.
constexpr std::string_view kServer = R"py(
import http.server, json, os, socketserver, sys, time
options = dict(word.split("=", 1) for word in sys.argv[1:])
port = int(os.environ["PORT"])

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def do_GET(self):
        status = 200
        if self.path == "/health":
            status = int(open("status").read()) if os.path.exists("status") else int(options.get("status", "200"))
        if self.path == "/slow":
            open("called", "w").close()
            while not os.path.exists("go"): time.sleep(0.002)  # polls: for the file
        body = json.dumps({"path": self.path}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    def server_bind(self):
        socketserver.TCPServer.server_bind(self)

server = Server((options.get("host", "0.0.0.0"), port), Handler)
value = {"url": options.get("url", "http://0.0.0.0:PORT").replace("PORT", str(port))}
value.update(json.loads(options.get("extra", "{}")))
with open("endpoint.dat.new", "w") as out:
    json.dump(value, out)
os.rename("endpoint.dat.new", "endpoint.dat")
server.serve_forever()
)py";

void pause() {
  const timespec time{.tv_sec = 0, .tv_nsec = 2'000'000};
  ::nanosleep(&time, nullptr);
}

fs::path runner_program() { return fs::read_symlink("/proc/self/exe").parent_path() / "modelyard-runner"; }

}  // namespace

bool eventually(const std::function<bool()>& holds, milliseconds time_max) {
  const SteadyTime deadline = system_clock().now() + time_max;
  while (!holds()) {
    if (system_clock().now() >= deadline) return false;
    pause();
  }
  return true;
}

struct FakeController::Impl {
  fs::path socket;
  std::unique_ptr<io::Loop> loop;
  std::unique_ptr<io::Event> changed;
  std::unique_ptr<http::Server> server;
  http::Router router;
  std::thread thread;

  mutable std::mutex mutex;
  std::vector<registry::RunnerReport> reports;
  std::string want = "serve";
  std::optional<int64_t> incarnation;
  int status = 0;
  int streams = 0;
  int64_t orders = 0;

  io::Task<http::Response> take_report(http::Request& request) {
    const std::lock_guard lock(mutex);
    if (status != 0) co_return http::Response::error(status, "refused", "as the test wants it");
    const auto tree = json::parse(request.body);
    auto report = tree ? registry::runner_report_from_json(*tree) : fail(tree.error());
    if (!report) co_return http::Response::error(report.error());
    reports.push_back(*std::move(report));
    co_return http::Response::empty();
  }

  io::Task<http::Response> open_stream(http::Request& request) {
    const std::lock_guard lock(mutex);
    if (status != 0) co_return http::Response::error(status, "refused", "as the test wants it");
    ++streams;
    const int64_t own = parse_int(request.query("incarnation").value_or("")).value_or(-1);
    co_return http::Response::events([this, own](http::SseStream& stream) { return send_orders(stream, own); });
  }

  io::Task<void> send_orders(http::SseStream& stream, int64_t own) {
    int64_t sent = -1;
    while (!stream.closed()) {
      std::string data;
      {
        const std::lock_guard lock(mutex);
        if (sent != orders) data = fmt::format(R"({{"want":"{}","incarnation":{}}})", want, incarnation.value_or(own));
        sent = orders;
      }
      if (!data.empty() && !co_await stream.send("order", data)) co_return;
      if (!co_await stream.wait(*changed)) co_return;
    }
  }
};

FakeController::FakeController(fs::path socket) : impl_(std::make_unique<Impl>()) {
  impl_->socket = std::move(socket);
  Impl* const impl = impl_.get();
  impl->router.add("PUT", "/runner/v1/instances/{id}/report",
                   [impl](http::Request& r) { return impl->take_report(r); });
  impl->router.add("GET", "/runner/v1/instances/{id}/orders",
                   [impl](http::Request& r) { return impl->open_stream(r); });
}

FakeController::~FakeController() { stop(); }

void FakeController::start() {
  impl_->loop = std::make_unique<io::Loop>();
  impl_->changed = std::make_unique<io::Event>(impl_->loop->executor());
  impl_->server =
      std::make_unique<http::Server>(*impl_->loop, impl_->router, http::ServerOptions{.unix_path = impl_->socket});
  const Status started = impl_->server->start();
  ASSERT_TRUE(started) << started.error().message();
  impl_->thread = std::thread([this] { impl_->loop->run(); });
}

void FakeController::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->loop->post([this] {
    io::asio::co_spawn(impl_->loop->executor(), impl_->server->stop(system_clock().now()),
                       [this](const std::exception_ptr&) { impl_->loop->stop(); });
  });
  impl_->thread.join();
  impl_->server.reset();
  impl_->changed.reset();
  impl_->loop.reset();
}

void FakeController::order(std::string want, std::optional<int64_t> incarnation) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->want = std::move(want);
    impl_->incarnation = incarnation;
    ++impl_->orders;
  }
  impl_->loop->post([this] { impl_->changed->notify_all(); });
}

void FakeController::answer_with(int status) {
  const std::lock_guard lock(impl_->mutex);
  impl_->status = status;
}

std::vector<registry::RunnerReport> FakeController::reports() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->reports;
}

std::optional<registry::RunnerReport> FakeController::last() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->reports.empty() ? std::nullopt : std::optional(impl_->reports.back());
}

int FakeController::streams_opened() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->streams;
}

std::optional<registry::RunnerReport> FakeController::wait_for(registry::InstanceState state) const {
  std::optional<registry::RunnerReport> found;
  bool over = false;
  eventually([&] {
    for (const registry::RunnerReport& report : reports()) {
      over = over || report.state == registry::InstanceState::kFailed || report.state == registry::InstanceState::kGone;
      if (report.state == state && !found) found = report;
    }
    return found || over;
  });
  return found;
}

Harness::Harness() : root_(*io::TemporaryFolder::make("modelyard-runner-test")) {
  fs::create_directories(root_.path() / "payload");
  fs::create_directories(folder());
  spec = {.id = "m-1-abcdef",
          .incarnation = 3,
          .name = "m",
          .version = "1",
          .revision = 1,
          .payload = (root_.path() / "payload").string(),
          .folder = folder().string(),
          .socket = (root_.path() / "control.sock").string(),
          .deployer_env = {{"PATH", "/usr/bin:/bin"}},
          .endpoint_wait_ms = 20'000};
  controller = std::make_unique<FakeController>(spec.socket);
}

Harness::~Harness() {
  if (pid_ > 0 && !exit_) {
    signal(SIGKILL);
    wait_exit();
  }
}

void Harness::write(const std::string& file, std::string_view content, unsigned mode) {
  const fs::path path = fs::path(spec.payload) / file;
  fs::create_directories(path.parent_path());
  ASSERT_TRUE(io::write_file_atomic(path, content, mode));
}

void Harness::write_server(const std::string& arguments) {
  write("rest.sh", "#!/bin/bash\nexec /usr/bin/python3 -S server.py " + arguments + "\n");
  write("server.py", kServer);
}

void Harness::start(bool with_lock) {
  controller->start();
  const fs::path path = root_.path() / "spec.json";
  ASSERT_TRUE(io::write_file_atomic(path, json::dump(registry::to_json(spec))));
  std::vector<std::string> words{runner_program().string(), "--spec", path.string()};
  std::optional<io::UniqueFd> lock;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, (folder() / "runner.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  if (with_lock) {
    lock = *io::lock_file(folder() / "lock");
    ::posix_spawn_file_actions_adddup2(&actions, lock->get(), 3);
    words.insert(words.end(), {"--lock-fd", "3"});
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  // What is in the runner's own environment must not reach the model.
  char leaked[] = "SECRET_OF_THE_RUNNER=1";
  char* environment[] = {leaked, nullptr};
  pid_t pid = -1;
  ASSERT_EQ(::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environment), 0) << argv[0];
  ::posix_spawn_file_actions_destroy(&actions);
  pid_ = pid;
}

void Harness::signal(int number) const { ::kill(static_cast<pid_t>(pid_), number); }

std::optional<int> Harness::wait_exit(milliseconds time_max) {
  eventually(
      [&] {
        int status = 0;
        if (!exit_ && ::waitpid(static_cast<pid_t>(pid_), &status, WNOHANG) > 0) {
          exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        return exit_.has_value();
      },
      time_max);
  return exit_;
}

std::string Harness::read_log(const std::string& name) const {
  return io::read_file(folder() / "log" / name).value_or(std::string());
}

std::string Harness::wait_file(const std::string& file) const {
  std::string content;
  eventually([&] {
    content = io::read_file(work(file)).value_or(std::string());
    return !content.empty();
  });
  return content;
}

uint16_t Harness::port() const {
  const auto report = controller->last();
  if (!report || !report->endpoint) return 0;
  const std::string& url = report->endpoint->url;
  return static_cast<uint16_t>(parse_int(url.substr(url.rfind(':') + 1)).value_or(0));
}

bool is_running(int64_t pid) {
  const auto found = io::read_process_stat(pid);
  return found && found->state != 'Z' && found->state != 'X';
}

std::string get(uint16_t port, const std::string& path) {
  io::Loop loop;
  http::ClientRequest request;
  request.origin = http::Origin::tcp("127.0.0.1", port);
  request.target = path;
  http::Client client(loop);
  auto answer = io::run_blocking(loop, client.fetch(std::move(request), system_clock().now() + seconds(20)));
  return answer ? answer->body : answer.error().message();
}

}  // namespace modelyard::runner::testing
