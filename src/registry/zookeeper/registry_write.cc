// SPDX-License-Identifier: Apache-2.0
#include "registry/zookeeper/registry_impl.h"
#include "registry/zookeeper/stored.h"

namespace modelyard::registry::zookeeper {
namespace {

using modelyard::zookeeper::CreateMode;
using modelyard::zookeeper::MultiAnswer;
using modelyard::zookeeper::Op;

constexpr int kTrimTries = 3;

tl::unexpected<Error> not_leading() {
  return fail(ErrorCode::kConflict, "this controller does not lead: another one may have changed what is stored");
}

}  // namespace

io::Task<Status> ZookeeperRegistry::Impl::write(std::vector<Write> batch) {
  const int64_t term = term_;
  while (writing_) co_await written_.wait();
  if (term != term_) co_return not_leading();
  writing_ = true;
  struct Leave {
    Impl& impl;
    ~Leave() {
      impl.writing_ = false;
      impl.written_.notify_all();
    }
  } leave{*this};
  co_return co_await write_now(batch);
}

// The nodes that runners make theirs below: they may not be able to make them.
io::Task<Status> ZookeeperRegistry::Impl::make_parents_of(const std::vector<Write>& batch) {
  for (const Write& write : batch) {
    if (write.kind != Write::Kind::kPutDeployment || write.deployment.removing) continue;
    const std::string& name = write.deployment.name;
    if (models_made_.contains(name)) continue;
    const auto made = co_await client_.create(layout_.model(name), "", CreateMode::kPersistent, access_.nests);
    if (!made && made.error().code() != ErrorCode::kAlreadyExists)
      co_return fail(Error(made.error()).with_context("making " + layout_.model(name)));
    models_made_.insert(name);
  }
  co_return Status();
}

io::Task<Status> ZookeeperRegistry::Impl::write_now(const std::vector<Write>& batch) {
  if (!deciding()) co_return not_leading();
  const int64_t term = term_;
  for (int i = 0;; ++i) {
    WriteBatch writes(layout_, access_, known_, candidate_);
    for (const Write& write : batch) MY_CO_TRY_VOID(writes.add(write, to_epoch_ms(clock_.wall())));
    MY_CO_TRY(std::vector<Op> ops, writes.finish());
    if (i == 0) {
      if (const Status made = co_await make_parents_of(batch); !made) {
        // Nothing of the batch is stored; a model's empty node beside it harms nobody.
        const bool unknown = made.error().code() == ErrorCode::kDeadline;
        co_return fail(unknown ? Error(made.error()).with_code(ErrorCode::kUnavailable) : Error(made.error()));
      }
      if (term != term_ || !deciding()) co_return not_leading();
    }
    const std::vector<Op> sent = ops;
    auto answer = co_await client_.multi(std::move(ops));
    if (!answer) {
      // What stands now must be read before anything else is written.
      if (answer.error().code() != ErrorCode::kUnavailable) lose("the answer to a change was lost");
      co_return fail(std::move(answer).error().with_context("storing a change"));
    }
    if (answer->done) {
      writes.commit(*answer, known_);
      break;
    }
    const std::string& path = sent.at(std::min(answer->failed_at, sent.size() - 1)).path;
    const bool trim = writes.role(answer->failed_at) == WriteBatch::Role::kTrim;
    if (trim && answer->refusal == ErrorCode::kNotFound && i < kTrimTries) {
      // Somebody tidied up before us.
      const std::string name(modelyard::zookeeper::name_of(path));
      std::erase(known_.events, name);
      std::erase(known_.rejected, name);
      continue;
    }
    co_return refused(writes, *answer, path);
  }
  for (const Write& write : batch) {
    // The last version's model leaves no empty node behind; one with endpoints is refused and stays.
    if (write.kind != Write::Kind::kRemoveDeployment) continue;
    const std::string begin = layout_.deployment(write.name, "");
    const std::string prefix = begin.substr(0, begin.size() - 1);
    const auto next = known_.records.lower_bound(prefix);
    if (next != known_.records.end() && next->first.starts_with(prefix)) continue;
    models_made_.erase(write.name);
    (void)co_await client_.remove(layout_.model(write.name));
  }
  co_return Status();
}

Status ZookeeperRegistry::Impl::refused(const WriteBatch& writes, const MultiAnswer& answer, const std::string& path) {
  const bool other_state = answer.refusal == ErrorCode::kNotFound || answer.refusal == ErrorCode::kConflict ||
                           answer.refusal == ErrorCode::kAlreadyExists;
  if (!other_state) return fail(Error(answer.refusal, answer.text).with_context("storing a change"));
  switch (writes.role(answer.failed_at)) {
    case WriteBatch::Role::kLeader: lose("another controller leads now"); return not_leading();
    case WriteBatch::Role::kQueue:
      return fail(ErrorCode::kConflict, "the request " + path + " is not in the queue any more");
    default:
      lose("somebody else changed " + path);
      return fail(ErrorCode::kConflict, path + " was changed by another program: " + answer.text);
  }
}

}  // namespace modelyard::registry::zookeeper
