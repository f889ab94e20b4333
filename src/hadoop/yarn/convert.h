// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "hadoop/proto/hadoop.pb.h"
#include "hadoop/yarn/types.h"

// Between the messages of proto/hadoop.proto and the nouns of types.h. For the .cc files of this folder and its tests.
namespace modelyard::hadoop::yarn {

// Nothing: a part of the identity lacks.
std::optional<ContainerId> container_id_of(const pb::ContainerId& in);
void set_container_id(pb::ContainerId& out, const ContainerId& id);

NodeId node_of(const pb::NodeId& in);
void set_node(pb::NodeId& out, const NodeId& node);

Resource resource_of(const pb::Resource& in);
void set_resource(pb::Resource& out, const Resource& resource);

Token token_of(const pb::Token& in);
void set_token(pb::Token& out, const Token& token);

// Nothing: without an identity or a node.
std::optional<Container> container_of(const pb::Container& in);
std::optional<ContainerStatus> status_of(const pb::ContainerStatus& in);

void set_launch_context(pb::ContainerLaunchContext& out, const LaunchContext& context);

}  // namespace modelyard::hadoop::yarn
