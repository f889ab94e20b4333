// SPDX-License-Identifier: Apache-2.0
#include "payloads/packagers.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/strings.h"
#include "payloads/judge.h"
#include "payloads/python_helper.h"
#include "payloads/run_tool.h"
#include "payloads/surroundings.h"

namespace modelyard::payloads {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSources =
    "SOURCE is a folder with one .sh, a Python function like app.py:score, or a command behind --";

// A word for a shell, meant literally but for $PORT and ${PORT}.
std::string quote(std::string_view word, bool expand_port) {
  std::string out = "'";
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\'') {
      out += "'\\''";
      continue;
    }
    size_t taken = 0;
    if (expand_port && word.substr(i).starts_with("${PORT}")) taken = 7;
    if (expand_port && word.substr(i).starts_with("$PORT") &&
        (i + 5 == word.size() || (word[i + 5] != '_' && !std::isalnum(static_cast<unsigned char>(word[i + 5]))))) {
      taken = 5;
    }
    if (taken == 0) {
      out += word[i];
      continue;
    }
    out += "'\"$PORT\"'";
    i += taken - 1;
  }
  return out + "'";
}

// A name of a person's file as a deployment's name.
std::string name_from(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
    name += fits ? c : '-';
  }
  const size_t start = name.find_first_not_of(".-");
  name = start == std::string::npos ? "" : name.substr(start, 128);
  return name.empty() ? "model" : name;
}

Result<Package> begin_package(std::string default_name) {
  MY_TRY(io::TemporaryFolder folder, io::TemporaryFolder::make("modelyard-package"));
  Package package{.folder = folder.path(), .default_name = std::move(default_name)};
  package.owned.emplace(std::move(folder));
  MY_TRY_VOID(io::make_folder(package.folder / "app", 0755));
  return package;
}

Result<Package> package_folder(const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error) return fail(errno_error(error.value(), "reading folder " + folder.string()));
  if (auto script = judge_payload(real); !script) return fail(std::move(script).error().with_context(folder.string()));
  Package package{.folder = real, .default_name = name_from(real.filename().string())};
  if (fs::exists(real / "endpoint.dat", error)) package.notes.push_back("endpoint.dat of an earlier run is left out");
  return package;
}

Status check_python(const fs::path& file, const std::string& function) {
  constexpr std::chrono::seconds kTime{10};
  auto checked = run_tool({"python3", "-I", "-c", std::string(python_check_program()), file.string(), function}, kTime);
  if (!checked && checked.error().code() == ErrorCode::kNotFound) {
    return fail(ErrorCode::kFailed,
                "python3 is not in PATH, and a Python function needs it: install it, or activate its environment");
  }
  if (!checked) return fail(std::move(checked).error().with_context("checking " + file.string()));
  if (checked->exit_code == 0) return {};
  return fail(ErrorCode::kInvalidArgument, std::string(trim_ascii(checked->text)));
}

Result<Package> package_python(const Source& source) {
  std::error_code error;
  if (!fs::is_regular_file(source.path, error)) {
    return fail(ErrorCode::kNotFound, fmt::format("there is no file {}", source.path.string()));
  }
  MY_TRY_VOID(check_python(source.path, source.function));
  MY_TRY(Package package, begin_package(name_from(source.path.stem().string())));
  const fs::path file = fs::absolute(source.path).lexically_normal();
  const std::string name = file.filename().string();
  MY_TRY_VOID(pack_surroundings(file.parent_path(), {name}, package.folder / "app", package.notes));
  MY_TRY_VOID(io::write_file_atomic(package.folder / "modelyard_serve.py", python_serve_program(), 0644));
  const std::string script = fmt::format(
      "#!/bin/sh\n# Serves a Python function; written by modelyard.\nexec python3 -u modelyard_serve.py {} {}\n",
      quote("app/" + name, false), quote(source.function, false));
  MY_TRY_VOID(io::write_file_atomic(package.folder / "start.sh", script, 0755));
  return package;
}

// The files of the present folder that a command's words name.
struct CommandWords {
  std::vector<std::string> words;
  std::vector<std::string> named;
};

CommandWords look_at_words(const std::vector<std::string>& command, const fs::path& here,
                           std::vector<std::string>& notes) {
  CommandWords found;
  for (size_t i = 0; i < command.size(); ++i) {
    std::string word = command[i];
    const size_t equals = word.starts_with('-') ? word.find('=') : std::string::npos;  // --config=conf/model.json
    const size_t start = equals == std::string::npos ? 0 : equals + 1;
    const std::string path = word.substr(start);
    const bool is_path = i > 0 || path.find('/') != std::string::npos;  // a bare first word is looked up in PATH
    std::error_code error;
    if (is_path && !path.empty() && path.front() != '/' && path.front() != '-' && fs::exists(here / path, error)) {
      const std::string normal = fs::path(path).lexically_normal().string();
      if (normal == ".." || normal.starts_with("../")) {
        word = word.substr(0, start) + (here / path).lexically_normal().string();
        notes.push_back(fmt::format("{} lies outside of the present folder: it is used where it is, not packed", path));
      } else if (normal != ".") {
        found.named.push_back(normal);
      }
    }
    found.words.push_back(std::move(word));
  }
  return found;
}

std::string name_of_command(const std::vector<std::string>& command, const std::vector<std::string>& named) {
  const std::string program = fs::path(command.front()).filename().string();
  constexpr std::string_view kInterpreters[] = {"python", "node",  "ruby",    "perl",    "bash",     "sh",
                                                "java",   "php",   "Rscript", "deno",    "bun",      "go",
                                                "lua",    "julia", "env",     "uvicorn", "gunicorn", "flask"};
  const bool interprets = std::any_of(std::begin(kInterpreters), std::end(kInterpreters), [&](std::string_view name) {
    return program.starts_with(name) &&
           program.find_first_not_of("0123456789.", name.size()) == std::string::npos;  // python3.11
  });
  if (interprets && !named.empty()) return name_from(fs::path(named.front()).stem().string());
  return name_from(fs::path(program).stem().string());
}

// The command takes the script's place, so its end is the script's end. Beside it, as an orphan so that the command
// never meets a child it did not make, waits what looks at the port: until it answers, or for 3 s after the command has
// gone into the background.
std::string command_script(const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) command += " " + quote(word, true);
  return fmt::format(R"sh(#!/bin/bash
# Runs a command that listens on $PORT; written by modelyard.
: "${{PORT:?the port to listen on must be in the environment}}"
main=$$
(
  (
    exec >/dev/null 2>&1
    left=150
    until (exec 3<>"/dev/tcp/127.0.0.1/$PORT") || (exec 3<>"/dev/tcp/::1/$PORT"); do
      kill -0 "$main" || left=$((left - 1))
      [ "$left" -gt 0 ] || exit
      sleep 0.02
    done
    printf '{{"url":"http://localhost:%s"}}\n' "$PORT" >endpoint.dat.tmp && mv endpoint.dat.tmp endpoint.dat
  ) &
)
cd app && exec{}
)sh",
                     command);
}

Result<Package> package_command(const Source& source) {
  std::vector<std::string> command = source.command;
  if (command.empty() || command.front().empty())
    return fail(ErrorCode::kInvalidArgument, "there is no command behind --");
  // One word with blanks is a line for a shell.
  if (command.size() == 1 && command.front().find_first_of(" \t") != std::string::npos &&
      !find_program(command.front())) {
    command = {"/bin/sh", "-c", command.front()};
  } else if (!find_program(command.front())) {
    return fail(ErrorCode::kNotFound,
                fmt::format("there is no program {} that can be run{}", command.front(),
                            command.front().find('/') == std::string::npos ? " (looked for in PATH)" : ""));
  }
  std::error_code error;
  const fs::path here = fs::current_path(error);
  if (error) return fail(errno_error(error.value(), "reading the present folder"));
  std::vector<std::string> notes;
  CommandWords found = look_at_words(command, here, notes);
  if (command.size() != source.command.size()) {
    std::vector<std::string> parts;
    for (const std::string_view part : split(source.command.front(), ' ')) parts.emplace_back(part);
    found.named = look_at_words(parts, here, notes).named;
  }
  MY_TRY(Package package, begin_package(name_of_command(source.command, found.named)));
  package.notes = std::move(notes);
  MY_TRY_VOID(pack_surroundings(here, found.named, package.folder / "app", package.notes));
  MY_TRY_VOID(io::write_file_atomic(package.folder / "start.sh", command_script(found.words), 0755));
  return package;
}

}  // namespace

Result<Source> parse_source(std::string_view word) {
  if (word.empty()) return fail(ErrorCode::kInvalidArgument, kSources);
  Source source{.path = fs::path(word)};
  std::error_code error;
  if (fs::is_directory(source.path, error)) return source;
  const size_t colon = word.rfind(':');
  if (colon != std::string_view::npos && word.substr(0, colon).ends_with(".py")) {
    source.kind = Source::Kind::kPythonFunction;
    source.path = fs::path(word.substr(0, colon));
    source.function = std::string(word.substr(colon + 1));
    if (!source.function.empty()) return source;
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} names no function behind ':', like {}score", word, word));
  }
  const bool is_file = fs::exists(source.path, error);
  if (is_file && word.ends_with(".py")) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a Python file: name its function too, like {}:score", word, word));
  }
  if (is_file) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a file: deploy the folder that holds it, or a command behind --", word));
  }
  return fail(ErrorCode::kNotFound, fmt::format("there is no folder {}: {}", word, kSources));
}

Source command_source(std::vector<std::string> words) {
  return Source{.kind = Source::Kind::kCommand, .command = std::move(words)};
}

Result<Package> make_package(const Source& source) {
  switch (source.kind) {
    case Source::Kind::kFolder: return package_folder(source.path);
    case Source::Kind::kPythonFunction: return package_python(source);
    case Source::Kind::kCommand: break;
  }
  return package_command(source);
}

}  // namespace modelyard::payloads
