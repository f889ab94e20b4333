// SPDX-License-Identifier: Apache-2.0
#include "runner/guard_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "io/process.h"

namespace modelyard::runner {
namespace {

// Everything above stderr that is not on the list.
void close_others(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned first = 3;
  for (const int fd : keep) {
    if (fd < 3) continue;
    if (static_cast<unsigned>(fd) > first) ::syscall(SYS_close_range, first, static_cast<unsigned>(fd) - 1, 0);
    first = static_cast<unsigned>(fd) + 1;
  }
  ::syscall(SYS_close_range, first, ~0U, 0);
}

// What execve gets, made before the fork: the child of a fork should allocate nothing.
struct Arguments {
  std::vector<char*> argv;
  std::vector<char*> fallback_argv;  // with bash in front: no first line "#!", or a file system mounted noexec
  std::vector<char*> envp;
  bool has_interpreter_line = false;
  const char* shell = "/bin/sh";

  explicit Arguments(const ScriptCommand& command) {
    const auto text = [](const std::string& s) { return const_cast<char*>(s.c_str()); };
    if (::access("/bin/bash", X_OK) == 0) shell = "/bin/bash";
    argv = {text(command.script), nullptr};
    fallback_argv = {const_cast<char*>(shell), text(command.script), nullptr};
    for (const std::string& line : command.environment) envp.push_back(text(line));
    envp.push_back(nullptr);
    char start[2] = {};
    const int fd = ::open(command.script.c_str(), O_RDONLY | O_CLOEXEC);
    has_interpreter_line = fd >= 0 && ::read(fd, start, sizeof start) == 2 && start[0] == '#' && start[1] == '!';
    if (fd >= 0) ::close(fd);
  }
};

[[noreturn]] void become_script(const ScriptCommand& command, const Arguments& arguments, pid_t guard, int error_pipe) {
  const auto give_up = [&] {
    const int error = errno;
    [[maybe_unused]] const ssize_t written = ::write(error_pipe, &error, sizeof error);
    ::_exit(127);
  };
  if (command.own_session) ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != guard) ::_exit(127);  // it died in between
  if (command.cgroup_fd >= 0 && ::write(command.cgroup_fd, "0", 1) < 0) give_up();
  if (::chdir(command.folder.c_str()) != 0) give_up();
  if (::dup2(command.stdout_fd, STDOUT_FILENO) < 0 || ::dup2(command.stderr_fd, STDERR_FILENO) < 0) give_up();
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
  // error_pipe is close-on-exec, so are all other descriptors: the reader sees the end of it when this succeeds.
  if (arguments.has_interpreter_line) {
    ::execve(arguments.argv[0], arguments.argv.data(), arguments.envp.data());
    if (errno != ENOEXEC && errno != EACCES) give_up();
  }
  ::execve(arguments.shell, arguments.fallback_argv.data(), arguments.envp.data());
  give_up();
  ::_exit(127);
}

class GuardProcess {
 public:
  GuardProcess(const ScriptCommand& command, int socket) : command_(command), socket_(socket) {}

  [[noreturn]] void run() {
    prepare();
    bool open = true;
    while (open) {
      pollfd waits[2] = {{socket_, POLLIN, 0}, {signals_, POLLIN, 0}};
      if (::poll(waits, 2, -1) < 0 && errno != EINTR) break;
      if (waits[1].revents != 0) reap();
      if (waits[0].revents != 0) open = obey();
    }
    kill_tree();
    if (!command_.cgroup_folder.empty()) ::rmdir(command_.cgroup_folder.c_str());
    ::_exit(0);
  }

 private:
  void prepare() {
    if (command_.own_session) ::setsid();
    ::prctl(PR_SET_NAME, "modelyard-guard");
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) ::signal(number, SIG_IGN);
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &child, nullptr);
    close_others({socket_, command_.stdout_fd, command_.stderr_fd, command_.cgroup_fd, command_.keep_fd});
    signals_ = ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
      ::dup2(null, STDIN_FILENO);
      ::close(null);
    }
  }

  void tell(GuardMessage::Kind kind, int value = 0, int more = 0) const {
    const GuardMessage message{.kind = kind, .value = value, .more = more};
    while (::send(socket_, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
  }

  bool obey() {
    GuardOrder order{};
    const ssize_t got = ::recv(socket_, &order, sizeof order, MSG_DONTWAIT);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    if (got != static_cast<ssize_t>(sizeof order)) return false;
    switch (order) {
      case GuardOrder::kStart: start(); break;
      case GuardOrder::kTerminate:
        for (const io::ProcessStat& process : io::list_descendants(::getpid())) {
          ::kill(static_cast<pid_t>(process.pid), SIGTERM);
        }
        break;
      case GuardOrder::kKill:
        kill_tree();
        if (!said_empty_) tell(GuardMessage::Kind::kEmpty);
        break;
    }
    return true;
  }

  void start() {
    if (script_ > 0) return;
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return tell(GuardMessage::Kind::kNotStarted, errno);
    const pid_t guard = ::getpid();
    const Arguments arguments(command_);
    script_ = ::fork();
    if (script_ == 0) become_script(command_, arguments, guard, pipe[1]);
    const int fork_error = errno;
    ::close(pipe[1]);
    int error = 0;
    ssize_t got = 0;
    if (script_ > 0) {
      while ((got = ::read(pipe[0], &error, sizeof error)) < 0 && errno == EINTR) {
      }
    }
    ::close(pipe[0]);
    // The pipes must end when the last process of the tree has closed them.
    ::close(command_.stdout_fd);
    ::close(command_.stderr_fd);
    if (script_ < 0) return tell(GuardMessage::Kind::kNotStarted, fork_error);
    if (got == static_cast<ssize_t>(sizeof error)) {
      ::waitpid(script_, nullptr, 0);
      return tell(GuardMessage::Kind::kNotStarted, error);
    }
    started_ = true;
    tell(GuardMessage::Kind::kStarted, script_);
  }

  // True when no child is left: since this is a subreaper, then nothing of the tree is.
  bool reap() {
    signalfd_siginfo info[16];
    while (::read(signals_, info, sizeof info) > 0) {
    }
    bool ended = false;
    int end_status = 0;
    bool none_left = false;
    while (true) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid == 0) break;
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) {
        none_left = true;
        break;
      }
      if (pid == script_ && started_) {
        ended = true;
        end_status = status;
      }
    }
    if (ended) tell(GuardMessage::Kind::kScriptEnded, end_status, none_left ? 0 : 1);
    if (started_ && none_left && !said_empty_) {
      said_empty_ = true;
      tell(GuardMessage::Kind::kEmpty);
    }
    return none_left;
  }

  void kill_tree() {
    const SteadyTime deadline = system_clock().now() + kGuardKillTime;
    while (!reap()) {
      for (const io::ProcessStat& process : io::list_descendants(::getpid())) {
        ::kill(static_cast<pid_t>(process.pid), SIGKILL);
      }
      if (system_clock().now() >= deadline) return;
      pollfd wait{signals_, POLLIN, 0};
      ::poll(&wait, 1, 2);
    }
  }

  const ScriptCommand& command_;
  const int socket_;
  int signals_ = -1;
  pid_t script_ = -1;
  bool started_ = false;
  bool said_empty_ = false;
};

}  // namespace

void run_guard_process(const ScriptCommand& command, int socket) { GuardProcess(command, socket).run(); }

}  // namespace modelyard::runner
