// SPDX-License-Identifier: Apache-2.0
#include "payloads/gzip.h"

#include <archive.h>
#include <archive_entry.h>

#include <string>

namespace modelyard::payloads {
namespace {

constexpr size_t kChunk = 256 << 10;

}  // namespace

struct GzipReader::State {
  ByteSource source;
  std::string out;
  // Freeing it may still write to `out`.
  std::unique_ptr<archive, int (*)(archive*)> writer{::archive_write_new(), ::archive_write_free};
  bool started = false;
  bool ended = false;

  static la_ssize_t take(archive*, void* self, const void* bytes, size_t size) {
    static_cast<State*>(self)->out.append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
  }

  Error broken() const {
    const char* const text = ::archive_error_string(writer.get());
    return Error(ErrorCode::kInternal, std::string("compressing: ") + (text ? text : "unknown reason"));
  }

  Status start() {
    archive* const a = writer.get();
    if (a == nullptr) return fail(ErrorCode::kResourceExhausted, "no memory to compress");
    ::archive_write_add_filter_gzip(a);
    ::archive_write_set_format_raw(a);
    ::archive_write_set_options(a, "gzip:compression-level=1,gzip:!timestamp");
    ::archive_write_set_bytes_per_block(a, 0);
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(::archive_entry_new(), ::archive_entry_free);
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    if (::archive_write_open(a, this, nullptr, &State::take, nullptr) != ARCHIVE_OK ||
        ::archive_write_header(a, entry.get()) != ARCHIVE_OK)
      return fail(broken());
    started = true;
    return {};
  }

  Status step() {
    if (!started) {
      MY_TRY_VOID(start());
    }
    MY_TRY(const std::string_view piece, source());
    if (piece.empty()) {
      ended = true;
      if (::archive_write_close(writer.get()) != ARCHIVE_OK) return fail(broken());
      return {};
    }
    if (::archive_write_data(writer.get(), piece.data(), piece.size()) < 0) return fail(broken());
    return {};
  }
};

GzipReader::GzipReader(ByteSource source) : state_(std::make_unique<State>()) { state_->source = std::move(source); }
GzipReader::~GzipReader() = default;

Result<std::string_view> GzipReader::next() {
  state_->out.clear();
  while (!state_->ended && state_->out.size() < kChunk) {
    MY_TRY_VOID(state_->step());
  }
  return std::string_view(state_->out);
}

}  // namespace modelyard::payloads
