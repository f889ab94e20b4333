// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "documents/documents.h"
#include "http/client.h"
#include "io/task.h"

namespace modelyard::sensor {

// The store of documents as it is reached through the API of a server. An interface, so that tests decide what it
// answers.
class StoreClient {
 public:
  virtual ~StoreClient() = default;
  virtual io::Task<Result<std::optional<documents::Offset>>> fetch_offset(std::string sensor, std::string source) = 0;
  // body: documents::append_json. Errors carry the code of the answer; `permanent` tells those that the same body meets
  // again.
  struct Refusal {
    Error error;
    bool permanent = false;
  };
  virtual io::Task<tl::expected<documents::Stored, Refusal>> store(const std::string& body) = 0;
};

// Confined to its loop. The client must outlive it.
class HttpStoreClient final : public StoreClient {
 public:
  static Result<std::unique_ptr<HttpStoreClient>> make(http::Client& client, const std::string& url,
                                                       const std::string& token, const Clock& clock);

  io::Task<Result<std::optional<documents::Offset>>> fetch_offset(std::string sensor, std::string source) override;
  io::Task<tl::expected<documents::Stored, Refusal>> store(const std::string& body) override;

 private:
  HttpStoreClient(http::Client& client, http::Origin origin, std::string token, const Clock& clock)
      : client_(client), origin_(std::move(origin)), token_(std::move(token)), clock_(clock) {}
  http::ClientRequest request(std::string method, std::string target) const;

  http::Client& client_;
  const http::Origin origin_;
  const std::string token_;
  const Clock& clock_;
};

}  // namespace modelyard::sensor
