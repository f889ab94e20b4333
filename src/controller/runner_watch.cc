// SPDX-License-Identifier: Apache-2.0
#include "controller/runner_watch.h"

#include <spdlog/spdlog.h>

namespace modelyard::controller {
namespace {

bool is_last_word(const registry::RunnerReport& report) {
  return report.state == registry::InstanceState::kFailed || report.state == registry::InstanceState::kGone;
}

}  // namespace

void RunnerWatch::start() {
  if (subscription_ == nullptr) {
    subscription_ = registry_.on_runners([this](const registry::RunnerNews& news) { take(news); });
    return;
  }
  for (auto& [id, known] : known_) {
    known.lease.reset();
    apply(known);
  }
}

void RunnerWatch::stop() {
  subscription_.reset();
  known_.clear();
}

void RunnerWatch::take(const registry::RunnerNews& news) {
  Known& known = known_[news.id];
  known.news = news;
  apply(known);
  if (!news.lease && !news.report) known_.erase(news.id);
}

void RunnerWatch::apply(Known& known) {
  const registry::RunnerNews& news = known.news;
  if (known.lease != nullptr && (!news.lease || news.lease->incarnation != known.incarnation)) known.lease.reset();
  if (news.lease && known.lease == nullptr) {
    auto opened = sink_.open_lease(news.id, news.lease->incarnation);
    if (opened) {
      known.lease = std::move(*opened);
      known.incarnation = news.lease->incarnation;
    } else {
      spdlog::debug("the lease of {} counts for nothing: {}", news.id, opened.error().message());
    }
  }
  if (!news.report) return;
  const bool speaks = known.lease != nullptr && news.report->incarnation == known.incarnation;
  if (!speaks && !is_last_word(*news.report)) return;
  if (const Status told = sink_.report(*news.report); !told) {
    spdlog::debug("the report of {} counts for nothing: {}", news.id, told.error().message());
  }
}

}  // namespace modelyard::controller
