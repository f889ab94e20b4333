// SPDX-License-Identifier: Apache-2.0
#include "registry/embedded.h"

#include <unistd.h>

#include <atomic>

#include "io/file.h"
#include "registry/embedded_schema.h"
#include "sqlite/worker.h"

namespace modelyard::registry {

struct EmbeddedRegistry::Impl {
  Impl(io::UniqueFd held, sqlite::Database database, const EmbeddedOptions& chosen)
      : lock(std::move(held)), options(chosen), worker(std::move(database), {.queue_max = chosen.queue_max}) {}
  io::UniqueFd lock;  // let go after the file is closed
  const EmbeddedOptions options;
  int64_t epoch = 0;  // touched on the worker's thread alone
  sqlite::Worker worker;
};

Result<std::unique_ptr<EmbeddedRegistry>> EmbeddedRegistry::open(const std::filesystem::path& data,
                                                                 const EmbeddedOptions& options) {
  const std::string name = "data folder '" + data.string() + "'";
  if (Status made = io::make_folder(data, 0700); !made) return fail(std::move(made).error().with_context(name));
  if (access(data.c_str(), W_OK | X_OK) != 0) {
    return fail(ErrorCode::kPermissionDenied,
                name + " is not writable: change its permissions or give another with --data");
  }
  if (const std::string fs = sqlite::network_file_system(data); !fs.empty()) {
    return fail(ErrorCode::kUnsupported,
                name + " lies on a network file system (" + fs + "): give one on a local disk with --data");
  }
  auto lock = io::lock_file(data / "lock");
  if (!lock && lock.error().code() == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict,
                name + " is in use by another modelyard: stop that one or give another folder with --data");
  }
  if (!lock) return fail(std::move(lock).error().with_context(name));
  sqlite::OpenOptions open_options;
  open_options.application_id = internal::kApplicationId;
  open_options.kind = "registry";
  open_options.format = internal::kFormat;
  open_options.migrate = internal::make_schema;
  MY_TRY(auto database, sqlite::Database::open(data / "registry.db", open_options));
  auto impl = std::make_unique<Impl>(std::move(*lock), std::move(database), options);
  return std::unique_ptr<EmbeddedRegistry>(new EmbeddedRegistry(std::move(impl)));
}

EmbeddedRegistry::EmbeddedRegistry(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EmbeddedRegistry::~EmbeddedRegistry() = default;

io::Task<Result<Contents>> EmbeddedRegistry::lead() {
  std::function<Result<Contents>(sqlite::Database&)> job = [impl = impl_.get()](sqlite::Database& database) {
    auto contents = internal::lead(database);
    if (contents) impl->epoch = contents->epoch;
    return contents;
  };
  co_return co_await impl_->worker.run(std::move(job));
}

io::Task<Status> EmbeddedRegistry::write(std::vector<Write> batch) {
  std::function<Status(sqlite::Database&)> job = [impl = impl_.get(),
                                                  batch = std::move(batch)](sqlite::Database& database) {
    return internal::write(database, batch, impl->epoch, impl->options.events_max);
  };
  co_return co_await impl_->worker.run(std::move(job));
}

io::Task<Result<std::vector<Event>>> EmbeddedRegistry::events(std::string name, std::string version, int limit) {
  std::function<Result<std::vector<Event>>(sqlite::Database&)> job =
      [name = std::move(name), version = std::move(version), limit](sqlite::Database& database) {
        return internal::events(database, name, version, limit);
      };
  co_return co_await impl_->worker.run(std::move(job));
}

void EmbeddedRegistry::fail_writes_for_testing(int code) {
  impl_->worker.post([code](sqlite::Database& database) { database.fail_writes_for_testing(code); });
}

}  // namespace modelyard::registry
