// SPDX-License-Identifier: Apache-2.0
#include "hadoop/rest.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/strings.h"
#include "json/tree.h"

namespace modelyard::hadoop {
namespace {

constexpr size_t kBodyMax = size_t{64} << 20;
// libcurl's greatest: a DataNode takes what it gets, and fewer calls cost less.
constexpr long kUploadBuffer = 2 << 20;
constexpr long kDownloadBuffer = 512 << 10;
constexpr long kConnectionsKept = 4;

// libcurl's own start-up is not thread-safe.
void start_curl() {
  static const CURLcode started = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(started);
}

struct HeaderList {
  curl_slist* list = nullptr;
  void add(const std::string& line) { list = ::curl_slist_append(list, line.c_str()); }
  HeaderList() = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { ::curl_slist_free_all(list); }
};

// What one transfer's callbacks share.
struct Transfer {
  const RestRequest& request;
  const std::atomic<bool>* cancelled;
  CURL* handle;
  RestAnswer answer;
  std::optional<Error> error;  // of reader, writer or a bound: it ended the transfer

  size_t take(const char* bytes, size_t size) {
    long status = 0;
    ::curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (request.writer && status >= 200 && status < 300) {
      if (Status written = request.writer({bytes, size}); !written) {
        error = std::move(written).error();
        return CURL_WRITEFUNC_ERROR;
      }
      return size;
    }
    if (answer.body.size() + size > kBodyMax) {
      error = Error(ErrorCode::kResourceExhausted, fmt::format("the answer is over {} MiB", kBodyMax >> 20));
      return CURL_WRITEFUNC_ERROR;
    }
    answer.body.append(bytes, size);
    return size;
  }

  size_t give(char* buffer, size_t size) {
    Result<size_t> read = request.reader(buffer, size);
    if (read) return *read;
    error = std::move(read).error();
    return CURL_READFUNC_ABORT;
  }
};

size_t on_body(char* bytes, size_t one, size_t count, void* self) {
  return static_cast<Transfer*>(self)->take(bytes, one * count);
}
size_t on_read(char* buffer, size_t one, size_t count, void* self) {
  return static_cast<Transfer*>(self)->give(buffer, one * count);
}
int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* flag = static_cast<Transfer*>(self)->cancelled;
  return flag && flag->load(std::memory_order_relaxed) ? 1 : 0;
}
size_t on_header(char* bytes, size_t one, size_t count, void* self) {
  const std::string_view line(bytes, one * count);
  auto& transfer = *static_cast<Transfer*>(self);
  // A second head follows a "100 Continue" or a step of SPNEGO: only the last one counts.
  if (line.starts_with("HTTP/")) {
    transfer.answer.location.clear();
    transfer.answer.body.clear();
  }
  if (const size_t colon = line.find(':');
      colon != std::string_view::npos && equal_ignoring_case_ascii(line.substr(0, colon), "location"))
    transfer.answer.location = trim_ascii(line.substr(colon + 1));
  return one * count;
}

std::string host_of(const std::string& url) {
  const size_t start = url.find("://");
  if (start == std::string::npos) return url;
  return url.substr(start + 3, url.find('/', start + 3) - start - 3);
}

}  // namespace

struct RestConnection::State {
  State() : handle(::curl_easy_init(), ::curl_easy_cleanup), random(Random::from_system()) {}
  std::unique_ptr<CURL, void (*)(CURL*)> handle;
  Random random;
  std::string error_text = std::string(CURL_ERROR_SIZE, '\0');

  void set_common(const RestOptions& options, Transfer& transfer) {
    CURL* const curl = handle.get();
    ::curl_easy_reset(curl);
    error_text[0] = '\0';
    ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text.data());
    ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl, CURLOPT_PROXY, "");
    ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    ::curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, kConnectionsKept);
    ::curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kDownloadBuffer);
    ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    if (!options.ca_file.empty()) ::curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
    ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_body);
    ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    ::curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &on_header);
    ::curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
    ::curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    ::curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
    ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  }

  void set_request(const RestOptions& options, const RestRequest& request, Transfer& transfer, HeaderList& headers) {
    CURL* const curl = handle.get();
    ::curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    if (request.negotiate) {
      ::curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_NEGOTIATE);
      ::curl_easy_setopt(curl, CURLOPT_USERPWD, ":");
    }
    if (request.reader) {
      ::curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
      ::curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
      ::curl_easy_setopt(curl, CURLOPT_READFUNCTION, &on_read);
      ::curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
      ::curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.size));
      headers.add("Content-Type: application/octet-stream");
    } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
      ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
      ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      headers.add("Content-Type: " + (request.body.empty() ? "application/octet-stream" : request.content_type));
    }
    ::curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (request.reader || request.writer) {
      const auto stall = std::chrono::duration_cast<seconds>(options.stall_timeout).count();
      ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
      ::curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, std::max<long>(stall, 1));
    } else {
      const milliseconds time = request.time_max.count() > 0 ? request.time_max : options.call_timeout;
      ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(time.count()));
    }
    headers.add("Expect:");
    headers.add("Accept: application/json");
    // Some clusters refuse a change that a browser could have sent by itself; any value will do.
    headers.add("X-XSRF-HEADER: modelyard");
    ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
  }

  Error error_of(CURLcode code, const RestRequest& request) const {
    const char* const detail = error_text[0] != '\0' ? error_text.c_str() : ::curl_easy_strerror(code);
    long sent = 0;
    ::curl_easy_getinfo(handle.get(), CURLINFO_REQUEST_SIZE, &sent);
    ErrorCode kind = sent > 0 && request.method != "GET" ? ErrorCode::kDeadline : ErrorCode::kUnavailable;
    switch (code) {
      case CURLE_ABORTED_BY_CALLBACK: return Error(ErrorCode::kCancelled, "cancelled");
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CERTPROBLEM:
      case CURLE_SSL_CACERT_BADFILE: kind = ErrorCode::kUnauthenticated; break;
      case CURLE_SSL_CONNECT_ERROR: kind = ErrorCode::kUnavailable; break;
      case CURLE_OPERATION_TIMEDOUT:
        if (sent > 0) kind = ErrorCode::kDeadline;
        break;
      case CURLE_URL_MALFORMAT:
      case CURLE_UNSUPPORTED_PROTOCOL: kind = ErrorCode::kProtocol; break;
      case CURLE_OUT_OF_MEMORY: kind = ErrorCode::kResourceExhausted; break;
      default: break;
    }
    return Error(kind, fmt::format("{}: {}", host_of(request.url), detail));
  }
};

RestConnection::RestConnection(RestOptions options) : options_(std::move(options)) {
  start_curl();
  state_ = std::make_unique<State>();
}
RestConnection::~RestConnection() = default;
RestConnection::RestConnection(RestConnection&&) noexcept = default;
RestConnection& RestConnection::operator=(RestConnection&&) noexcept = default;

Result<RestAnswer> RestConnection::call(const RestRequest& request) {
  CURL* const curl = state_->handle.get();
  if (!curl) return fail(ErrorCode::kResourceExhausted, "libcurl could not be started");
  Transfer transfer{request, options_.cancelled.get(), curl, {}, std::nullopt};
  HeaderList headers;
  state_->set_common(options_, transfer);
  state_->set_request(options_, request, transfer, headers);
  const CURLcode code = ::curl_easy_perform(curl);
  long status = 0;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.error) return fail(std::move(*transfer.error));
  // A server that refuses an upload answers and closes before it has read all: its answer is what matters.
  const bool cut_upload = request.reader && status >= 400 && (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR);
  if (code != CURLE_OK && !cut_upload) return fail(state_->error_of(code, request));
  transfer.answer.status = static_cast<int>(status);
  return std::move(transfer.answer);
}

bool RestConnection::pause(milliseconds at_most) {
  const auto share = static_cast<int64_t>(static_cast<double>(at_most.count()) * (0.5 + state_->random.unit() / 2));
  const SteadyTime end = system_clock().now() + milliseconds(share);
  // Cancelling only sets a flag, so it is looked at now and then.
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  while (!is_cancelled()) {
    const SteadyTime now = system_clock().now();
    if (now >= end) return true;
    never.wait_until(lock, std::min(end, now + milliseconds(50)));
  }
  return false;
}

RestException rest_exception_of(std::string_view body) {
  RestException out;
  auto tree = json::parse(body);
  if (!tree || !tree->is_object()) return out;
  // The timeline server of 3.3 leaves the outer object out.
  const auto at = tree->find("RemoteException");
  const json::Tree& exception = at == tree->end() ? *tree : *at;
  if (!exception.is_object()) return out;
  out.name = json::get_string(exception, "exception");
  const std::string text = json::get_string(exception, "message");
  out.message = trim_ascii(std::string_view(text).substr(0, text.find('\n')));
  return out;
}

}  // namespace modelyard::hadoop
