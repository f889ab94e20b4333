// SPDX-License-Identifier: Apache-2.0
#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "io/file.h"
#include "payloads/tar.h"
#include "payloads/tree.h"

// What others send: tars made to harm, each refused with a text that names the entry, and nothing written outside.
namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Writes tars that our own writer would not.
class TarMaker {
 public:
  explicit TarMaker(int filter = ARCHIVE_FILTER_NONE) : archive_(::archive_write_new()) {
    ::archive_write_set_format_pax_restricted(archive_);
    ::archive_write_add_filter(archive_, filter);
    ::archive_write_set_bytes_per_block(archive_, 0);
    ::archive_write_open(archive_, this, nullptr, &TarMaker::take, nullptr);
  }
  ~TarMaker() { ::archive_write_free(archive_); }
  TarMaker(const TarMaker&) = delete;
  TarMaker& operator=(const TarMaker&) = delete;

  TarMaker& add(const std::string& path, mode_t type, const std::string& content = "", const std::string& target = "",
                bool hard = false) {
    archive_entry* const entry = ::archive_entry_new();
    ::archive_entry_set_pathname(entry, path.c_str());
    ::archive_entry_set_filetype(entry, type);
    ::archive_entry_set_perm(entry, 04777);
    if (type == AE_IFREG) ::archive_entry_set_size(entry, static_cast<int64_t>(content.size()));
    if (type == AE_IFLNK) ::archive_entry_set_symlink(entry, target.c_str());
    if (hard) ::archive_entry_set_hardlink(entry, target.c_str());
    EXPECT_EQ(::archive_write_header(archive_, entry), ARCHIVE_OK) << ::archive_error_string(archive_);
    if (!content.empty()) ::archive_write_data(archive_, content.data(), content.size());
    ::archive_entry_free(entry);
    return *this;
  }
  TarMaker& file(const std::string& path, const std::string& content = "x") { return add(path, AE_IFREG, content); }
  TarMaker& link(const std::string& path, const std::string& target) { return add(path, AE_IFLNK, "", target); }
  TarMaker& hard_link(const std::string& path, const std::string& target) {
    return add(path, AE_IFREG, "", target, true);
  }
  std::string bytes() {
    ::archive_write_close(archive_);
    return bytes_;
  }

 private:
  static la_ssize_t take(archive*, void* self, const void* bytes, size_t size) {
    static_cast<TarMaker*>(self)->bytes_.append(static_cast<const char*>(bytes), size);
    return static_cast<la_ssize_t>(size);
  }
  archive* archive_;
  std::string bytes_;
};

Result<Unpacked> unpack(std::string_view bytes, const fs::path& folder, const Limits& limits = {}) {
  return unpack_tar(
      [rest = bytes]() mutable -> Result<std::string_view> {
        const std::string_view piece = rest.substr(0, 1000);
        rest.remove_prefix(piece.size());
        return piece;
      },
      folder, limits);
}

class UnpackTest : public ::testing::Test {
 protected:
  fs::path inside() const { return outside_.path() / "inside"; }
  void SetUp() override { ASSERT_TRUE(io::make_folder(inside())); }
  io::TemporaryFolder outside_ = *io::TemporaryFolder::make("modelyard-unpack-test");
};

struct HarmRow {
  std::string name;
  std::function<void(TarMaker&)> make;
  std::string why;
  ErrorCode code = ErrorCode::kInvalidArgument;
  Limits limits = {};
};
void PrintTo(const HarmRow& row, std::ostream* out) { *out << row.name; }
class Harm : public UnpackTest, public ::testing::WithParamInterface<HarmRow> {};

TEST_P(Harm, IsRefusedAndNothingIsWrittenOutside) {
  TarMaker maker;
  GetParam().make(maker);
  const auto unpacked = unpack(maker.bytes(), inside(), GetParam().limits);
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().code(), GetParam().code);
  EXPECT_THAT(unpacked.error().message(), HasSubstr(GetParam().why));
  EXPECT_EQ(std::distance(fs::directory_iterator(outside_.path()), {}), 1);
  EXPECT_FALSE(fs::exists("/tmp/modelyard-escaped"));
}

INSTANTIATE_TEST_SUITE_P(
    Tar, Harm,
    ::testing::Values(
        HarmRow{"AbsolutePath", [](TarMaker& t) { t.file("/tmp/modelyard-escaped"); },
                "/tmp/modelyard-escaped is an absolute path"},
        HarmRow{"Parent", [](TarMaker& t) { t.file("../escaped"); }, "../escaped leaves the payload's folder"},
        HarmRow{"ParentInside", [](TarMaker& t) { t.file("a/../../escaped"); }, "leaves the payload's folder"},
        HarmRow{"FolderParent", [](TarMaker& t) { t.add("..", AE_IFDIR); }, "../ leaves the payload's folder"},
        HarmRow{"LinkAbsolute", [](TarMaker& t) { t.link("l", "/etc/passwd"); }, "link l -> /etc/passwd leaves"},
        HarmRow{"LinkParent", [](TarMaker& t) { t.link("l", "../x"); }, "link l -> ../x leaves"},
        HarmRow{"LinkDeepParent", [](TarMaker& t) { t.link("a/l", "../../x"); }, "leaves the payload's folder"},
        HarmRow{"LinkThroughLink", [](TarMaker& t) { t.link("b", ".").link("l", "b/../../x"); },
                "\"..\" behind a name"},
        HarmRow{"FileBelowLink", [](TarMaker& t) { t.link("l", "a").file("l/x"); },
                "l is both a link and something else"},
        HarmRow{"LinkBelowLink", [](TarMaker& t) { t.link("l", "a").link("l/x", "y"); },
                "l is both a file and a folder"},
        HarmRow{"LinkBelowLinkToAFolder", [](TarMaker& t) { t.file("a/b/c").link("l", "a").link("l/b/x", "y"); },
                "entries below l, which is a link"},
        HarmRow{"LinkOverFile", [](TarMaker& t) { t.file("f").link("f", "g"); }, "f is both a link and something else"},
        HarmRow{"HardLinkOutside", [](TarMaker& t) { t.hard_link("h", "/etc/passwd"); }, "hard link h -> /etc/passwd"},
        HarmRow{"HardLinkParent", [](TarMaker& t) { t.hard_link("h", "../x"); }, "hard link h -> ../x"},
        HarmRow{"HardLinkNowhere", [](TarMaker& t) { t.hard_link("h", "later"); }, "no such file before it"},
        HarmRow{"HardLinkToSymlink", [](TarMaker& t) { t.link("l", "f").hard_link("h", "l"); },
                "no such file before it"},
        HarmRow{"Device", [](TarMaker& t) { t.add("null", AE_IFCHR); }, "null is a device, socket or pipe"},
        HarmRow{"Pipe", [](TarMaker& t) { t.add("fifo", AE_IFIFO); }, "fifo is a device, socket or pipe"},
        HarmRow{"FileThenFolder", [](TarMaker& t) { t.file("a").file("a/b"); }, "a is both a file and a folder"},
        HarmRow{"FolderThenFile", [](TarMaker& t) { t.file("a/b").file("a"); }, "a is both a file and a folder"},
        HarmRow{"LongName", [](TarMaker& t) { t.file(std::string(300, 'n')); }, "a name is longer than 255 bytes"},
        HarmRow{"LongPath",
                [](TarMaker& t) {
                  std::string path;
                  for (int i = 0; i < 30; ++i) path += std::string(50, 'd') + "/";
                  t.file(path + "f");
                },
                "a path is longer than 1024 bytes"},
        HarmRow{"Deep",
                [](TarMaker& t) {
                  std::string path;
                  for (int i = 0; i < 100; ++i) path += "d/";
                  t.file(path + "f");
                },
                "more than 64 folders deep"},
        HarmRow{"Nothing", [](TarMaker&) {}, "the archive is empty"},
        HarmRow{"ManyEntries",
                [](TarMaker& t) { t.file("a").file("b").file("c"); },
                "more than 2 entries",
                ErrorCode::kResourceExhausted,
                {.entries_max = 2}},
        HarmRow{"ManyFolders",
                [](TarMaker& t) { t.file("a/b/c/d/e/f"); },
                "more than 2 folders",
                ErrorCode::kResourceExhausted,
                {.entries_max = 2}},
        HarmRow{"Large",
                [](TarMaker& t) { t.file("a", std::string(1001, 'x')); },
                "more than 1000 bytes unpacked (at a)",
                ErrorCode::kResourceExhausted,
                {.bytes_max = 1000}},
        HarmRow{"LargeByHardLinks",
                [](TarMaker& t) { t.file("a", std::string(600, 'x')).hard_link("b", "a"); },
                "more than 1000 bytes unpacked (at b)",
                ErrorCode::kResourceExhausted,
                {.bytes_max = 1000}}),
    [](const auto& row) { return row.param.name; });

struct NoTarRow {
  std::string name;
  std::string bytes;
  std::string why;
};
class NoTar : public UnpackTest, public ::testing::WithParamInterface<NoTarRow> {};
TEST_P(NoTar, IsSaid) {
  const auto unpacked = unpack(GetParam().bytes, inside());
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(unpacked.error().message(), HasSubstr(GetParam().why));
}
std::string cut(size_t size) { return TarMaker().file("a", std::string(5000, 'x')).bytes().substr(0, size); }
std::string flipped() {
  std::string bytes = TarMaker(ARCHIVE_FILTER_GZIP).file("a", std::string(500'000, 'x')).bytes();
  bytes[bytes.size() / 2] ^= 0x55;
  return bytes;
}
INSTANTIATE_TEST_SUITE_P(
    Tar, NoTar,
    ::testing::Values(NoTarRow{"Empty", "", "is no tar archive"}, NoTarRow{"Text", "hello", "is no tar archive"},
                      NoTarRow{"Json", R"({"instances":2})", "is no tar archive"},
                      NoTarRow{"Zip", std::string("PK\3\4") + std::string(2000, 'x'), "is no tar archive"},
                      NoTarRow{"CutInTheHeader", cut(300), "is no tar archive"},
                      NoTarRow{"CutInTheFile", cut(2000), "the archive is broken"},
                      NoTarRow{"BrokenGzip", flipped(), "broken"}),
    [](const auto& row) { return row.param.name; });

class Compressed : public UnpackTest, public ::testing::WithParamInterface<int> {};
TEST_P(Compressed, IsUnpacked) {
  const std::string content(300'000, 'c');
  const auto unpacked = unpack(TarMaker(GetParam()).file("./a//b", content).add("empty/", AE_IFDIR).bytes(), inside());
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_EQ(unpacked->files, 1);
  EXPECT_EQ(unpacked->bytes, 300'000);
  EXPECT_EQ(*io::read_file(inside() / "a/b"), content);
  EXPECT_TRUE(fs::is_directory(inside() / "empty"));
}
INSTANTIATE_TEST_SUITE_P(Tar, Compressed,
                         ::testing::Values(ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2,
                                           ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_LZ4));

TEST_F(UnpackTest, ABombIsStoppedLongBeforeItsEnd) {
  TarMaker maker(ARCHIVE_FILTER_GZIP);
  maker.file("zeros", std::string(40 << 20, '\0'));
  const auto unpacked = unpack(maker.bytes(), inside(), {.expansion_max = 100, .expansion_grace_bytes = 1 << 20});
  ASSERT_FALSE(unpacked);
  EXPECT_THAT(unpacked.error().message(), HasSubstr("more than 100 times its size (at zeros)"));
  EXPECT_LT(fs::file_size(inside() / "zeros"), uintmax_t{20} << 20);
}

TEST_F(UnpackTest, OddButHarmlessThingsAreTaken) {
  TarMaker maker;
  maker.file("endpoint.dat", "stale")
      .file("./f", "1")
      .file("f", "2")
      .hard_link("h", "./f")
      .link("sub/up", "../f")
      .add("./", AE_IFDIR);
  const auto unpacked = unpack(maker.bytes(), inside());
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_FALSE(fs::exists(inside() / "endpoint.dat"));
  EXPECT_EQ(*io::read_file(inside() / "f"), "2");
  EXPECT_EQ(*io::read_file(inside() / "h"), "2");
  EXPECT_EQ(*io::read_file(inside() / "sub/up"), "2");
  EXPECT_EQ(fs::hard_link_count(inside() / "h"), 1U);
  EXPECT_EQ(fs::status(inside() / "f").permissions(), fs::perms(0755));  // no setuid bit
}

TEST_F(UnpackTest, AnErrorOfTheSourceIsTheAnswer) {
  const auto unpacked =
      unpack_tar([]() -> Result<std::string_view> { return fail(ErrorCode::kUnavailable, "gone"); }, inside());
  EXPECT_EQ(unpacked.error().code(), ErrorCode::kUnavailable);
}

TEST(TarReader, RefusesWhatCannotBeDeployedBeforeTheFirstByte) {
  const auto folder = *io::TemporaryFolder::make("modelyard-tar-test");
  ASSERT_EQ(::symlink("/etc/passwd", (folder.path() / "l").c_str()), 0);
  EXPECT_THAT(TarReader::open(folder.path()).error().message(),
              HasSubstr("put a copy of what it points to in its place"));
  fs::remove(folder.path() / "l");
  ASSERT_EQ(::mkfifo((folder.path() / "p").c_str(), 0600), 0);
  EXPECT_THAT(TarReader::open(folder.path()).error().message(), HasSubstr("is a device, socket or pipe"));
  EXPECT_EQ(TarReader::open(folder.path() / "none").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace modelyard::payloads
