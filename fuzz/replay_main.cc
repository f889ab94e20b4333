// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target's body over the files of a folder and over short mutations of each: every prefix of small files,
// every file with one byte changed at spread places. Deterministic, so a failure repeats.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

void run_with_mutations(const std::string& bytes) {
  run(bytes);
  constexpr size_t kMutationsMax = 64;
  const size_t step = std::max<size_t>(1, bytes.size() / kMutationsMax);
  for (size_t at = 0; at < bytes.size(); at += step) {
    run(bytes.substr(0, at));
    std::string changed = bytes;
    for (const unsigned char flip : {0x01, 0x80, 0xff}) {
      changed[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ flip);
      run(changed);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "usage: %s FOLDER_OF_SEEDS\n", argv[0]);
    return 2;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream in(path, std::ios::binary);
    run_with_mutations({std::istreambuf_iterator<char>(in), {}});
  }
  if (files.empty()) {
    std::fprintf(stderr, "%s holds no seeds\n", argv[1]);
    return 1;
  }
  std::printf("%zu seeds\n", files.size());
  return 0;
}
