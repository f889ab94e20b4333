// SPDX-License-Identifier: Apache-2.0
#include "hadoop/yarn/convert.h"

namespace modelyard::hadoop::yarn {
namespace {

constexpr size_t kDiagnosticsMax = 4096;
constexpr int32_t kArchive = 1;
constexpr int32_t kFile = 2;

}  // namespace

std::optional<ContainerId> container_id_of(const pb::ContainerId& in) {
  const pb::ApplicationAttemptId& attempt = in.app_attempt_id();
  const pb::ApplicationId& application = attempt.has_application_id() ? attempt.application_id() : in.app_id();
  if (!in.has_id() || !in.has_app_attempt_id() || !application.has_cluster_timestamp()) return std::nullopt;
  return ContainerId{{application.cluster_timestamp(), application.id()}, attempt.attempt_id(), in.id()};
}

void set_container_id(pb::ContainerId& out, const ContainerId& id) {
  pb::ApplicationId& application = *out.mutable_app_attempt_id()->mutable_application_id();
  application.set_id(id.application.number);
  application.set_cluster_timestamp(id.application.cluster_timestamp);
  out.mutable_app_attempt_id()->set_attempt_id(id.attempt);
  *out.mutable_app_id() = application;
  out.set_id(id.number);
}

NodeId node_of(const pb::NodeId& in) { return {in.host(), static_cast<uint16_t>(in.port())}; }

void set_node(pb::NodeId& out, const NodeId& node) {
  out.set_host(node.host);
  out.set_port(node.port);
}

Resource resource_of(const pb::Resource& in) { return {in.memory_mb(), in.vcores()}; }

void set_resource(pb::Resource& out, const Resource& resource) {
  out.set_memory_mb(resource.memory_mb);
  out.set_vcores(resource.vcores);
}

Token token_of(const pb::Token& in) { return {in.identifier(), in.password(), in.kind(), in.service()}; }

void set_token(pb::Token& out, const Token& token) {
  out.set_identifier(token.identifier);
  out.set_password(token.password);
  out.set_kind(token.kind);
  out.set_service(token.service);
}

std::optional<Container> container_of(const pb::Container& in) {
  const std::optional<ContainerId> id = container_id_of(in.id());
  if (!id || in.node_id().host().empty() || in.node_id().port() <= 0 || in.node_id().port() > 65535)
    return std::nullopt;
  return Container{*id,
                   node_of(in.node_id()),
                   in.node_http_address(),
                   resource_of(in.resource()),
                   in.priority().priority(),
                   token_of(in.container_token())};
}

std::optional<ContainerStatus> status_of(const pb::ContainerStatus& in) {
  const std::optional<ContainerId> id = container_id_of(in.container_id());
  if (!id) return std::nullopt;
  return ContainerStatus{*id, in.state() == pb::ContainerStatus::COMPLETE, in.exit_status(),
                         in.diagnostics().substr(0, kDiagnosticsMax)};
}

void set_launch_context(pb::ContainerLaunchContext& out, const LaunchContext& context) {
  for (const auto& [name, resource] : context.resources) {
    pb::ContainerLaunchContext::NamedResource& named = *out.add_local_resources();
    named.set_key(name);
    pb::LocalResource& value = *named.mutable_value();
    pb::Url& url = *value.mutable_resource();
    url.set_scheme(resource.scheme);
    url.set_host(resource.host);
    url.set_port(resource.port);
    url.set_file(resource.path);
    value.set_size(resource.size);
    value.set_timestamp_ms(resource.timestamp_ms);
    value.set_type(resource.is_archive ? kArchive : kFile);
    value.set_visibility(static_cast<int32_t>(resource.visibility));
  }
  for (const auto& [key, text] : context.environment) {
    pb::ContainerLaunchContext::Variable& variable = *out.add_environment();
    variable.set_key(key);
    variable.set_value(text);
  }
  for (const std::string& command : context.commands) out.add_commands(command);
  out.set_tokens(write_credentials(context.credentials.for_workers()));
}

}  // namespace modelyard::hadoop::yarn
