// SPDX-License-Identifier: Apache-2.0
#include "runner/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

namespace modelyard::runner {

FolderWatch::FolderWatch(io::Executor executor, std::filesystem::path folder, std::string name)
    : name_(std::move(name)) {
  io::UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  constexpr uint32_t kEvents = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO;
  if (fd && ::inotify_add_watch(fd.get(), folder.c_str(), kEvents) >= 0) inotify_.emplace(executor, std::move(fd));
}

io::Task<void> FolderWatch::wait_change() {
  if (!inotify_) {
    co_await io::sleep_for(milliseconds(20));
    co_return;
  }
  bool touched = false;
  while (!touched) {
    co_await inotify_->wait(io::Descriptor::For::kRead);
    alignas(inotify_event) char buffer[16384];
    ssize_t got = 0;
    while ((got = ::read(inotify_->get(), buffer, sizeof buffer)) > 0) {
      for (const char* at = buffer; at < buffer + got;) {
        const auto* const event = reinterpret_cast<const inotify_event*>(at);
        const bool overflow = (event->mask & (IN_Q_OVERFLOW | IN_IGNORED)) != 0;
        if (overflow || (event->len > 0 && name_ == event->name)) touched = true;
        at += sizeof *event + event->len;
      }
    }
  }
}

}  // namespace modelyard::runner
