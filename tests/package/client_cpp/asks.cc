// SPDX-License-Identifier: Apache-2.0
// asks server|quorum ADDRESS: connects, then does what each line of stdin says and prints a line for it.
#include <modelyard/client.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

namespace sdk = modelyard::sdk;

namespace {

std::string rest_of(std::istringstream& line) {
  std::string word;
  return line >> word ? (word == "-" ? "" : word) : "";
}

// THREADS threads call CALLS times each, choose and look meanwhile; "ok N, failed M, instances K".
void storm(sdk::Client& client, const std::string& name, int threads, int calls) {
  std::atomic<int> ok{0}, failed{0};
  std::mutex mutex;
  std::set<std::string> instances;
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&] {
      for (int i = 0; i < calls; ++i) {
        auto answer = client.call(name, "", "apply", {{"host", "yahoo.com"}}, std::chrono::seconds(10));
        if (answer && client.choose(name) && client.snapshot().size() > 0) {
          ++ok;
          const std::lock_guard<std::mutex> lock(mutex);
          instances.insert(answer.value().id);
        } else {
          ++failed;
          std::cerr << (answer ? "choose" : answer.error().text) << "\n";
        }
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  std::cout << "ok " << ok << ", failed " << failed << ", instances " << instances.size() << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  sdk::Options options;
  (std::string(argv[1]) == "server" ? options.server : options.quorum) = argv[2];
  options.connect_timeout = std::chrono::milliseconds(5000);
  auto connected = sdk::Client::connect(options);
  if (!connected) {
    std::cout << "error " << static_cast<int>(connected.error().code) << " " << connected.error().text << std::endl;
    return 1;
  }
  sdk::Client client = std::move(connected.value());
  std::mutex mutex;
  std::ostringstream changes;
  client.listen([&](const std::vector<sdk::Change>& told, const sdk::Snapshot& after) {
    const auto inside = client.call("any", "", "apply", {});  // it says so, and does not hang
    const std::lock_guard<std::mutex> lock(mutex);
    for (const sdk::Change& change : told)
      changes << " " << static_cast<int>(change.kind) << ":" << change.endpoint.name << "@" << change.endpoint.version;
    if (inside || after.size() != after.all().size()) changes << " wrong";
  });
  std::cout << "connected" << std::endl;
  for (std::string text; std::getline(std::cin, text);) {
    std::istringstream line(text);
    std::string command, name;
    line >> command >> name;
    if (command == "size") {
      std::cout << client.snapshot().size() << std::endl;
    } else if (command == "versions") {
      for (const std::string& version : client.snapshot().versions(name)) std::cout << version << " ";
      std::cout << std::endl;
    } else if (command == "changes") {
      const std::lock_guard<std::mutex> lock(mutex);
      std::cout << "changes" << changes.str() << std::endl;
    } else if (command == "is_connected") {
      std::cout << client.connected() << std::endl;
    } else if (command == "choose") {
      const auto chosen = client.choose(name, rest_of(line));
      if (chosen) {
        std::cout << chosen.value().name << "@" << chosen.value().version << " " << chosen.value().url << std::endl;
      } else {
        std::cout << "error " << static_cast<int>(chosen.error().code) << " " << chosen.error().text << std::endl;
      }
    } else if (command == "call") {
      const std::string version = rest_of(line), function = rest_of(line), host = rest_of(line);
      int deadline = 5000;
      line >> deadline;
      const auto answer = client.call(name, version, function, {{"host", host}}, std::chrono::milliseconds(deadline));
      if (answer) {
        std::cout << answer.value().body << std::endl;
      } else {
        std::cout << "error " << static_cast<int>(answer.error().code) << " " << answer.error().text << std::endl;
      }
    } else if (command == "storm") {
      int threads = 1, calls = 1;
      line >> threads >> calls;
      storm(client, name, threads, calls);
    } else if (command == "close_while_calling") {
      std::vector<std::thread> callers;
      std::atomic<int> cancelled{0};
      for (int i = 0; i < 8; ++i) {
        callers.emplace_back([&] {
          for (auto answer = client.call(name, "", "apply", {});; answer = client.call(name, "", "apply", {})) {
            if (answer || answer.error().code != sdk::Code::kCancelled) continue;
            ++cancelled;
            return;
          }
        });
      }
      client.close();
      for (std::thread& caller : callers) caller.join();
      std::cout << "cancelled " << cancelled << std::endl;
    }
  }
  return 0;
}
