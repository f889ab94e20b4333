// SPDX-License-Identifier: Apache-2.0
#include "cli/stellar_repl.h"

#include <fmt/format.h>
#include <histedit.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <iostream>

#include "io/file.h"

namespace modelyard::cli {
namespace {

constexpr int kHistoryLines = 2000;
constexpr size_t kInputMax = size_t{1} << 20;
constexpr const char* kPrompt = "stellar> ";
constexpr const char* kMorePrompt = "     ... ";

// The session that ^C stops; set while the conversation lasts.
stellar::Session* interruptible = nullptr;

// Without SA_RESTART, so that a ^C at the prompt comes back from the read as well.
class InterruptHandler {
 public:
  explicit InterruptHandler(stellar::Session& session) {
    interruptible = &session;
    struct sigaction action {};
    action.sa_handler = [](int) {
      if (interruptible) interruptible->interrupt();
    };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~InterruptHandler() {
    ::sigaction(SIGINT, &before_, nullptr);
    interruptible = nullptr;
  }
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;

 private:
  struct sigaction before_ {};
};

class Editor {
 public:
  Editor(stellar::Session& session, const std::filesystem::path& history_file)
      : session_(session),
        history_file_(history_file),
        history_(::history_init()),
        editor_(::el_init("modelyard", stdin, stdout, stderr)) {
    HistEvent event;
    ::history(history_, &event, H_SETSIZE, kHistoryLines);
    ::history(history_, &event, H_SETUNIQUE, 1);
    if (!history_file_.empty()) ::history(history_, &event, H_LOAD, history_file_.c_str());
    ::el_set(editor_, EL_CLIENTDATA, this);
    ::el_set(editor_, EL_PROMPT, &Editor::prompt);
    ::el_set(editor_, EL_EDITOR, "emacs");
    ::el_set(editor_, EL_HIST, ::history, history_);
    ::el_set(editor_, EL_ADDFN, "complete", "complete the word", &Editor::complete);
    ::el_set(editor_, EL_BIND, "^I", "complete", nullptr);
    ::el_source(editor_, nullptr);  // the user's ~/.editrc
  }
  ~Editor() {
    save();
    ::el_end(editor_);
    ::history_end(history_);
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  enum class Got { kLine, kCleared, kEnd };
  // One input, over several lines while it is not whole.
  Got read(std::string& input) {
    input.clear();
    more_ = false;
    while (true) {
      int count = 0;
      errno = 0;
      const char* line = ::el_gets(editor_, &count);
      if (line == nullptr || count <= 0) {
        if (count < 0 && errno == EINTR) {
          ::el_reset(editor_);
          fmt::print("\n");
          return Got::kCleared;
        }
        return Got::kEnd;
      }
      input.append(line, static_cast<size_t>(count));
      while (input.ends_with('\n') || input.ends_with('\r')) input.pop_back();
      if (!stellar::Session::needs_more(input) || input.size() > kInputMax) break;
      input += '\n';
      more_ = true;
    }
    if (input.find_first_not_of(" \t") != std::string::npos) {
      HistEvent event;
      ::history(history_, &event, H_ENTER, input.c_str());
    }
    return Got::kLine;
  }

 private:
  static Editor* of(EditLine* editor) {
    void* data = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &data);
    return static_cast<Editor*>(data);
  }

  static char* prompt(EditLine* editor) { return const_cast<char*>(of(editor)->more_ ? kMorePrompt : kPrompt); }

  static unsigned char complete(EditLine* editor, int) {
    const LineInfo* info = ::el_line(editor);
    const std::string before(info->buffer, info->cursor);
    const std::vector<std::string> words = of(editor)->session_.complete(before);
    if (words.empty()) return CC_REFRESH_BEEP;
    std::string common = words.front();
    for (const std::string& word : words) {
      common.resize(static_cast<size_t>(std::ranges::mismatch(common, word).in1 - common.begin()));
    }
    const std::string addition = common.substr(overlap(before, common));
    if (!addition.empty()) return ::el_insertstr(editor, addition.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    if (words.size() == 1) return CC_REFRESH;
    fmt::print("\n{}\n", fmt::join(words, "  "));
    return CC_REDISPLAY;
  }

  // How many bytes at the end of `before` the word begins with.
  static size_t overlap(std::string_view before, std::string_view word) {
    for (size_t length = std::min(before.size(), word.size()); length > 0; --length) {
      if (before.ends_with(word.substr(0, length))) return length;
    }
    return 0;
  }

  void save() {
    if (history_file_.empty() || !io::make_folder(history_file_.parent_path(), 0700)) return;
    HistEvent event;
    ::history(history_, &event, H_SAVE, history_file_.c_str());
  }

  stellar::Session& session_;
  std::filesystem::path history_file_;
  History* history_;
  EditLine* editor_;
  bool more_ = false;
};

bool print_reply(const stellar::Session::Reply& reply, Output& out) {
  if (reply.error) {
    static_cast<void>(out.flush());
    fmt::print(stderr, "{}\n", printable(reply.text));
  } else if (!reply.text.empty()) {
    out.line(out.is_terminal() ? printable(reply.text) : reply.text);
    static_cast<void>(out.flush());
  }
  return !reply.error;
}

}  // namespace

void run_repl(stellar::Session& session, Output& out, const std::filesystem::path& history_file) {
  std::setlocale(LC_CTYPE, "");
  const InterruptHandler handler(session);
  Editor editor(session, history_file);
  out.line(
      "Stellar. ?FUNCTION explains one, %functions lists them, %vars shows variables, name := expression sets one; ^D "
      "ends.");
  static_cast<void>(out.flush());
  std::string input;
  while (true) {
    const Editor::Got got = editor.read(input);
    if (got == Editor::Got::kEnd) break;
    if (got == Editor::Got::kLine) print_reply(session.enter(input), out);
  }
  out.line("");
}

Status run_script(stellar::Session& session, Output& out) {
  bool good = true;
  std::string input;
  std::string line;
  const auto enter = [&] {
    good = print_reply(session.enter(input), out) && good;
    input.clear();
  };
  while (std::getline(std::cin, line)) {
    input += line;
    if (stellar::Session::needs_more(input) && input.size() < kInputMax) {
      input += '\n';
    } else {
      enter();
    }
  }
  if (!input.empty()) enter();
  if (!good) return fail(ErrorCode::kFailed, "not every expression could be evaluated");
  return {};
}

}  // namespace modelyard::cli
