// SPDX-License-Identifier: Apache-2.0
#include "runner/guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/clock.h"
#include "io/process.h"
#include "runner/guard_process.h"

namespace modelyard::runner {

void Guard::adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

Result<Guard> Guard::fork(ScriptCommand command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(errno_error(errno, "making a socket pair"));
  io::UniqueFd ours(ends[0]);
  io::UniqueFd theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno_error(errno, "starting the model's guard"));
  if (pid == 0) {
    ours.reset();
    run_guard_process(command, theirs.release());
  }
  ::fcntl(ours.get(), F_SETFL, ::fcntl(ours.get(), F_GETFL) | O_NONBLOCK);
  return Guard(std::move(ours), pid);
}

Guard::~Guard() {
  if (!socket_) return;
  socket_.reset();  // the guard takes its tree down and ends
  const SteadyTime deadline = system_clock().now() + kGuardKillTime + seconds(1);
  while (true) {
    const pid_t ended = ::waitpid(static_cast<pid_t>(pid_), nullptr, WNOHANG);
    if (ended != 0 && !(ended < 0 && errno == EINTR)) return;
    if (system_clock().now() >= deadline) return;
    const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&pause, nullptr);
  }
}

Result<std::optional<GuardMessage>> Guard::receive() {
  GuardMessage message;
  while (true) {
    const ssize_t got = ::recv(socket_.get(), &message, sizeof message, 0);
    if (got == static_cast<ssize_t>(sizeof message)) return message;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return std::nullopt;
    return fail(ErrorCode::kFailed, "the model's guard has ended");
  }
}

namespace {
Status send_order(int fd, GuardOrder order) {
  while (::send(fd, &order, sizeof order, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return fail(errno_error(errno, "telling the model's guard"));
  }
  return {};
}
}  // namespace

Status Guard::start_script() { return send_order(socket_.get(), GuardOrder::kStart); }
// Told to a guard that has ended: nobody is left to terminate, receive() says so.
void Guard::terminate() { (void)send_order(socket_.get(), GuardOrder::kTerminate); }
void Guard::kill() { (void)send_order(socket_.get(), GuardOrder::kKill); }

}  // namespace modelyard::runner
