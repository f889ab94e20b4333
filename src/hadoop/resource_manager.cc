// SPDX-License-Identifier: Apache-2.0
#include "hadoop/resource_manager.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/strings.h"
#include "http/url.h"
#include "json/tree.h"

namespace modelyard::hadoop {
namespace {

constexpr milliseconds kPause{500};
constexpr size_t kShownMax = 1'000;
constexpr size_t kQueuesMax = 100'000;

std::string cut(std::string text) {
  if (text.size() > kShownMax) text.resize(kShownMax);
  return to_valid_utf8(text);
}

Error refused(const RestAnswer& answer) {
  RestException exception = rest_exception_of(answer.body);
  ErrorCode code = ErrorCode::kFailed;
  switch (answer.status) {
    case 400: code = ErrorCode::kInvalidArgument; break;
    case 401: code = ErrorCode::kUnauthenticated; break;
    case 403: code = ErrorCode::kPermissionDenied; break;
    case 404: code = ErrorCode::kNotFound; break;
    case 503: code = ErrorCode::kUnavailable; break;
    default: break;
  }
  if (exception.name == "AuthorizationException" || exception.name == "AccessControlException" ||
      exception.name == "ForbiddenException")
    code = ErrorCode::kPermissionDenied;
  if (answer.status == 401) exception.message = "it asks who we are (status 401): a Kerberos ticket is needed (kinit)";
  if (exception.message.empty()) exception.message = fmt::format("status {} without a reason", answer.status);
  return Error(code, fmt::format("the resource manager: {}", cut(exception.message)));
}

// Of the tree of queues, in whatever order; the depth is the parser's bound.
void add_queues(const json::Tree& queue, const std::string& above, std::vector<QueueReport>& out) {
  if (!queue.is_object() || out.size() >= kQueuesMax) return;
  const std::string name = json::get_string(queue, "queueName");
  QueueReport report;
  report.name = name;
  report.path = json::get_string(queue, "queuePath", above.empty() ? name : above + "." + name);
  report.state = json::get_string(queue, "state");
  // The capacity scheduler calls them queues, the fair one childQueues.
  const json::Tree* children = nullptr;
  for (const char* key : {"queues", "childQueues"}) {
    const auto at = queue.find(key);
    if (at == queue.end() || !at->is_object()) continue;
    const auto list = at->find("queue");
    if (list != at->end() && list->is_array()) children = &*list;
  }
  report.leaf = !children || children->empty();
  const std::string path = report.path;
  if (!name.empty()) out.push_back(std::move(report));
  if (!children) return;
  for (const json::Tree& child : *children) add_queues(child, path, out);
}

json::Tree entries(const std::map<std::string, std::string>& map) {
  json::Tree list = json::Tree::array();
  for (const auto& [key, value] : map) list.push_back({{"key", key}, {"value", value}});
  return {{"entry", list}};
}

}  // namespace

json::Tree to_json(const Submission& submission) {
  json::Tree files = json::Tree::array();
  for (const LocalFile& file : submission.files) {
    files.push_back({{"key", file.name},
                     {"value",
                      {{"resource", file.uri},
                       {"type", file.archive ? "ARCHIVE" : "FILE"},
                       {"visibility", "APPLICATION"},
                       {"size", file.size},
                       {"timestamp", file.modified_ms}}}});
  }
  json::Tree tokens = json::Tree::array();
  for (const auto& [alias, token] : submission.tokens) tokens.push_back({{"key", alias}, {"value", token}});
  std::map<std::string, std::string> secrets;
  for (const auto& [alias, secret] : submission.secrets) secrets.emplace(alias, base64url_encode(secret));
  json::Tree spec = {{"local-resources", {{"entry", files}}},
                     {"commands", {{"command", submission.command}}},
                     {"environment", entries(submission.environment)},
                     {"credentials", {{"tokens", {{"entry", tokens}}}, {"secrets", entries(secrets)}}}};
  json::Tree out = {{"application-id", submission.id},
                    {"application-name", submission.name},
                    {"application-type", submission.type},
                    {"queue", submission.queue},
                    {"keep-containers-across-application-attempts", submission.keep_containers},
                    {"resource", {{"memory", submission.memory_mb}, {"vCores", submission.vcores}}},
                    {"am-container-spec", spec}};
  if (submission.attempts_max > 0) out["max-app-attempts"] = submission.attempts_max;
  if (submission.attempt_failures_validity.count() > 0)
    out["attempt-failures-validity-interval"] = submission.attempt_failures_validity.count();
  if (submission.use_node_label) out["app-node-label-expression"] = submission.node_label;
  if (!submission.tags.empty()) out["application-tags"] = {{"tag", submission.tags}};
  return out;
}

ResourceManager::ResourceManager(std::vector<ResourceManagerAddress> addresses, RestOptions options)
    : addresses_(std::move(addresses)), connection_(std::move(options)) {}

Result<RestAnswer> ResourceManager::call_once(const std::string& method, const std::string& path,
                                              const std::string& body, bool& elsewhere) {
  const RestOptions& options = connection_.options();
  RestRequest request;
  request.method = method;
  request.url = addresses_[active_].web.url() + path;
  if (!options.kerberos) request.url += "?" + http::build_query({{"user.name", options.user}});
  request.negotiate = options.kerberos;
  request.body = body;
  elsewhere = false;
  auto answer = connection_.call(request);
  if (!answer) {
    const ErrorCode code = answer.error().code();
    elsewhere = code == ErrorCode::kUnavailable || code == ErrorCode::kDeadline;
    return fail(std::move(answer).error().with_context("the resource manager"));
  }
  // One in standby sends a browser to the active one, or says in words that there is none.
  const bool standby = (answer->status >= 300 && answer->status < 400) ||
                       (answer->status == 200 && answer->body.find("no active RM") != std::string::npos) ||
                       (answer->status == 200 && answer->body.starts_with("This is standby RM"));
  if (standby) {
    elsewhere = true;
    return fail(ErrorCode::kUnavailable, fmt::format("the resource manager {} is in standby and no other is active",
                                                     addresses_[active_].web.url()));
  }
  if (answer->status >= 400) {
    elsewhere = answer->status == 503;
    return fail(refused(*answer));
  }
  return answer;
}

Result<RestAnswer> ResourceManager::call(const std::string& method, const std::string& path, const std::string& body) {
  const SteadyTime end = system_clock().now() + connection_.options().failover_time;
  const size_t count = addresses_.size();
  for (size_t attempt = 1;; ++attempt) {
    bool elsewhere = false;
    auto answer = call_once(method, path, body, elsewhere);
    if (answer || !elsewhere) return answer;
    // A single one that nobody listens on is told at once.
    if ((count == 1 && answer.error().code() == ErrorCode::kUnavailable) || system_clock().now() >= end) return answer;
    active_ = (active_ + 1) % count;
    if (attempt % count == 0 && !connection_.pause(kPause)) return fail(ErrorCode::kCancelled, "cancelled");
  }
}

Result<json::Tree> ResourceManager::get(const std::string& path, const char* key) {
  MY_TRY(const RestAnswer answer, call("GET", path));
  auto tree = json::parse(answer.body);
  if (!tree || !tree->is_object())
    return fail(ErrorCode::kProtocol, "the resource manager answered with something that is no JSON object");
  const auto at = tree->find(key);
  if (at == tree->end())
    return fail(ErrorCode::kProtocol, fmt::format("the resource manager's answer has no '{}'", key));
  return json::Tree(*at);
}

Result<NewApplication> ResourceManager::new_application() {
  MY_TRY(const RestAnswer answer, call("POST", "/ws/v1/cluster/apps/new-application"));
  auto tree = json::parse(answer.body);
  NewApplication out;
  if (tree && tree->is_object()) out.id = json::get_string(*tree, "application-id");
  // It becomes part of a path.
  if (!out.id.starts_with("application_") || out.id.find_first_not_of("application_0123456789") != std::string::npos ||
      out.id.size() > 64)
    return fail(ErrorCode::kProtocol, "the resource manager gave no application id");
  if (const auto most = tree->find("maximum-resource-capability"); most != tree->end() && most->is_object()) {
    out.memory_mb_max = json::get_int(*most, "memory");
    out.vcores_max = json::get_int(*most, "vCores");
  }
  return out;
}

Status ResourceManager::submit(const Submission& submission) {
  MY_TRY_VOID(call("POST", "/ws/v1/cluster/apps", json::dump(to_json(submission))));
  return {};
}

Result<ApplicationReport> ResourceManager::report(const std::string& id) {
  MY_TRY(const json::Tree app, get("/ws/v1/cluster/apps/" + http::percent_encode(id), "app"));
  if (!app.is_object()) return fail(ErrorCode::kProtocol, "the resource manager's 'app' is no object");
  ApplicationReport out;
  out.id = json::get_string(app, "id");
  out.state = json::get_string(app, "state");
  out.final_status = json::get_string(app, "finalStatus");
  out.diagnostics = cut(json::get_string(app, "diagnostics"));
  out.tracking_url = json::get_string(app, "trackingUrl");
  out.log_url = json::get_string(app, "amContainerLogs");
  out.user = json::get_string(app, "user");
  out.queue = json::get_string(app, "queue");
  return out;
}

Status ResourceManager::kill(const std::string& id) {
  MY_TRY_VOID(call("PUT", "/ws/v1/cluster/apps/" + http::percent_encode(id) + "/state", R"({"state":"KILLED"})"));
  return {};
}

Result<ClusterInfo> ResourceManager::info() {
  MY_TRY(const json::Tree info, get("/ws/v1/cluster/info", "clusterInfo"));
  if (!info.is_object()) return fail(ErrorCode::kProtocol, "the resource manager's 'clusterInfo' is no object");
  return ClusterInfo{json::get_string(info, "resourceManagerVersion"), json::get_string(info, "state"),
                     json::get_string(info, "haState")};
}

Result<ClusterMetrics> ResourceManager::metrics() {
  MY_TRY(const json::Tree tree, get("/ws/v1/cluster/metrics", "clusterMetrics"));
  if (!tree.is_object()) return fail(ErrorCode::kProtocol, "the resource manager's 'clusterMetrics' is no object");
  ClusterMetrics out;
  out.nodes_active = json::get_int(tree, "activeNodes");
  out.nodes_lost = json::get_int(tree, "lostNodes");
  out.nodes_unhealthy = json::get_int(tree, "unhealthyNodes");
  out.memory_mb_total = json::get_int(tree, "totalMB");
  out.memory_mb_free = json::get_int(tree, "availableMB");
  out.vcores_total = json::get_int(tree, "totalVirtualCores");
  out.vcores_free = json::get_int(tree, "availableVirtualCores");
  return out;
}

Result<std::vector<NodeReport>> ResourceManager::nodes() {
  MY_TRY(const json::Tree tree, get("/ws/v1/cluster/nodes", "nodes"));
  std::vector<NodeReport> out;
  if (!tree.is_object()) return out;  // null: none has ever registered
  const auto list = tree.find("node");
  if (list == tree.end() || !list->is_array()) return out;
  for (const json::Tree& node : *list) {
    if (!node.is_object()) continue;
    out.push_back({json::get_string(node, "id"), json::get_string(node, "state"),
                   json::get_string(node, "healthReport"), json::get_string(node, "nodeHTTPAddress"),
                   json::get_int(node, "availMemoryMB"), json::get_int(node, "availableVirtualCores")});
  }
  return out;
}

Result<std::vector<QueueReport>> ResourceManager::queues() {
  MY_TRY(const json::Tree tree, get("/ws/v1/cluster/scheduler", "scheduler"));
  std::vector<QueueReport> out;
  const auto info = tree.is_object() ? tree.find("schedulerInfo") : tree.end();
  if (info == tree.end() || !info->is_object()) return out;
  const auto root = info->find("rootQueue");
  add_queues(root == info->end() ? *info : *root, "", out);
  return out;
}

Result<std::vector<std::string>> ResourceManager::node_labels() {
  MY_TRY(const RestAnswer answer, call("GET", "/ws/v1/cluster/get-node-labels"));
  std::vector<std::string> out;
  auto tree = json::parse(answer.body);
  if (!tree || !tree->is_object()) return out;
  // 3.x: "nodeLabelInfo" is one object or a list, by its number.
  for (const char* key : {"nodeLabelInfo", "nodeLabelsInfo"}) {
    const auto at = tree->find(key);
    if (at == tree->end()) continue;
    if (at->is_object()) out.push_back(json::get_string(*at, "name"));
    if (!at->is_array()) continue;
    for (const json::Tree& label : *at) {
      if (label.is_object()) out.push_back(json::get_string(label, "name"));
    }
  }
  std::erase(out, "");
  return out;
}

}  // namespace modelyard::hadoop
