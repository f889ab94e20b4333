// SPDX-License-Identifier: Apache-2.0
#include "client/model_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "client/wire.h"
#include "http/client.h"

namespace modelyard::client {
namespace {

struct InFlight {
  Instance& instance;
  explicit InFlight(Instance& i) : instance(i) { ++instance.in_flight; }
  ~InFlight() { --instance.in_flight; }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
};

// A call that runs against a known url that is none of the directory's.
InstancePtr stranger(const ModelClient::EndpointMap& endpoint) {
  auto instance = std::make_shared<Instance>();
  instance->endpoint.name = endpoint.name;
  instance->endpoint.version = endpoint.version;
  instance->endpoint.url = endpoint.url;
  instance->endpoint.functions = endpoint.functions;
  instance->target = make_target(endpoint.url);
  return instance;
}

std::string describe(const Instance& instance) {
  const registry::Endpoint& e = instance.endpoint;
  std::string out = e.name.empty() ? "model" : e.version.empty() ? e.name : fmt::format("{}@{}", e.name, e.version);
  if (!e.id.empty()) out += fmt::format(", instance {}", e.id);
  return out + fmt::format(" at {}", e.url);
}

bool is_instance_fault(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadline || code == ErrorCode::kProtocol;
}

}  // namespace

struct ModelClient::Try {
  bool failed = false;  // by the instance's fault
  bool sent = false;
};

ModelClient::ModelClient(Directory& directory, http::Client& http, const Clock& clock)
    : directory_(directory), http_(http), clock_(clock) {}
ModelClient::~ModelClient() = default;

Result<InstancePtr> ModelClient::find(const std::string& name, const std::optional<std::string>& version) const {
  if (InstancePtr found = directory_.choose(name, version, Directory::Policy::kTwoChoices)) return found;
  if (!directory_.snapshot())
    return fail(ErrorCode::kUnavailable, "the registry was not reached yet, so no model is known");
  if (!version || !directory_.knows(name))
    return fail(ErrorCode::kNotFound,
                fmt::format("no instance of a model named {} is registered", to_valid_utf8(name)));
  return fail(ErrorCode::kNotFound, fmt::format("no instance of version {} of {} is registered",
                                                to_valid_utf8(*version), to_valid_utf8(name)));
}

io::Task<Result<Answer>> ModelClient::call(std::string name, std::optional<std::string> version, std::string function,
                                           Arguments arguments, CallOptions options) {
  MY_CO_TRY(InstancePtr instance, find(name, version));
  PassedRequest request;
  request.query = encode_arguments(arguments);
  co_return co_await run(std::move(instance), std::move(version), function, request, true, options);
}

io::Task<Result<Answer>> ModelClient::call_endpoint(EndpointMap endpoint, std::string function, Arguments arguments,
                                                    CallOptions options) {
  InstancePtr instance = directory_.find_url(endpoint.url);
  if (!instance) instance = stranger(endpoint);
  PassedRequest request;
  request.query = encode_arguments(arguments);
  // The map is the expression's own: its aliases count, not those that the registry knows.
  request.literal = function_path(endpoint.functions, function);
  request.literal_always = true;
  std::optional<std::string> version;
  if (!endpoint.version.empty()) version = endpoint.version;
  co_return co_await run(std::move(instance), std::move(version), function, request, true, options);
}

io::Task<Result<Answer>> ModelClient::pass(std::string name, std::optional<std::string> version, std::string function,
                                           PassedRequest request, CallOptions options) {
  MY_CO_TRY(InstancePtr instance, find(name, version));
  co_return co_await run(std::move(instance), std::move(version), function, request, false, options);
}

io::Task<Result<Answer>> ModelClient::run(InstancePtr instance, std::optional<std::string> version,
                                          const std::string& function, const PassedRequest& request, bool want_object,
                                          CallOptions options) {
  const SteadyTime begin = clock_.now();
  const SteadyTime deadline = begin + options.deadline;
  const bool repeatable = request.method == "GET" || request.method == "HEAD";
  std::optional<Error> first_error;
  for (int tries = 1;; ++tries) {
    SteadyTime until = deadline;
    // An instance that hangs must not eat the time in which another would answer; one that is merely slow gets all of
    // it.
    if (tries == 1 && repeatable && instance->slowest_us > 0 && directory_.has_other(*instance)) {
      const auto patience =
          std::max<std::chrono::nanoseconds>(options.deadline / 2, std::chrono::microseconds(4 * instance->slowest_us));
      until = std::min(deadline, begin + std::chrono::duration_cast<SteadyTime::duration>(patience));
    }
    Try seen;
    Result<Answer> answer = co_await attempt(*instance, function, request, want_object, until, seen);
    if (answer) co_return answer;
    const bool may_retry = tries == 1 && seen.failed && (repeatable || !seen.sent) && clock_.now() < deadline;
    InstancePtr other;
    if (may_retry)
      other = directory_.choose(instance->endpoint.name, version, Directory::Policy::kTwoChoices, instance.get());
    if (other) {
      first_error = std::move(answer).error();
      instance = std::move(other);
      continue;
    }
    if (!first_error) co_return answer;
    const Error& last = answer.error();
    co_return fail(last.code(), fmt::format("{}; and before it {}", last.message(), first_error->message()));
  }
}

io::Task<Result<Answer>> ModelClient::attempt(Instance& instance, const std::string& function,
                                              const PassedRequest& request, bool want_object, SteadyTime deadline,
                                              Try& seen) {
  const Target& target = *instance.target;
  if (target.why_not) co_return fail(Error(*target.why_not).with_context(describe(instance)));
  http::ClientRequest out;
  out.origin = target.origin;
  out.method = request.method;
  const bool literal =
      request.literal_always || (!request.literal.empty() && !instance.endpoint.functions.contains(function));
  const std::string_view path =
      literal ? std::string_view(request.literal) : function_path(instance.endpoint.functions, function);
  out.target = request_target(target, path, request.query);
  out.headers.add("accept", request.accept.empty() ? "application/json" : std::string_view(request.accept));
  if (!request.content_type.empty()) out.headers.add("content-type", request.content_type);
  out.body = request.body;
  out.sent = &seen.sent;
  const SteadyTime begin = clock_.now();
  const InFlight in_flight(instance);
  Result<http::ClientResponse> response = co_await http_.fetch(std::move(out), deadline);
  std::optional<Error> error;
  if (!response) {
    error = std::move(response).error();
    seen.failed = is_instance_fault(error->code());
  } else if (response->status != 200) {
    seen.failed = response->status >= 500;
    const std::string_view line =
        trim_ascii(std::string_view(response->body).substr(0, std::min(response->body.find('\n'), size_t{200})));
    error = Error(ErrorCode::kFailed, line.empty()
                                          ? fmt::format("it answered {}", response->status)
                                          : fmt::format("it answered {}: {}", response->status, to_valid_utf8(line)));
  } else if (want_object) {
    if (Status object = require_json_object(response->body); !object) {
      seen.failed = true;
      error = std::move(object).error();
    }
  }
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(clock_.now() - begin);
  const bool unreachable = error && !seen.sent && error->code() == ErrorCode::kUnavailable;
  directory_.note(instance, {.failed = seen.failed, .unreachable = unreachable, .latency_us = took.count()});
  if (error) co_return fail(std::move(*error).with_context(describe(instance)));
  Answer answer;
  answer.status = response->status;
  answer.content_type = response->headers.get("content-type").value_or("");
  answer.body = std::move(response->body);
  answer.id = instance.endpoint.id;
  answer.url = instance.endpoint.url;
  co_return answer;
}

}  // namespace modelyard::client
