// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>

#include "io/task.h"

namespace modelyard::io {

template <typename T>
Task<T> on_loop(Executor other, Task<T> task) {
  co_return co_await asio::co_spawn(other, std::move(task), asio::use_awaitable_t<Executor>{});
}

template <typename T>
T run_blocking(Loop& loop, Task<T> task) {
  std::exception_ptr failure;
  if constexpr (std::is_void_v<T>) {
    asio::co_spawn(loop.executor(), std::move(task), [&](std::exception_ptr e) {
      failure = e;
      loop.stop();
    });
    loop.run();
    loop.context().restart();
    if (failure) std::rethrow_exception(failure);
  } else {
    std::optional<T> value;
    asio::co_spawn(loop.executor(), std::move(task), [&](std::exception_ptr e, T result) {
      failure = e;
      if (!e) value.emplace(std::move(result));
      loop.stop();
    });
    loop.run();
    loop.context().restart();
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
  }
}

}  // namespace modelyard::io
