// SPDX-License-Identifier: Apache-2.0
#include "payloads/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "io/file.h"
#include "payloads/tree.h"

namespace modelyard::payloads {

struct TarReader::State {
  std::filesystem::path folder;
  std::vector<Entry> entries;
  size_t next_entry = 0;
  io::UniqueFd file;  // of the entry before next_entry, while its content is being read
  int64_t file_left = 0;
  int64_t total = 0;
  bool closed = false;
  std::string out;
  std::vector<char> buffer = std::vector<char>(256 << 10);
  std::unique_ptr<archive, int (*)(archive*)> writer{::archive_write_new(), ::archive_write_free};

  static la_ssize_t take(archive*, void* self, const void* bytes, size_t size) {
    static_cast<State*>(self)->out.append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
  }

  Status start() {
    archive* const a = writer.get();
    if (a == nullptr) return fail(ErrorCode::kResourceExhausted, "no memory to write an archive");
    ::archive_write_set_format_pax_restricted(a);
    ::archive_write_set_bytes_per_block(a, 0);
    // Names go out as the bytes they are, not through the process's locale.
    ::archive_write_set_options(a, "hdrcharset=BINARY");
    if (::archive_write_open(a, this, nullptr, &State::take, nullptr) != ARCHIVE_OK)
      return fail(broken("starting the archive"));
    return {};
  }

  Error broken(const std::string& what) const {
    const char* const text = ::archive_error_string(writer.get());
    return Error(ErrorCode::kInternal, what + ": " + (text ? text : "unknown reason"));
  }

  Status begin_entry(const Entry& entry) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> header(::archive_entry_new(), ::archive_entry_free);
    ::archive_entry_set_pathname(header.get(), entry.path.c_str());
    ::archive_entry_set_mtime(header.get(), 0, 0);
    ::archive_entry_set_perm(header.get(), entry.kind == Entry::Kind::kFile && !entry.executable ? 0644 : 0755);
    switch (entry.kind) {
      case Entry::Kind::kFolder: ::archive_entry_set_filetype(header.get(), AE_IFDIR); break;
      case Entry::Kind::kLink:
        ::archive_entry_set_filetype(header.get(), AE_IFLNK);
        ::archive_entry_set_symlink(header.get(), entry.target.c_str());
        break;
      case Entry::Kind::kFile:
        ::archive_entry_set_filetype(header.get(), AE_IFREG);
        ::archive_entry_set_size(header.get(), entry.size);
        MY_TRY(file, io::open_file(folder / entry.path, O_RDONLY | O_NOFOLLOW));
        file_left = entry.size;
        break;
    }
    if (::archive_write_header(writer.get(), header.get()) < ARCHIVE_WARN) return fail(broken("packing " + entry.path));
    return {};
  }

  Status read_file_piece() {
    const std::string& path = entries[next_entry - 1].path;
    if (file_left == 0) {
      file.reset();
      return {};
    }
    const size_t wanted = std::min(buffer.size(), static_cast<size_t>(file_left));
    const ssize_t got = ::read(file.get(), buffer.data(), wanted);
    if (got < 0 && errno == EINTR) return {};
    if (got < 0) return fail(errno_error(errno, "reading " + path));
    if (got == 0) return fail(ErrorCode::kConflict, path + " became shorter while it was packed: try again");
    file_left -= got;
    if (::archive_write_data(writer.get(), buffer.data(), static_cast<size_t>(got)) != got)
      return fail(broken("packing " + path));
    return {};
  }

  Status step() {
    if (file) return read_file_piece();
    if (next_entry < entries.size()) return begin_entry(entries[next_entry++]);
    closed = true;
    if (::archive_write_close(writer.get()) < ARCHIVE_WARN) return fail(broken("ending the archive"));
    return {};
  }
};

TarReader::TarReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

Result<TarReader> TarReader::open(const std::filesystem::path& folder, const Limits& limits) {
  auto state = std::make_unique<State>();
  state->folder = folder;
  MY_TRY(state->entries, list_tree(folder, limits));
  for (const Entry& entry : state->entries) state->total += entry.size;
  MY_TRY_VOID(state->start());
  return TarReader(std::move(state));
}

Result<std::string_view> TarReader::next() {
  state_->out.clear();
  while (!state_->closed && state_->out.size() < (size_t{192} << 10)) MY_TRY_VOID(state_->step());
  return std::string_view(state_->out);
}

int64_t TarReader::total_bytes() const { return state_->total; }

}  // namespace modelyard::payloads
