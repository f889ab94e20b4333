// SPDX-License-Identifier: Apache-2.0
#include "payloads/directory_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>

#include "base/random.h"
#include "io/file.h"
#include "payloads/digest.h"
#include "payloads/judge.h"
#include "payloads/tar.h"
#include "payloads/tree.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

// "sha256:ab…" -> "sha256-ab…": a colon in a path breaks PATH-like lists.
std::string folder_name(std::string_view digest) {
  std::string name(digest);
  std::replace(name.begin(), name.end(), ':', '-');
  return name;
}

// Which digests somebody is about to record, and which incoming folders are in use. Shared by the store and what it
// handed out.
class Pins {
 public:
  std::shared_ptr<const void> pin(const std::string& what, const std::shared_ptr<Pins>& self) {
    const std::lock_guard lock(mutex_);
    ++counts_[what];
    // The pointer only stands for the count; `self` keeps the table alive until the last pin is gone.
    return std::shared_ptr<const void>(this, [self, what](const void*) { self->unpin(what); });
  }
  bool is_pinned(const std::string& what) const {
    const std::lock_guard lock(mutex_);
    return counts_.contains(what);
  }

 private:
  void unpin(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (const auto at = counts_.find(what); at != counts_.end() && --at->second == 0) counts_.erase(at);
  }
  mutable std::mutex mutex_;
  std::map<std::string, int> counts_;
};

class DirectoryStore;

// A folder under incoming/, removed at the end whatever happened.
struct Incoming {
  fs::path path;
  std::shared_ptr<const void> pin;
  Incoming(fs::path p, std::shared_ptr<const void> held) : path(std::move(p)), pin(std::move(held)) {}
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  ~Incoming() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

class DirectoryStore final : public PayloadStore {
 public:
  DirectoryStore(fs::path root, const Limits& limits)
      : root_(std::move(root)), limits_(limits), pins_(std::make_shared<Pins>()) {}

  Result<std::unique_ptr<PayloadUpload>> begin_upload() override;

  Result<StoredPayload> store_folder(const fs::path& folder) override {
    MY_TRY(const std::vector<Entry> entries, list_tree(folder, limits_));
    MY_TRY_VOID(judge_payload(folder));
    MY_TRY(const std::unique_ptr<Incoming> incoming, make_incoming());
    MY_TRY_VOID(copy_tree(folder, entries, incoming->path));
    return keep(incoming->path);
  }

  Result<fs::path> find(std::string_view digest) const override {
    if (!is_digest(digest))
      return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no payload digest", digest));
    const fs::path path = root_ / folder_name(digest);
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("payload {} is not in the store {}: deploy it again", digest, root_.string()));
    }
    return path;
  }

  Result<std::vector<std::string>> collect(const std::set<std::string>& wanted) override;

  Result<std::unique_ptr<Incoming>> make_incoming() {
    const fs::path path = root_ / "incoming" / random_hex(8);
    auto pin = pins_->pin(path.filename().string(), pins_);
    MY_TRY_VOID(io::make_folder(path));
    return std::make_unique<Incoming>(path, std::move(pin));
  }

  // Judges, names and moves a complete folder into place.
  Result<StoredPayload> keep(const fs::path& folder);
  const Limits& limits() const { return limits_; }

 private:
  const fs::path root_;
  const Limits limits_;
  const std::shared_ptr<Pins> pins_;
  std::mutex place_mutex_;  // collect() does not look between a pin and its rename
};

class DirectoryUpload final : public PayloadUpload {
 public:
  DirectoryUpload(DirectoryStore& store, std::unique_ptr<Incoming> incoming, io::UniqueFd file)
      : store_(store), incoming_(std::move(incoming)), file_(std::move(file)) {}

  Status append(std::string_view chunk) override {
    size_ += static_cast<int64_t>(chunk.size());
    if (size_ > store_.limits().upload_bytes_max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("the upload is larger than {} bytes", store_.limits().upload_bytes_max));
    }
    while (!chunk.empty()) {
      const ssize_t written = ::write(file_.get(), chunk.data(), chunk.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail(errno_error(errno, "storing the uploaded payload in " + incoming_->path.string()));
      chunk.remove_prefix(static_cast<size_t>(written));
    }
    return {};
  }

  Result<StoredPayload> finish() override {
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) return fail(errno_error(errno, "reading the uploaded payload"));
    std::vector<char> buffer(256 << 10);
    const ByteSource source = [&]() -> Result<std::string_view> {
      while (true) {
        const ssize_t got = ::read(file_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(errno_error(errno, "reading the uploaded payload"));
        return std::string_view(buffer.data(), static_cast<size_t>(got));
      }
    };
    const fs::path folder = incoming_->path / "payload";
    MY_TRY_VOID(io::make_folder(folder));
    MY_TRY_VOID(unpack_tar(source, folder, store_.limits()));
    return store_.keep(folder);
  }

 private:
  DirectoryStore& store_;
  std::unique_ptr<Incoming> incoming_;
  io::UniqueFd file_;
  int64_t size_ = 0;
};

Result<std::unique_ptr<PayloadUpload>> DirectoryStore::begin_upload() {
  MY_TRY(std::unique_ptr<Incoming> incoming, make_incoming());
  MY_TRY(io::UniqueFd file, io::open_file(incoming->path / "upload", O_RDWR | O_CREAT | O_EXCL));
  return std::unique_ptr<PayloadUpload>(std::make_unique<DirectoryUpload>(*this, std::move(incoming), std::move(file)));
}

Result<StoredPayload> DirectoryStore::keep(const fs::path& folder) {
  StoredPayload stored;
  MY_TRY(stored.script, judge_payload(folder));
  MY_TRY(stored.digest, digest_folder(folder, limits_));
  MY_TRY(const std::vector<Entry> entries, list_tree(folder, limits_));
  for (const Entry& entry : entries) {
    stored.files += entry.kind == Entry::Kind::kFile ? 1 : 0;
    stored.bytes += entry.size;
  }
  const fs::path place = root_ / folder_name(stored.digest);
  const std::lock_guard lock(place_mutex_);
  stored.pin = pins_->pin(stored.digest, pins_);
  if (::access(place.c_str(), F_OK) == 0) return stored;
  MY_TRY_VOID(sync_tree(folder, entries));
  MY_TRY(const io::UniqueFd root, io::open_file(root_, O_RDONLY | O_DIRECTORY));
  if (::rename(folder.c_str(), place.c_str()) != 0) return fail(errno_error(errno, "storing payload " + stored.digest));
  ::fsync(root.get());
  stored.is_new = true;
  return stored;
}

Result<std::vector<std::string>> DirectoryStore::collect(const std::set<std::string>& wanted) {
  std::vector<std::string> removed;
  std::error_code error;
  const std::lock_guard lock(place_mutex_);
  for (fs::directory_iterator at(root_ / "incoming", error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!pins_->is_pinned(at->path().filename().string())) fs::remove_all(at->path(), ignored);
  }
  std::vector<fs::path> unwanted;
  for (fs::directory_iterator at(root_, error), end; !error && at != end; at.increment(error)) {
    std::string digest = at->path().filename().string();
    if (!digest.starts_with("sha256-")) continue;
    digest[6] = ':';
    if (!is_digest(digest) || wanted.contains(digest) || pins_->is_pinned(digest)) continue;
    unwanted.push_back(at->path());
    removed.push_back(std::move(digest));
  }
  for (const fs::path& path : unwanted) {
    // Out of its name first: a half-removed payload must never be found.
    const fs::path away = root_ / "incoming" / ("old-" + random_hex(8));
    std::error_code ignored;
    if (::rename(path.c_str(), away.c_str()) == 0) fs::remove_all(away, ignored);
  }
  return removed;
}

}  // namespace

Result<std::unique_ptr<PayloadStore>> open_directory_store(const fs::path& root, const Limits& limits) {
  const auto prepare = [&]() -> Status {
    MY_TRY_VOID(io::make_folder(root));
    return io::make_folder(root / "incoming");
  };
  if (Status ready = prepare(); !ready) return fail(std::move(ready).error().with_context("opening the payload store"));
  return std::unique_ptr<PayloadStore>(std::make_unique<DirectoryStore>(fs::absolute(root), limits));
}

void trim_revisions(std::vector<registry::Revision>& revisions, int64_t keep_number) {
  for (auto at = revisions.begin(); revisions.size() > kRevisionsKept && at != revisions.end();) {
    at = at->number == keep_number ? at + 1 : revisions.erase(at);
  }
}

}  // namespace modelyard::payloads
