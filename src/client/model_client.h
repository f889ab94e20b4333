// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/directory.h"
#include "io/task.h"

namespace modelyard::http {
class Client;
}

namespace modelyard::client {

struct CallOptions {
  std::chrono::milliseconds deadline{2000};  // of the whole call, its second try included
};

// A null value is left out of the query.
using Arguments = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct Answer {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string id;   // of the instance; empty for an endpoint that is none of the directory's
  std::string url;  // what was called
};

// One HTTP call as the gateway got it.
struct PassedRequest {
  std::string method = "GET";
  std::string query;            // as it is on the wire; empty = none
  std::string literal;          // the path to call, encoded, if `function` is no alias; empty = `function` itself
  bool literal_always = false;  // call `literal`, whatever the instance's aliases
  std::string content_type;
  std::string accept;  // "" = application/json
  std::string body;
};

// Calls models: finds an instance, calls it over HTTP, tries once more on another where the first failed and time is
// left, and keeps count. Confined to the loop of its directory and HTTP client, which outlive it; calls in flight must
// have ended before it goes.
//
// Errors name the model, the instance and the cause: kNotFound (no such model or version), kInvalidArgument,
// kUnsupported (a url that is not http: it says why it cannot be called), kUnavailable, kDeadline, kProtocol (no JSON
// object), kFailed (a status other than 200, with the first line of its body), kResourceExhausted (an answer over 16
// MiB).
class ModelClient {
 public:
  ModelClient(Directory& directory, http::Client& http, const Clock& clock);
  ~ModelClient();

  // GET url/function?k=v…, success is 200 with a JSON object (body is that object's text). function: an alias first,
  // then a path.
  io::Task<Result<Answer>> call(std::string name, std::optional<std::string> version, std::string function,
                                Arguments arguments, CallOptions options = {});

  // The endpoint that an expression holds (MAAS_MODEL_APPLY): url and alias -> path. That very instance is called,
  // unless it failed and another of the same name and version is known.
  struct EndpointMap {
    std::string name;
    std::string version;
    std::string url;
    std::map<std::string, std::string> functions;
  };
  io::Task<Result<Answer>> call_endpoint(EndpointMap endpoint, std::string function, Arguments arguments,
                                         CallOptions options = {});

  // For the gateway: any method and body, the query's bytes as they are; success is status 200 whatever the body. What
  // may have reached an instance is tried again only for GET and HEAD.
  io::Task<Result<Answer>> pass(std::string name, std::optional<std::string> version, std::string function,
                                PassedRequest request, CallOptions options = {});

  Directory& directory() { return directory_; }

 private:
  struct Try;
  io::Task<Result<Answer>> run(InstancePtr first, std::optional<std::string> version, const std::string& function,
                               const PassedRequest& request, bool want_object, CallOptions options);
  io::Task<Result<Answer>> attempt(Instance& instance, const std::string& function, const PassedRequest& request,
                                   bool want_object, SteadyTime deadline, Try& seen);
  Result<InstancePtr> find(const std::string& name, const std::optional<std::string>& version) const;

  Directory& directory_;
  http::Client& http_;
  const Clock& clock_;
};

}  // namespace modelyard::client
