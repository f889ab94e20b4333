// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace modelyard::hadoop {

// What every HTTP job towards Hadoop's services has in common.
struct RestOptions {
  std::string user;        // of simple security: ?user.name=
  bool kerberos = false;   // SPNEGO with the process's credentials (ticket cache, or KRB5_CLIENT_KTNAME)
  std::string delegation;  // a token's urlString, instead of either
  std::string ca_file;     // PEM; "" = the system's authorities, or $SSL_CERT_FILE
  milliseconds connect_timeout{5'000};
  milliseconds call_timeout{30'000};   // of a call without a stream, whole
  milliseconds stall_timeout{60'000};  // a stream that moves nothing for so long is given up
  // How long calls go round the servers of a highly available service before they give up.
  milliseconds failover_time{20'000};
  // Set by another thread: whatever runs ends soon with kCancelled.
  std::shared_ptr<const std::atomic<bool>> cancelled;
};

// The next bytes of what is sent, into the buffer; 0 = the end.
using ByteReader = std::function<Result<size_t>(char* buffer, size_t size)>;
// The next bytes of what came.
using ByteWriter = std::function<Status(std::string_view bytes)>;

struct RestRequest {
  std::string method = "GET";
  std::string url;
  std::string body;  // sent with content_type
  std::string content_type = "application/json";
  ByteReader reader;  // sent instead of body, as application/octet-stream
  int64_t size = -1;  // of what the reader gives; -1 = not known (chunked)
  ByteWriter writer;  // takes the body of a 2xx answer; else it is RestAnswer::body
  bool negotiate = false;
  milliseconds time_max{0};  // 0 = call_timeout; not of streams
};

struct RestAnswer {
  int status = 0;
  std::string body;      // at most 64 MiB
  std::string location;  // of a redirect
};

// One thread's HTTP client on libcurl: connections are kept, redirects are not followed, no proxy is asked (Hadoop's
// own clients ask none), TLS is verified. Blocks; confined to one thread at a time; never used on a loop.
//
// Any HTTP status is a value. Errors: kUnavailable (not sent: no such host, refused, no connection in time), kDeadline
// (sent, no answer: it may have been carried out), kUnauthenticated (TLS), kCancelled, kResourceExhausted (the answer
// is too large), or what reader or writer returned.
class RestConnection {
 public:
  explicit RestConnection(RestOptions options);
  ~RestConnection();
  RestConnection(RestConnection&&) noexcept;
  RestConnection& operator=(RestConnection&&) noexcept;

  Result<RestAnswer> call(const RestRequest& request);
  const RestOptions& options() const { return options_; }
  bool is_cancelled() const { return options_.cancelled && options_.cancelled->load(std::memory_order_relaxed); }
  // Waits a random part of the time, unless cancelled (false).
  bool pause(milliseconds at_most);

 private:
  struct State;
  RestOptions options_;
  std::unique_ptr<State> state_;
};

// "RemoteException" of an answer's JSON, as WebHDFS and the resource manager write it.
struct RestException {
  std::string name;     // "FileNotFoundException"
  std::string message;  // its first line
};
RestException rest_exception_of(std::string_view body);

}  // namespace modelyard::hadoop
