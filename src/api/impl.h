// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "api/api.h"
#include "api/hub.h"
#include "api/render.h"
#include "api/worker.h"
#include "controller/controller.h"
#include "documents/documents.h"
#include "http/router.h"
#include "payloads/store.h"

// The handlers behind api.h, one file for each family of routes. All run on the HTTP loop.
namespace modelyard::api {

class Api::Impl {
 public:
  Impl(const Parts& parts, Options options);

  void add_routes(http::Router& router);
  io::Task<void> start();
  io::Task<void> stop();

 private:
  using Answer = io::Task<http::Response>;
  using Member = Answer (Impl::*)(http::Request&);
  http::Handler handler(Member member);

  // api.cc
  Answer info(http::Request&);
  Answer healthz(http::Request&);
  Answer readyz(http::Request&);
  Answer watch(http::Request&);

  // metrics.cc
  Answer metrics(http::Request&);

  // deployments.cc
  Answer models(http::Request&);
  Answer deployments(http::Request&);
  Answer deployment(http::Request&);
  Answer deploy(http::Request&);
  Answer scale(http::Request&);
  Answer remove(http::Request&);
  Answer watch_deployments(http::Request&);
  Answer events(http::Request&);
  Answer calls(http::Request&);
  io::Task<Result<payloads::StoredPayload>> receive_payload(http::Request& request);

  // logs.cc
  Answer logs(http::Request&);
  io::Task<void> follow_logs(http::ResponseStream& stream, NameFilter filter, std::string instance,
                             std::vector<std::string> streams);

  // documents.cc
  Answer search(http::Request&);
  Answer facets(http::Request&);
  Answer watch_documents(http::Request&);
  Answer store_documents(http::Request&);
  Answer offsets(http::Request&);
  Answer no_documents(http::Request&);
  io::Task<void> send_news(http::SseStream& stream, std::shared_ptr<const documents::Matcher> matcher);

  // On the controller's loop and back.
  io::Task<std::vector<controller::DeploymentStatus>> statuses();
  io::Task<controller::Role> role();
  // While another controller leads: the answer to whoever wants to change something, 307 to the leader's own.
  io::Task<std::optional<http::Response>> redirect(const http::Request& request);

  Parts parts_;
  Options options_;
  std::string started_;
  Hub hub_;
  Worker payload_worker_;  // unpacking takes as long as it takes
  Worker log_worker_;
  int uploads_ = 0;
  int log_followers_ = 0;
  int64_t requests_ = 0;
};

// The filter that the query or the path of a request says; kInvalidArgument for a name that cannot be one.
Result<NameFilter> filter_of(const http::Request& request);
// A number in a query: the fallback when absent, kInvalidArgument out of range.
Result<int64_t> query_number(const http::Request& request, std::string_view key, int64_t fallback, int64_t least,
                             int64_t most);

}  // namespace modelyard::api
