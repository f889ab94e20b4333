// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/fake_session.h"

namespace modelyard::zookeeper::fake {
namespace {

// The server's jute.maxbuffer: it hangs up on a longer request.
constexpr size_t kRequestMax = 0xfffff;

}  // namespace

Session* Ensemble::find(int64_t session) {
  for (const auto& each : sessions) {
    if (each->id == session) return each.get();
  }
  return nullptr;
}

void Ensemble::publish() {
  const std::vector<StoreEvent> events = store.take_events();
  if (events.empty()) return;
  for (const auto& session : sessions) {
    for (const StoreEvent& event : events) session->tell(event);
  }
}

Session::Session(std::weak_ptr<Ensemble> ensemble, io::Loop& loop, int64_t number, std::chrono::milliseconds t)
    : id(number),
      timeout(t),
      last_heard(system_clock().now()),
      state_changed(loop.executor()),
      ensemble_(std::move(ensemble)),
      loop_(loop) {}

void Session::announce(Client::State now, bool new_session) {
  state = now;
  state_changed.notify_all();
  std::erase_if(subscriptions_, [](const auto& each) { return each.expired(); });
  loop_.post([told = subscriptions_, now, new_session] {
    for (const auto& weak : told) {
      if (const auto callback = weak.lock()) (*callback)(now, new_session);
    }
  });
}

Client::Subscription Session::subscribe(std::function<void(Client::State, bool)> callback) {
  auto kept = std::make_shared<std::function<void(Client::State, bool)>>(std::move(callback));
  subscriptions_.push_back(kept);
  return kept;
}

void Session::begin() {
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->state == Client::State::kConnecting && !self->is_away_) self->link();
  });
}

void Session::link() {
  if (state == Client::State::kClosed || is_abandoned_) return;
  if (!is_alive_) {
    lose_session();
    return;
  }
  trouble.clear();
  last_heard = system_clock().now();
  announce(Client::State::kConnected, std::exchange(is_new_, false));
  set_watches_again();
  schedule_pump();
}

void Session::lose_session() {
  announce(Client::State::kExpired, false);
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    const auto ensemble = self ? self->ensemble_.lock() : nullptr;
    if (!ensemble || self->state != Client::State::kExpired) return;
    self->tell_lost();
    if (!self->is_away_) self->begin_session(*ensemble);
  });
}

void Session::begin_session(Ensemble& ensemble) {
  id = ++ensemble.last_session;
  is_alive_ = true;
  is_new_ = true;
  seen_zxid_ = ensemble.store.zxid();
  link();
}

void Session::break_connection() {
  if (state == Client::State::kConnected) {
    last_heard = system_clock().now();
    announce(Client::State::kConnecting, false);
  }
  trouble = "fake:2181: the connection broke";
  registered = {};
  const auto unanswered = [](Call& call) {
    call.fail_with(Error(ErrorCode::kDeadline, call.what + ": the connection broke; it may have been carried out"));
  };
  for (const Item& item : std::exchange(stream_, {})) {
    if (const Answer* answer = std::get_if<Answer>(&item)) unanswered(*answer->call);
  }
  for (const auto& call : std::exchange(queue_, {})) unanswered(*call);
}

void Session::disconnect() {
  is_away_ = true;
  if (state == Client::State::kConnected) break_connection();
}

void Session::reconnect() {
  is_away_ = false;
  if (state == Client::State::kConnecting) begin();
  if (state != Client::State::kExpired) return;
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    const auto ensemble = self ? self->ensemble_.lock() : nullptr;
    if (ensemble && self->state == Client::State::kExpired && !self->is_away_) self->begin_session(*ensemble);
  });
}

void Session::expire() {
  const auto ensemble = ensemble_.lock();
  if (!ensemble || !is_alive_) return;
  is_alive_ = false;
  if (state == Client::State::kConnected) {
    break_connection();
    begin();
  } else {
    registered = {};
  }
  ensemble->store.end_session(id);
  ensemble->publish();
}

void Session::close() {
  if (state == Client::State::kClosed) return;
  const auto ensemble = ensemble_.lock();
  const bool was_connected = state == Client::State::kConnected;
  announce(Client::State::kClosed, false);
  registered = {};
  watchers = {};
  const auto cancel = [](Call& call) {
    call.fail_with(Error(ErrorCode::kCancelled, call.what + ": the client was closed"));
  };
  for (const Item& item : std::exchange(stream_, {})) {
    if (const Answer* answer = std::get_if<Answer>(&item)) cancel(*answer->call);
  }
  for (const auto& call : std::exchange(queue_, {})) cancel(*call);
  if (!ensemble || !was_connected) return;
  is_alive_ = false;
  ensemble->store.end_session(id);
  ensemble->publish();
}

void Session::abandon() {
  is_abandoned_ = true;
  subscriptions_.clear();
  if (state == Client::State::kClosed) {
    // Nothing at the server remembers it.
    if (const auto ensemble = ensemble_.lock(); ensemble && !is_alive_)
      std::erase_if(ensemble->sessions, [this](const auto& each) { return each.get() == this; });
    return;
  }
  watchers = {};
  break_connection();
}

void Session::schedule_pump() {
  if (pump_scheduled_ || state != Client::State::kConnected || queue_.empty()) return;
  pump_scheduled_ = true;
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

void Session::pump() {
  pump_scheduled_ = false;
  const auto ensemble = ensemble_.lock();
  while (ensemble && state == Client::State::kConnected && !queue_.empty()) {
    const std::shared_ptr<Call> call = queue_.front();
    queue_.pop_front();
    const auto lost = [&] {
      call->fail_with(Error(ErrorCode::kDeadline, call->what + ": the connection broke; it may have been carried out"));
      break_connection();
      begin();
    };
    if (call->size > kRequestMax || (call->is_write && requests_to_lose > 0)) {
      if (call->size <= kRequestMax) --requests_to_lose;
      lost();
      return;
    }
    ensemble->requests.push_back(call->what);
    call->apply(*ensemble);
    ensemble->publish();
    if (call->is_write && replies_to_lose > 0) {
      --replies_to_lose;
      lost();
      return;
    }
    stream_.push_back(Answer{call, ensemble->store.zxid()});
    flush();
  }
}

// One item a turn of the loop: who waits for an answer goes on before the event after it is told.
void Session::flush() {
  const auto ensemble = ensemble_.lock();
  if (flush_scheduled_ || stream_.empty() || !ensemble) return;
  if (ensemble->events_held && std::holds_alternative<WatchEvent>(stream_.front())) return;
  flush_scheduled_ = true;
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->flush_scheduled_ = false;
    const auto owner = self->ensemble_.lock();
    if (self->stream_.empty() || !owner) return;
    if (owner->events_held && std::holds_alternative<WatchEvent>(self->stream_.front())) return;
    const Item item = std::move(self->stream_.front());
    self->stream_.pop_front();
    self->last_heard = system_clock().now();
    if (const WatchEvent* event = std::get_if<WatchEvent>(&item)) {
      // An event is no proof of having seen all that its transaction did: it does not move seen_zxid_.
      self->dispatch(*event);
    } else {
      const Answer& answer = std::get<Answer>(item);
      self->seen_zxid_ = std::max(self->seen_zxid_, answer.zxid);
      answer.call->deliver();
    }
    self->flush();
  });
}

}  // namespace modelyard::zookeeper::fake
