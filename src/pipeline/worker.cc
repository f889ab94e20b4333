// SPDX-License-Identifier: Apache-2.0
#include "pipeline/worker.h"

#include <fmt/format.h>

#include <deque>

#include "base/assert.h"
#include "base/strings.h"
#include "pipeline/calls.h"
#include "pipeline/error_document.h"
#include "pipeline/runner.h"
#include "stellar/json_value.h"

namespace modelyard::pipeline {
namespace {

constexpr size_t kRawOfOversized = 64 << 10;

// What came of one message, or of one part of a record that could not be parsed.
struct Piece {
  std::vector<OutputDocument> documents;  // without ids yet
};

// A record inside the worker. Reused.
struct Slot {
  FinishedRecord out;
  std::string bytes;
  RawMessage raw;
  std::vector<Piece> pieces;
  size_t piece_count = 0;
  size_t open = 0;  // jobs that are not done
};

}  // namespace

// A Job and where its documents go.
struct WorkerJob : Job {
  void* slot = nullptr;
  size_t piece = 0;
};

struct Worker::State : ParseOutput {
  State(std::shared_ptr<const Pipeline> the_pipeline, stellar::Capabilities& the_capabilities, const Clock& the_clock,
        const WorkerOptions& the_options)
      : pipeline(std::move(the_pipeline)),
        plan(pipeline->plan()),
        capabilities(the_capabilities),
        clock(the_clock),
        options(the_options),
        runner(plan, options.stage),
        names(options.stage == Stage::kIndex ? Names::kColons : Names::kDots),
        errors(clock, random),
        scratch(plan.parser->make_scratch()),
        calls(options.calls_in_flight_max),
        cache(plan.cache, clock) {}

  const std::shared_ptr<const Pipeline> pipeline;
  const Plan& plan;
  stellar::Capabilities& capabilities;
  const Clock& clock;
  const WorkerOptions options;
  Random random = Random::from_system();
  const Runner runner;
  const Names names;
  ErrorWriter errors;
  const std::unique_ptr<ParserScratch> scratch;
  Calls calls;
  AnswerCache cache;
  WorkerStatistics statistics;

  std::deque<std::unique_ptr<Slot>> slots;  // in the order of the input
  std::vector<std::unique_ptr<Slot>> free_slots;
  std::vector<std::unique_ptr<WorkerJob>> jobs;  // all there are
  std::vector<WorkerJob*> free_jobs;
  size_t bytes_in_flight = 0;
  std::string source;     // of the last record …
  std::string id_prefix;  // … and "squid:<digest>:"

  Slot* filling = nullptr;         // the record that is being parsed …
  std::vector<WorkerJob*> parsed;  // … and its messages

  // --- ParseOutput
  Message& add_message() override {
    WorkerJob* job = take_job();
    job->slot = filling;
    job->piece = add_piece(*filling);
    job->raw = &filling->raw;
    ++filling->open;
    parsed.push_back(job);
    return job->message;
  }
  void add_error(std::string_view raw, std::string text) override {
    add_error_document(*filling, add_piece(*filling),
                       {.type = "parser_error", .sensor = plan.sensor, .text = text, .raw = raw});
  }

  WorkerJob* take_job() {
    if (free_jobs.empty()) {
      jobs.push_back(std::make_unique<WorkerJob>());
      jobs.back()->capabilities = &capabilities;
      jobs.back()->clock = &clock;
      jobs.back()->random = &random;
      free_jobs.push_back(jobs.back().get());
    }
    WorkerJob* job = free_jobs.back();
    free_jobs.pop_back();
    job->begin();
    return job;
  }

  static size_t add_piece(Slot& slot) {
    if (slot.piece_count == slot.pieces.size()) slot.pieces.emplace_back();
    return slot.piece_count++;
  }

  Slot& take_slot(const Record& record) {
    if (free_slots.empty()) free_slots.push_back(std::make_unique<Slot>());
    slots.push_back(std::move(free_slots.back()));
    free_slots.pop_back();
    Slot& slot = *slots.back();
    slot.out.source = record.source;
    slot.out.offset = record.offset;
    slot.out.bytes = record.bytes.size();
    slot.out.documents.clear();
    slot.bytes = record.bytes.substr(0, options.record_bytes_max);
    slot.piece_count = 0;
    slot.open = 0;
    bytes_in_flight += slot.out.bytes;
    if (record.source != source || id_prefix.empty()) {
      source = record.source;
      id_prefix = fmt::format("{}:{}:", plan.sensor, sha256_hex(source).substr(0, 16));
    }
    return slot;
  }

  void add_error_document(Slot& slot, size_t piece, ErrorReport report) {
    report.metadata = slot.raw.metadata.empty() ? nullptr : &slot.raw.metadata;
    OutputDocument& document = slot.pieces[piece].documents.emplace_back();
    document.is_error = true;
    errors.append(document.json, report, names);
    ++statistics.errors;
  }

  void fail_record(Slot& slot, std::string_view text, std::string_view raw) {
    for (WorkerJob* job : parsed) free_jobs.push_back(job);
    parsed.clear();
    for (size_t i = 0; i < slot.piece_count; ++i) slot.pieces[i].documents.clear();
    slot.piece_count = 0;
    slot.open = 0;
    add_error_document(slot, add_piece(slot),
                       {.type = "parser_error", .sensor = plan.sensor, .text = text, .raw = raw});
  }

  void accept(const Record& record) {
    ++statistics.records;
    Slot& slot = take_slot(record);
    filling = &slot;
    if (record.bytes.size() > options.record_bytes_max) {
      slot.raw.metadata.clear();
      fail_record(slot,
                  fmt::format("the record has {} bytes, more than {}", record.bytes.size(), options.record_bytes_max),
                  std::string_view(slot.bytes).substr(0, kRawOfOversized));
      finish_if_done(slot);
      return;
    }
    try {
      Record own = record;
      own.bytes = slot.bytes;
      Status status = take_apart(plan.config.parser, own, slot.raw);
      if (status) {
        ParseContext context{.scratch = scratch.get(), .clock = clock, .out = *this};
        status = plan.parser->parse(slot.raw.bytes, context);
      }
      if (!status) fail_record(slot, status.error().message(), slot.bytes);
    } catch (const stellar::BoundReached& bound) {
      fail_record(slot, fmt::format("limit reached: {}", bound.bound), slot.bytes);
    }
    // A job that ends may finish the record, so the list is taken out first.
    std::vector<WorkerJob*> started = std::exchange(parsed, std::move(spare));
    for (WorkerJob* job : started) run(*job);
    started.clear();
    spare = std::move(started);
    finish_if_done(slot);
  }
  std::vector<WorkerJob*> spare;

  void run(WorkerJob& job) {
    if (runner.run(job) == Progress::kPending) {
      wait(job);
    } else {
      end(job);
    }
  }

  // The job's frame is pending: the call is asked, unless the answer is known or nobody can give it.
  void wait(WorkerJob& job) {
    while (true) {
      const stellar::CallRequest& call = job.frame().call();
      bool again = false;
      if (call.kind != stellar::CallRequest::Kind::kModel) {
        again = job.fail_call("no service carries this call out");
      } else {
        std::string key = Calls::key_of(call);
        const std::string* known = cache.find(key);
        if (known == nullptr) {
          if (calls.add(job, call, std::move(key))) ++statistics.coalesced;
          return;
        }
        ++statistics.cached;
        again = job.resume(read_answer(job, *known).value_or(stellar::Value::null()));
      }
      if (again) continue;
      run(job);
      return;
    }
  }

  static Result<stellar::Value> read_answer(WorkerJob& job, std::string_view json) {
    return stellar::value_from_json(job.frame().arena(), json);
  }

  void answer(uint64_t id, std::optional<std::string_view> json) {
    const Calls::Closed closed = calls.close(id);
    bool keep = json.has_value() && cache.is_on();
    for (Job* waiting : closed.waiting) {
      WorkerJob& job = static_cast<WorkerJob&>(*waiting);
      stellar::Value value;
      if (json) {
        const Result<stellar::Value> read = read_answer(job, *json);
        if (read) value = *read;
        // What is no JSON, or null, is asked again next time.
        keep = keep && read && !value.is_null();
      }
      if (keep) cache.put(closed.key, *json);
      keep = false;
      if (job.resume(value)) {
        wait(job);
      } else {
        run(job);
      }
    }
  }

  void end(WorkerJob& job) {
    Slot& slot = *static_cast<Slot*>(job.slot);
    switch (job.verdict) {
      case Job::Verdict::kGood: {
        OutputDocument& document = slot.pieces[job.piece].documents.emplace_back();
        document.json.reserve(1024);
        append_json(document.json, job.message, names);
        ++statistics.documents;
        break;
      }
      case Job::Verdict::kFiltered: ++statistics.filtered; break;
      case Job::Verdict::kFailed:
        add_error_document(slot, job.piece,
                           {.type = "parser_error", .sensor = plan.sensor, .text = job.error, .raw = slot.bytes});
        break;
      case Job::Verdict::kInvalid: {
        std::string raw;
        append_json(raw, job.message, Names::kDots);
        add_error_document(slot, job.piece,
                           {.type = "parser_invalid",
                            .sensor = plan.sensor,
                            .text = job.error,
                            .raw = raw,
                            .fields = job.bad_fields,
                            .field_values = job.bad_values});
        break;
      }
    }
    for (const Job::Note& note : job.notes) {
      add_error_document(
          slot, job.piece,
          {.type = note.type, .sensor = plan.sensor, .text = note.error.text, .raw = note.error.raw_message});
    }
    free_jobs.push_back(&job);
    --slot.open;
    if (&slot != filling) finish_if_done(slot);
  }

  // Names the documents and puts them in order.
  void finish_if_done(Slot& slot) {
    if (&slot == filling) filling = nullptr;
    if (slot.open > 0) return;
    for (size_t i = 0; i < slot.piece_count; ++i) {
      size_t count = 0;
      for (OutputDocument& document : slot.pieces[i].documents) {
        document.id = id_of(slot, i, count++);
        slot.out.documents.push_back(std::move(document));
      }
      slot.pieces[i].documents.clear();
    }
    slot.piece_count = 0;
  }

  std::string id_of(const Slot& slot, size_t piece, size_t count) {
    if (slot.out.source != source) {
      source = slot.out.source;
      id_prefix = fmt::format("{}:{}:", plan.sensor, sha256_hex(source).substr(0, 16));
    }
    return count == 0 ? fmt::format("{}{}:{}", id_prefix, slot.out.offset, piece)
                      : fmt::format("{}{}:{}.{}", id_prefix, slot.out.offset, piece, count);
  }
};

Worker::Worker(std::shared_ptr<const Pipeline> pipeline, stellar::Capabilities& capabilities, const Clock& clock,
               const WorkerOptions& options)
    : state_(std::make_unique<State>(std::move(pipeline), capabilities, clock, options)) {}
Worker::~Worker() = default;

bool Worker::can_accept() const {
  return state_->slots.size() < state_->options.records_in_flight_max &&
         (state_->slots.empty() || state_->bytes_in_flight < state_->options.bytes_in_flight_max);
}

void Worker::accept(const Record& record) {
  MY_ASSERT(can_accept());
  state_->accept(record);
}

std::vector<ModelCall> Worker::take_calls() {
  std::vector<ModelCall> out = state_->calls.take();
  state_->statistics.calls += out.size();
  return out;
}

void Worker::answer(uint64_t id, std::optional<std::string_view> json) { state_->answer(id, json); }

FinishedRecord* Worker::finished() {
  if (state_->slots.empty() || state_->slots.front()->open > 0) return nullptr;
  return &state_->slots.front()->out;
}

void Worker::release_finished() {
  MY_ASSERT(finished() != nullptr);
  state_->bytes_in_flight -= state_->slots.front()->out.bytes;
  // A record of unusual size gives its memory back.
  constexpr size_t kKeptBytes = 64 << 10;
  if (state_->slots.front()->bytes.capacity() > kKeptBytes) state_->slots.front()->bytes = std::string();
  state_->free_slots.push_back(std::move(state_->slots.front()));
  state_->slots.pop_front();
}

bool Worker::idle() const { return state_->slots.empty(); }
size_t Worker::calls_in_flight() const { return state_->calls.in_flight(); }
const WorkerStatistics& Worker::statistics() const { return state_->statistics; }

}  // namespace modelyard::pipeline
