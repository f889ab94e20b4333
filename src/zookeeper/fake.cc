// SPDX-License-Identifier: Apache-2.0
#include "zookeeper/fake.h"

#include "zookeeper/fake_session.h"

namespace modelyard::zookeeper {

struct FakeEnsemble::Impl {
  explicit Impl(std::shared_ptr<fake::Ensemble> shared) : ensemble(std::move(shared)) {}
  std::shared_ptr<fake::Ensemble> ensemble;
};

FakeEnsemble::FakeEnsemble(io::Loop& loop) : FakeEnsemble(loop, Options()) {}

FakeEnsemble::FakeEnsemble(io::Loop& loop, Options options)
    : impl_(std::make_shared<Impl>(std::make_shared<fake::Ensemble>(loop, options))) {}

FakeEnsemble::~FakeEnsemble() = default;

std::unique_ptr<Client> FakeEnsemble::connect(std::vector<std::pair<std::string, std::string>> auth) {
  fake::Ensemble& ensemble = *impl_->ensemble;
  auto session = std::make_shared<fake::Session>(impl_->ensemble, ensemble.loop, ++ensemble.last_session,
                                                 ensemble.options.session_timeout);
  ensemble.sessions.push_back(session);
  for (const auto& [scheme, credentials] : auth) {
    if (const auto identity = fake::identity_of(scheme, credentials)) {
      session->identities.push_back(*identity);
    } else {
      session->state = Client::State::kRefused;
      session->trouble = "the server refuses the credentials of scheme " + scheme;
    }
  }
  session->begin();
  return fake::make_client(impl_->ensemble, std::move(session));
}

void FakeEnsemble::disconnect(int64_t session) {
  if (fake::Session* found = impl_->ensemble->find(session)) found->disconnect();
}

void FakeEnsemble::reconnect(int64_t session) {
  if (fake::Session* found = impl_->ensemble->find(session)) found->reconnect();
}

void FakeEnsemble::expire(int64_t session) {
  if (fake::Session* found = impl_->ensemble->find(session)) found->expire();
}

void FakeEnsemble::lose_replies(int64_t session, int n) {
  if (fake::Session* found = impl_->ensemble->find(session)) found->replies_to_lose = n;
}

void FakeEnsemble::lose_requests(int64_t session, int n) {
  if (fake::Session* found = impl_->ensemble->find(session)) found->requests_to_lose = n;
}

void FakeEnsemble::on_write(std::function<Status(int64_t, const std::string&)> hook) {
  impl_->ensemble->hook = std::move(hook);
}

void FakeEnsemble::hold_events(bool held) {
  impl_->ensemble->events_held = held;
  if (held) return;
  for (const auto& session : impl_->ensemble->sessions) session->flush();
}

const std::map<std::string, FakeEnsemble::Node>& FakeEnsemble::nodes() const { return impl_->ensemble->store.nodes(); }

const std::vector<std::string>& FakeEnsemble::requests() const { return impl_->ensemble->requests; }

bool FakeEnsemble::put(const std::string& path, std::string data) {
  fake::Store& store = impl_->ensemble->store;
  const fake::Caller nobody{.is_trusted = true};
  const bool done = store.find(path) ? store.set(nobody, Op::set(path, std::move(data))).has_value()
                                     : store.create(nobody, Op::create(path, std::move(data))).has_value();
  impl_->ensemble->publish();
  return done;
}

bool FakeEnsemble::erase(const std::string& path) {
  const bool done = impl_->ensemble->store.remove({.is_trusted = true}, Op::remove(path)).has_value();
  impl_->ensemble->publish();
  return done;
}

}  // namespace modelyard::zookeeper
