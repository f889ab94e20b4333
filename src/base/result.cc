// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace modelyard {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid_argument";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kAlreadyExists: return "already_exists";
    case ErrorCode::kConflict: return "conflict";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kDeadline: return "deadline";
    case ErrorCode::kProtocol: return "protocol";
    case ErrorCode::kUnauthenticated: return "unauthenticated";
    case ErrorCode::kPermissionDenied: return "permission_denied";
    case ErrorCode::kResourceExhausted: return "resource_exhausted";
    case ErrorCode::kFailed: return "failed";
    case ErrorCode::kDataLoss: return "data_loss";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

Error::Error(ErrorCode code, std::string message, std::source_location where)
    : state_(std::make_unique<State>(State{code, std::move(message), where})) {}

Error::Error(const Error& other) : state_(std::make_unique<State>(*other.state_)) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) state_ = std::make_unique<State>(*other.state_);
  return *this;
}

Error&& Error::with_context(std::string_view context) && {
  state_->message.insert(0, std::string(context) + ": ");
  return std::move(*this);
}

Error&& Error::with_code(ErrorCode code) && {
  state_->code = code;
  return std::move(*this);
}

namespace {
ErrorCode code_of_errno(int number) {
  switch (number) {
    case ENOENT:
    case ESRCH: return ErrorCode::kNotFound;
    case EEXIST: return ErrorCode::kAlreadyExists;
    case EACCES:
    case EROFS:
    case EPERM: return ErrorCode::kPermissionDenied;
    case EINVAL:
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG: return ErrorCode::kInvalidArgument;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return ErrorCode::kResourceExhausted;
    case ETIMEDOUT: return ErrorCode::kDeadline;
    case EADDRINUSE: return ErrorCode::kConflict;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EAGAIN:
    case EHOSTUNREACH:
    case ENETUNREACH: return ErrorCode::kUnavailable;
    default: return ErrorCode::kFailed;
  }
}
}  // namespace

Error errno_error(int number, std::string_view what, std::source_location where) {
  char text[128];
  const char* message = ::strerror_r(number, text, sizeof text);
  return Error(code_of_errno(number), std::string(what) + ": " + message, where);
}

}  // namespace modelyard
