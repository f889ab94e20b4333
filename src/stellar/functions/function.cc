// SPDX-License-Identifier: Apache-2.0
#include "stellar/functions/function.h"

#include <fmt/format.h>

namespace modelyard::stellar {

Value Call::fail(std::string message) {
  failed = true;
  outbox.error = fmt::format("{}: {}", name, message);
  return {};
}

Value Call::suspend(CallRequest wanted) {
  suspended = true;
  outbox.request = std::move(wanted);
  return {};
}

Value Call::string(std::string_view text) const {
  if (text.size() > limits.result_bytes) throw BoundReached{"result"};
  return make_string(arena, text);
}

Value Call::too_few(size_t least) {
  return fail(fmt::format("takes at least {} argument{}, not {}", least, least == 1 ? "" : "s", size()));
}

Value Call::wrong_kind(size_t index, std::string_view wanted) {
  return fail(fmt::format("argument {} is a {}, not a {}", index + 1, to_string(at(index).kind()), wanted));
}

}  // namespace modelyard::stellar
