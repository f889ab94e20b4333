// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/file.h"

namespace modelyard::payloads {

// What people name when they deploy: SOURCE of `modelyard deploy` and `modelyard run`.
struct Source {
  enum class Kind { kFolder, kPythonFunction, kCommand };
  Kind kind = Kind::kFolder;
  std::filesystem::path path;        // the folder, or the Python file
  std::string function;              // kPythonFunction
  std::vector<std::string> command;  // kCommand: the words after "--"
};

// "models/dga" is a folder, "app.py:score" a function. kInvalidArgument says what SOURCE may be.
Result<Source> parse_source(std::string_view word);
Source command_source(std::vector<std::string> words);

// An ordinary payload folder made of a source. When the packager had to write files, it owns the folder and removes it
// at its end.
struct Package {
  std::filesystem::path folder;
  std::string default_name;        // fit for a deployment's name: of the folder, the file or the program
  std::vector<std::string> notes;  // for stderr: what was left out and why
  std::optional<io::TemporaryFolder> owned;
};

// Judges the source as far as possible without running it: the folder has exactly one .sh; the Python file exists,
// compiles and defines the function; the command's program exists. Blocks (reads files, starts python3 for at most 10
// s).
//
// A function and a command are packed with the files around them: the folder that holds the file (for a command: of
// each relative path among its words) without version control, caches of Python and virtual environments. Where that
// folder is the home folder, a root, /tmp, or larger than 256 MiB or 10,000 files, the named files alone are packed,
// with a note.
Result<Package> make_package(const Source& source);

}  // namespace modelyard::payloads
