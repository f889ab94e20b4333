// SPDX-License-Identifier: Apache-2.0
#include "payloads/digest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/assert.h"
#include "base/strings.h"
#include "io/file.h"
#include "payloads/tree.h"

namespace modelyard::payloads {
namespace {

constexpr std::string_view kPrefix = "sha256:";

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    MY_ASSERT(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(const void* bytes, size_t size) { MY_ASSERT(EVP_DigestUpdate(context_.get(), bytes, size) == 1); }
  void add(std::string_view text) { add(text.data(), text.size()); }
  std::string finish_hex() {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    MY_ASSERT(EVP_DigestFinal_ex(context_.get(), out, &size) == 1);
    return to_hex(std::string_view(reinterpret_cast<const char*>(out), size));
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

Status add_content(Sha256& sum, const std::filesystem::path& path, int64_t size) {
  MY_TRY(const io::UniqueFd fd, io::open_file(path, O_RDONLY | O_NOFOLLOW));
  std::vector<char> buffer(256 << 10);
  int64_t seen = 0;
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(errno, "reading " + path.string()));
    if (got == 0) break;
    seen += got;
    sum.add(buffer.data(), static_cast<size_t>(got));
  }
  if (seen != size) return fail(ErrorCode::kConflict, path.string() + " changed while it was read: try again");
  return {};
}

}  // namespace

Result<std::string> digest_folder(const std::filesystem::path& folder, const Limits& limits) {
  MY_TRY(const std::vector<Entry> entries, list_tree(folder, limits));
  Sha256 sum;
  for (const Entry& entry : entries) {
    // Lengths before the bytes: no two different trees can give the same stream.
    switch (entry.kind) {
      case Entry::Kind::kFolder: sum.add(fmt::format("d {}:{}\n", entry.path.size(), entry.path)); break;
      case Entry::Kind::kLink:
        sum.add(fmt::format("l {}:{} {}:{}\n", entry.path.size(), entry.path, entry.target.size(), entry.target));
        break;
      case Entry::Kind::kFile:
        sum.add(fmt::format("{} {}:{} {}:", entry.executable ? 'x' : 'f', entry.path.size(), entry.path, entry.size));
        MY_TRY_VOID(add_content(sum, folder / entry.path, entry.size));
        sum.add("\n");
        break;
    }
  }
  return std::string(kPrefix) + sum.finish_hex();
}

bool is_digest(std::string_view text) {
  return text.size() == kPrefix.size() + 64 && text.starts_with(kPrefix) &&
         std::all_of(text.begin() + kPrefix.size(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace modelyard::payloads
