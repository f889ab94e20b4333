// SPDX-License-Identifier: Apache-2.0
#include "modelyard/c_client.h"

#include <cstdlib>
#include <cstring>
#include <deque>

#include "modelyard/client.h"

namespace sdk = modelyard::sdk;

struct modelyard_client {
  sdk::Client client;
};

namespace {

char* copy_of(const std::string& text) {
  char* out = static_cast<char*>(std::malloc(text.size() + 1));
  if (out != nullptr) std::memcpy(out, text.c_str(), text.size() + 1);
  return out;
}

int fail(const sdk::Error& error, char** text) {
  if (text != nullptr) *text = copy_of(error.text);
  return static_cast<int>(error.code);
}

int wrong(const char* what, char** text) { return fail({sdk::Code::kInvalidArgument, what}, text); }

std::string text_of(const char* text) { return text == nullptr ? std::string() : std::string(text); }

void clear(char** text) {
  if (text != nullptr) *text = nullptr;
}

// An endpoint in C's form, and what its pointers point at. Does not move.
class Plain {
 public:
  explicit Plain(sdk::Endpoint endpoint) : kept_(std::move(endpoint)) {
    for (const auto& [alias, path] : kept_.functions) {
      aliases_.push_back(alias.c_str());
      paths_.push_back(path.c_str());
    }
    plain_ = {kept_.name.c_str(), kept_.version.c_str(), kept_.id.c_str(), kept_.url.c_str(),
              aliases_.size(),    aliases_.data(),       paths_.data()};
  }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  const modelyard_endpoint* get() const { return &plain_; }

 private:
  sdk::Endpoint kept_;
  std::vector<const char*> aliases_;
  std::vector<const char*> paths_;
  modelyard_endpoint plain_{};
};

}  // namespace

struct modelyard_snapshot {
  std::deque<Plain> endpoints;
};

extern "C" {

int modelyard_connect(const modelyard_options* options, modelyard_client** client, char** error) {
  clear(error);
  if (options == nullptr || client == nullptr || options->size < sizeof(modelyard_options))
    return wrong("options must begin as MODELYARD_OPTIONS_INIT, and client say where to put it", error);
  *client = nullptr;
  sdk::Options given;
  given.quorum = text_of(options->quorum);
  given.server = text_of(options->server);
  given.token = text_of(options->token);
  if (options->zk_root != nullptr) given.zk_root = options->zk_root;
  if (options->connect_timeout_ms > 0) given.connect_timeout = std::chrono::milliseconds(options->connect_timeout_ms);
  auto connected = sdk::Client::connect(std::move(given));
  if (!connected) return fail(connected.error(), error);
  *client = new modelyard_client{std::move(connected.value())};
  return MODELYARD_OK;
}

void modelyard_close(modelyard_client* client) { delete client; }

int modelyard_connected(const modelyard_client* client) { return client->client.connected() ? 1 : 0; }

modelyard_snapshot* modelyard_take_snapshot(const modelyard_client* client) {
  auto* out = new modelyard_snapshot;
  for (sdk::Endpoint& endpoint : client->client.snapshot().all()) out->endpoints.emplace_back(std::move(endpoint));
  return out;
}

size_t modelyard_snapshot_size(const modelyard_snapshot* snapshot) { return snapshot->endpoints.size(); }

const modelyard_endpoint* modelyard_snapshot_at(const modelyard_snapshot* snapshot, size_t index) {
  return index < snapshot->endpoints.size() ? snapshot->endpoints[index].get() : nullptr;
}

void modelyard_snapshot_free(modelyard_snapshot* snapshot) { delete snapshot; }

int modelyard_choose(const modelyard_client* client, const char* name, const char* version, char** url, char** id,
                     char** error) {
  clear(error);
  clear(url);
  clear(id);
  if (name == nullptr) return wrong("no name", error);
  const auto chosen = client->client.choose(name, text_of(version));
  if (!chosen) return fail(chosen.error(), error);
  if (url != nullptr) *url = copy_of(chosen.value().url);
  if (id != nullptr) *id = copy_of(chosen.value().id);
  return MODELYARD_OK;
}

int modelyard_call(modelyard_client* client, const char* name, const char* version, const char* function,
                   const char* const* arguments, long deadline_ms, char** body, char** error) {
  clear(error);
  clear(body);
  if (name == nullptr || function == nullptr) return wrong("no name, or no function", error);
  sdk::Arguments given;
  for (; arguments != nullptr && arguments[0] != nullptr; arguments += 2) {
    if (arguments[1] == nullptr) return wrong("a key of the arguments has no value", error);
    given.emplace_back(arguments[0], arguments[1]);
  }
  const std::chrono::milliseconds deadline(deadline_ms > 0 ? deadline_ms : 2000);
  auto answer = client->client.call(name, text_of(version), function, given, deadline);
  if (!answer) return fail(answer.error(), error);
  if (body != nullptr) *body = copy_of(answer.value().body);
  return MODELYARD_OK;
}

int modelyard_listen(modelyard_client* client, modelyard_listener listener, void* context) {
  return client->client.listen([listener, context](const std::vector<sdk::Change>& changes, const sdk::Snapshot&) {
    for (const sdk::Change& change : changes)
      listener(context, static_cast<int>(change.kind), Plain(change.endpoint).get());
  });
}

void modelyard_unlisten(modelyard_client* client, int number) { client->client.unlisten(number); }

void modelyard_free(void* text) { std::free(text); }

const char* modelyard_version(void) { return sdk::version(); }

}  // extern "C"
