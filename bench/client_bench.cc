// bench: DEPS client http
// SPDX-License-Identifier: Apache-2.0
// What a model call costs the caller: CPU per call of ModelClient against an nginx that serves a fixed JSON, beside the
// rivals in the same run: Asio and llhttp with nothing around them, and our HTTP client alone. Goal: ModelClient at
// most 1.5 times the bare one. Then the choice of an endpoint among 10,000. Goal: under 1 us.
#include <fmt/format.h>
#include <llhttp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "client/model_client.h"
#include "http/client.h"
#include "io/file.h"
#include "io/socket.h"

namespace modelyard {
namespace {

constexpr int kCallsPerRound = 20'000;
constexpr int kRounds = 7;
constexpr std::string_view kBody = R"({"is_malicious":"legit"})";

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

// An nginx of our own, with one worker, ended with this.
class Nginx {
 public:
  explicit Nginx(const std::filesystem::path& folder) {
    const io::UniqueFd probe = io::listen_tcp("127.0.0.1", 0, false).value();
    port_ = io::local_address(probe.get())->port();
    const std::string conf = fmt::format(
        "daemon off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;\nevents {{ worker_connections 256; }}\n"
        "http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {0}; proxy_temp_path {0}; "
        "fastcgi_temp_path {0};\n"
        "uwsgi_temp_path {0}; scgi_temp_path {0};\n"
        "server {{ listen 127.0.0.1:{1}; location / {{ default_type application/json; return 200 '{2}'; }} }} }}\n",
        folder.string(), port_, kBody);
    if (!io::write_file_atomic(folder / "nginx.conf", conf)) std::abort();
    const std::string file = (folder / "nginx.conf").string();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execlp("nginx", "nginx", "-c", file.c_str(), static_cast<char*>(nullptr));
      ::execl("/usr/sbin/nginx", "nginx", "-c", file.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
  }
  ~Nginx() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  uint16_t port() const { return port_; }
  bool wait_ready(io::Loop& loop, http::Client& client) {
    for (int i = 0; i < 500; ++i) {
      http::ClientRequest request;
      request.origin = http::Origin::tcp("127.0.0.1", port_);
      if (io::run_blocking(loop, client.fetch(request, system_clock().now() + seconds(1)))) return true;
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return false;
      }
      ::usleep(10'000);
    }
    return false;
  }

 private:
  pid_t pid_ = -1;
  uint16_t port_ = 0;
};

// The rival: one connection, one buffer, the request's bytes made once.
struct Bare {
  explicit Bare(io::Executor executor) : socket(executor) {
    llhttp_settings_init(&settings);
    settings.on_body = [](llhttp_t* p, const char* at, size_t size) {
      static_cast<Bare*>(p->data)->body.append(at, size);
      return 0;
    };
    settings.on_message_complete = [](llhttp_t* p) {
      static_cast<Bare*>(p->data)->complete = true;
      return 0;
    };
    llhttp_init(&parser, HTTP_RESPONSE, &settings);
    parser.data = this;
  }
  boost::asio::basic_stream_socket<boost::asio::ip::tcp, io::Executor> socket;
  llhttp_settings_t settings;
  llhttp_t parser;
  std::string body;
  bool complete = false;
};

io::Task<void> bare_calls(Bare& bare, int count) {
  const std::string request =
      "GET /apply?host=yahoo.com HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n";
  char buffer[16384];
  for (int i = 0; i < count; ++i) {
    bare.complete = false;
    bare.body.clear();
    (void)co_await bare.socket.async_write_some(boost::asio::buffer(request), io::as_result);
    while (!bare.complete) {
      const auto [error, got] = co_await bare.socket.async_read_some(boost::asio::buffer(buffer), io::as_result);
      if (error) std::abort();
      llhttp_execute(&bare.parser, buffer, got);
    }
    if (bare.body != kBody) std::abort();
  }
}

io::Task<void> fetch_calls(http::Client& client, uint16_t port, int count) {
  const http::Origin origin = http::Origin::tcp("127.0.0.1", port);
  for (int i = 0; i < count; ++i) {
    http::ClientRequest request;
    request.origin = origin;
    request.target = "/apply?host=yahoo.com";
    const auto got = co_await client.fetch(std::move(request), system_clock().now() + seconds(2));
    if (!got || got->body != kBody) std::abort();
  }
}

io::Task<void> model_calls(client::ModelClient& client, int count) {
  for (int i = 0; i < count; ++i) {
    const auto got = co_await client.call("dga", std::nullopt, "apply", {{"host", "yahoo.com"}});
    if (!got || got->body != kBody) std::abort();
  }
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void calls() {
  const auto folder = io::TemporaryFolder::make("modelyard-bench").value();
  Nginx nginx(folder.path());
  io::Loop loop;
  http::Client http(loop);
  if (!nginx.wait_ready(loop, http)) {
    std::puts("nginx did not start (package nginx-light): no numbers for calls");
    return;
  }
  client::Directory directory(system_clock(), Random(1));
  registry::Endpoint endpoint{
      "dga-1", "dga", "1.0", fmt::format("http://127.0.0.1:{}", nginx.port()), "h", {{"apply", "apply"}}};
  directory.replace(registry::make_snapshot({endpoint}, {}, 1, 1, true));
  client::ModelClient client(directory, http, system_clock());
  Bare bare(loop.executor());
  bare.socket.connect({boost::asio::ip::address_v4::loopback(), nginx.port()});
  bare.socket.set_option(boost::asio::ip::tcp::no_delay(true));

  struct Rival {
    const char* name;
    std::function<io::Task<void>(int)> run;
    std::vector<double> us;
  };
  Rival rivals[] = {{"bare Asio + llhttp", [&](int n) { return bare_calls(bare, n); }, {}},
                    {"http::Client", [&](int n) { return fetch_calls(http, nginx.port(), n); }, {}},
                    {"client::ModelClient", [&](int n) { return model_calls(client, n); }, {}}};
  for (int round = 0; round <= kRounds; ++round) {
    for (Rival& rival : rivals) {
      const double before = cpu_seconds();
      io::run_blocking(loop, rival.run(kCallsPerRound));
      if (round > 0) rival.us.push_back((cpu_seconds() - before) * 1e6 / kCallsPerRound);  // the first warms up
    }
  }
  const double base = median(rivals[0].us);
  for (const Rival& rival : rivals)
    std::printf("%-22s %6.2f us of CPU per call, %.2f x bare\n", rival.name, median(rival.us), median(rival.us) / base);
}

void choosing() {
  client::Directory directory(system_clock(), Random(1));
  std::vector<registry::Endpoint> endpoints;
  for (int i = 0; i < 10'000; ++i)
    endpoints.push_back({fmt::format("dga-1.0-{:06x}", i),
                         "dga",
                         "1.0",
                         fmt::format("http://node{}:8080", i),
                         "h",
                         {{"apply", "apply"}}});
  directory.replace(registry::make_snapshot(std::move(endpoints), {}, 1, 1, true));
  using Policy = client::Directory::Policy;
  for (const auto& [name, policy] :
       {std::pair("uniform", Policy::kUniform), std::pair("two choices", Policy::kTwoChoices)}) {
    constexpr int kChoices = 1'000'000;
    const double before = cpu_seconds();
    uint64_t sum = 0;
    for (int i = 0; i < kChoices; ++i)
      sum += static_cast<uint64_t>(directory.choose("dga", std::nullopt, policy)->in_flight);
    const double ns = (cpu_seconds() - before) * 1e9 / kChoices;
    std::printf("choosing of 10,000, %-12s %6.0f ns%s\n", name, ns, sum == 0 ? "" : "?");
  }
}

}  // namespace
}  // namespace modelyard

int main() {
  modelyard::calls();
  modelyard::choosing();
}
