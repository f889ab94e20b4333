// SPDX-License-Identifier: Apache-2.0
#include "modelyard/client.h"

#include <algorithm>
#include <thread>

#include "impl.h"

namespace modelyard::sdk {
namespace {

using StoredSnapshot = registry::Snapshot;

const StoredSnapshot& stored(const std::shared_ptr<const void>& state) {
  static const StoredSnapshot kEmpty;
  return state ? *static_cast<const StoredSnapshot*>(state.get()) : kEmpty;
}

}  // namespace

Endpoint endpoint_of(const registry::Endpoint& from) {
  return {from.name, from.version, from.id, from.url, from.functions};
}

Snapshot::Snapshot() = default;
Snapshot::~Snapshot() = default;
Snapshot::Snapshot(const Snapshot&) = default;
Snapshot& Snapshot::operator=(const Snapshot&) = default;

size_t Snapshot::size() const {
  size_t count = 0;
  for (const auto& [name, versions] : stored(state_).models) {
    for (const auto& [version, endpoints] : versions) count += endpoints->size();
  }
  return count;
}

std::vector<std::string> Snapshot::names() const {
  std::vector<std::string> out;
  for (const auto& [name, versions] : stored(state_).models) out.push_back(name);
  return out;
}

std::vector<std::string> Snapshot::versions(const std::string& name) const {
  std::vector<std::string> out;
  const auto& models = stored(state_).models;
  if (const auto model = models.find(name); model != models.end())
    for (const auto& [version, endpoints] : model->second) out.push_back(version);
  return out;
}

std::vector<Endpoint> Snapshot::endpoints(const std::string& name, const std::string& version) const {
  std::vector<Endpoint> out;
  const auto& models = stored(state_).models;
  const auto model = models.find(name);
  if (model == models.end()) return out;
  for (const auto& [at, endpoints] : model->second) {
    if (at != version) continue;
    for (const registry::Endpoint& endpoint : *endpoints) out.push_back(endpoint_of(endpoint));
  }
  return out;
}

std::vector<Endpoint> Snapshot::all() const {
  std::vector<Endpoint> out;
  for (const auto& [name, versions] : stored(state_).models) {
    for (const auto& [version, endpoints] : versions)
      for (const registry::Endpoint& endpoint : *endpoints) out.push_back(endpoint_of(endpoint));
  }
  return out;
}

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&& other) noexcept {
  if (this != &other) {
    close();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Client::~Client() { close(); }

Result<Client> Client::connect(Options options) {
  const auto wait = options.connect_timeout;
  auto impl = Impl::make(std::move(options));
  if (!impl) return impl.error();
  Client client(std::move(impl).value());
  if (auto error = client.impl_->wait_for_snapshot(wait)) return *error;
  return client;
}

void Client::close() {
  if (impl_) impl_->close();
}

Snapshot Client::snapshot() const {
  Snapshot out;
  out.state_ = impl_->snapshot();
  return out;
}

bool Client::connected() const { return impl_->connected(); }

int Client::listen(Listener listener) {
  return impl_->listen(
      [listener = std::move(listener)](const std::vector<Change>& changes, const std::shared_ptr<const void>& after) {
        Snapshot snapshot;
        snapshot.state_ = after;
        listener(changes, snapshot);
      });
}

void Client::unlisten(int number) { impl_->unlisten(number); }

Result<Endpoint> Client::choose(const std::string& name, const std::string& version) const {
  return impl_->choose(name, version);
}

Result<Answer> Client::call(const std::string& name, const std::string& version, const std::string& function,
                            const Arguments& arguments, std::chrono::milliseconds deadline) {
  return impl_->call(name, version, function, arguments, deadline);
}

void Client::call_async(const std::string& name, const std::string& version, const std::string& function,
                        const Arguments& arguments, std::chrono::milliseconds deadline, Callback callback) {
  impl_->call_async(name, version, function, arguments, deadline, std::move(callback));
}

const char* version() { return MODELYARD_CLIENT_VERSION; }

}  // namespace modelyard::sdk
