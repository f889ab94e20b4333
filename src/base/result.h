// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace modelyard {

// What callers act on. The text of an Error is for people; a branch in code is taken on the code alone.
// The command line turns codes into exit codes and the HTTP server into statuses (base/error_map.h): one table each.
enum class ErrorCode {
  kInvalidArgument,  // the caller's input is wrong; trying again with the same input cannot help
  kNotFound,         // no such model, file, document
  kAlreadyExists,
  kConflict,     // compare-and-set lost, or the state does not allow it now
  kUnavailable,  // the other side is not there or said "later"; trying again may help
  kDeadline,     // time ran out; it may or may not have happened
  kProtocol,     // the other side spoke rubbish
  kUnauthenticated,
  kPermissionDenied,
  kResourceExhausted,  // a documented bound was reached (size, depth, steps, disk)
  kFailed,             // it was tried and did not succeed (a model that exits, an expression that throws)
  kDataLoss,           // stored data cannot be read back
  kUnsupported,
  kCancelled,
  kInternal,  // our own mistake
};

std::string_view to_string(ErrorCode code);

// An error: one pointer wide, so Result<T> stays small. Owned by whoever holds it; movable and copyable (copies share
// nothing). with_context() puts "what was tried" before the text when an error crosses a module.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message, std::source_location where = std::source_location::current());
  Error(const Error& other);
  Error(Error&&) noexcept = default;
  Error& operator=(const Error& other);
  Error& operator=(Error&&) noexcept = default;
  ~Error() = default;

  ErrorCode code() const { return state_->code; }
  // "outer context: inner context: message"
  const std::string& message() const { return state_->message; }
  const std::source_location& where() const { return state_->where; }

  Error&& with_context(std::string_view context) &&;
  Error&& with_code(ErrorCode code) &&;

 private:
  struct State {
    ErrorCode code;
    std::string message;
    std::source_location where;
  };
  std::unique_ptr<State> state_;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// return fail(ErrorCode::kNotFound, "no model named dga");
inline tl::unexpected<Error> fail(ErrorCode code, std::string message,
                                  std::source_location where = std::source_location::current()) {
  return tl::unexpected<Error>(Error(code, std::move(message), where));
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

// kUnavailable, kNotFound, … of an errno value, with strerror's text after what.
Error errno_error(int number, std::string_view what, std::source_location where = std::source_location::current());

}  // namespace modelyard

// MY_TRY(auto x, f());      x = value of f(), or return its error.   MY_TRY_VOID(f()); for a Status.
// MY_CO_TRY / MY_CO_TRY_VOID: the same in a coroutine.
#define MY_CONCAT_INNER(a, b) a##b
#define MY_CONCAT(a, b) MY_CONCAT_INNER(a, b)
#define MY_TRY_IMPL(ret, tmp, decl, ...)                                    \
  auto tmp = (__VA_ARGS__);                                                 \
  if (!tmp) ret tl::unexpected<::modelyard::Error>(std::move(tmp).error()); \
  decl = std::move(*tmp)
#define MY_TRY(decl, ...) MY_TRY_IMPL(return, MY_CONCAT(my_try_, __COUNTER__), decl, __VA_ARGS__)
#define MY_CO_TRY(decl, ...) MY_TRY_IMPL(co_return, MY_CONCAT(my_try_, __COUNTER__), decl, __VA_ARGS__)
#define MY_TRY_VOID(...)                                                       \
  do {                                                                         \
    if (auto my_status = (__VA_ARGS__); !my_status)                            \
      return tl::unexpected<::modelyard::Error>(std::move(my_status).error()); \
  } while (false)
#define MY_CO_TRY_VOID(...)                                                       \
  do {                                                                            \
    if (auto my_status = (__VA_ARGS__); !my_status)                               \
      co_return tl::unexpected<::modelyard::Error>(std::move(my_status).error()); \
  } while (false)
