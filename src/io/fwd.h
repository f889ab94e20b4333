// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a public header may say about Asio: names, no definitions. Files with coroutine bodies include io/task.h.
namespace boost::asio {
class io_context;
template <typename T, typename Executor>
class awaitable;
}  // namespace boost::asio

namespace modelyard::io {
class Loop;
class Scope;
}  // namespace modelyard::io
