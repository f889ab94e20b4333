// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <signal.h>

#include "base/log.h"
#include "configuration/folder.h"
#include "pipeline/pipeline.h"
#include "pipeline/worker.h"
#include "sensor/driver.h"
#include "sensor/file_source.h"
#include "sensor/models.h"
#include "sensor/output_sink.h"
#include "sensor/sensor.h"
#include "sensor/store_client.h"
#include "sensor/store_sink.h"
#include "sensor/stream_source.h"
#include "sensor/tap_server.h"
#include "stellar/functions/registry.h"

namespace modelyard::sensor {
namespace {

// Everything of one run, built from the bottom up and taken down in the opposite order. Confined to its loop.
class Run {
 public:
  Run(const RunOptions& options, const configuration::SensorConfig& config,
      std::shared_ptr<const pipeline::Pipeline> pipeline)
      : options_(options),
        config_(config),
        pipeline_(std::move(pipeline)),
        http_(loop_, client_options()),
        models_(loop_, http_, clock_) {}

  Result<Summary> run() { return io::run_blocking(loop_, run_all()); }

 private:
  static http::ClientOptions client_options() {
    http::ClientOptions options;
    options.connections_per_origin_max = 256;  // a slow model with many calls in flight
    return options;
  }

  io::Task<Result<Summary>> run_all() {
    Result<Summary> summary = co_await run_inside();
    if (tap_) co_await tap_->stop();
    if (sink_) co_await sink_->stop();
    co_await models_.stop();
    http_.close_idle();
    co_return summary;
  }

  io::Task<Result<Summary>> run_inside() {
    MY_CO_TRY_VOID(make_source());
    MY_CO_TRY_VOID(co_await make_sink());
    MY_CO_TRY_VOID(source_->open());
    if (calls_models(config_)) co_await start_models();
    pipeline::WorkerOptions worker_options;
    worker_options.stage = options_.stage;
    pipeline::Worker worker(pipeline_, models_, clock_, worker_options);
    const CallModel call_model = [this](pipeline::ModelCall call) { return models_.call(std::move(call)); };
    DriverOptions driver_options{options_.drain_wait, options_.on_progress, {}};
    if (options_.can_be_tapped) make_tap(call_model, &driver_options);
    Driver driver(*source_, worker, *sink_, call_model, loop_.executor(), clock_, driver_options);
    driver_ = &driver;
    io::Scope signals(loop_.executor());
    signals.spawn(stop_on_signal());
    Status status = co_await driver.run();
    co_await signals.stop();
    driver_ = nullptr;
    // Whoever read the output has seen enough: that is an end like others.
    if (!status && status.error().code() != ErrorCode::kCancelled) co_return fail(std::move(status).error());
    co_return driver.summary();
  }

  io::Task<void> stop_on_signal() {
    co_await io::wait_for_signal({SIGINT, SIGTERM});
    if (driver_ != nullptr) driver_->request_stop();
  }

  void make_tap(const CallModel& call_model, DriverOptions* driver_options) {
    tap_ = std::make_unique<TapServer>(loop_, pipeline_, models_, call_model, clock_);
    const Status status = tap_->start(options_.sensor);
    // A second sensor of the same name, or no place for a socket: the stream is worth more than the view of it.
    if (!status) {
      spdlog::info("this sensor cannot be tapped: {}", status.error().message());
      return;
    }
    driver_options->on_record = [this](const pipeline::Record& record) { tap_->offer(record); };
  }

  Status make_source() {
    const std::string& source = options_.source;
    const size_t line_bytes_max = pipeline::WorkerOptions().record_bytes_max;
    if (source == "stdin" || source == "-") {
      source_ = std::make_unique<StreamSource>(options_.input_fd, line_bytes_max, loop_.executor());
      return {};
    }
    if (source.starts_with("file:") && source.size() > 5) {
      FileSourceOptions file;
      file.follow = !options_.once;
      file.line_bytes_max = line_bytes_max;
      file.on_notice = options_.on_notice;
      source_ = std::make_unique<FileSource>(source.substr(5), std::move(file), loop_.executor(), clock_);
      return {};
    }
    if (source.starts_with("kafka:")) {
      return fail(ErrorCode::kUnsupported, "this version reads file:PATH and stdin, not Kafka: '" + source + "'");
    }
    return fail(ErrorCode::kInvalidArgument, "the source '" + source + "' is not understood: give file:PATH or stdin");
  }

  io::Task<Status> make_sink() {
    if (options_.sink == "stdout") {
      sink_ = std::make_unique<OutputSink>(options_.output_fd);
      co_return Status();
    }
    if (options_.sink.starts_with("elasticsearch:")) {
      co_return fail(ErrorCode::kUnsupported,
                     "this version writes to store and stdout, not to Elasticsearch: '" + options_.sink + "'");
    }
    if (options_.sink != "store") {
      co_return fail(ErrorCode::kInvalidArgument,
                     "the sink '" + options_.sink + "' is not understood: give store or stdout");
    }
    if (options_.stage != pipeline::Stage::kIndex) {
      co_return fail(ErrorCode::kInvalidArgument, "the store takes documents of stage index alone");
    }
    MY_CO_TRY(store_client_, HttpStoreClient::make(http_, options_.server.url, options_.server.token, clock_));
    StoreSinkOptions sink;
    sink.sensor = options_.sensor;
    if (options_.once) sink.retry_for = options_.retry_for;
    sink.on_notice = options_.on_notice;
    auto made = std::make_unique<StoreSink>(
        *store_client_, std::move(sink),
        [this](std::string_view stream, int64_t next) { return source_->position(stream, next); },
        [this] {
          if (driver_ != nullptr) driver_->wake();
        },
        loop_.executor(), clock_, Random::from_system());
    for (const std::string& stream : source_->streams()) {
      MY_CO_TRY(const auto offset, co_await ask_offset(stream));
      if (!offset) continue;
      MY_CO_TRY_VOID(source_->resume(stream, StoredOffset{offset->offset, offset->position}));
      made->resume(stream, offset->offset);
    }
    made->start();
    sink_ = std::move(made);
    co_return Status();
  }

  // A server that is being started is waited for.
  io::Task<Result<std::optional<documents::Offset>>> ask_offset(std::string stream) {
    const SteadyTime deadline = clock_.now() + options_.server_wait;
    Random random = Random::from_system();
    for (bool told = false;; told = true) {
      auto offset = co_await store_client_->fetch_offset(options_.sensor, stream);
      if (offset) co_return std::move(*offset);
      const ErrorCode code = offset.error().code();
      const bool may_come = code == ErrorCode::kUnavailable || code == ErrorCode::kDeadline;
      if (!may_come || clock_.now() >= deadline) {
        co_return fail(std::move(offset).error().with_context("the store of " + options_.server.url));
      }
      if (!told && options_.on_notice) options_.on_notice("waiting for the store: " + offset.error().message());
      co_await io::sleep_for(milliseconds(200 + static_cast<int64_t>(random.below(200))));
    }
  }

  io::Task<void> start_models() {
    const Status status = co_await models_.start(options_.server, options_.server_wait, options_.server_failures_max);
    if (!status && options_.on_notice) {
      options_.on_notice("no models are known, calls give null until the server answers: " + status.error().message());
    }
  }

  const RunOptions& options_;
  const configuration::SensorConfig& config_;
  const std::shared_ptr<const pipeline::Pipeline> pipeline_;
  const Clock& clock_ = system_clock();
  io::Loop loop_;
  http::Client http_;
  Models models_;
  std::unique_ptr<Source> source_;
  std::unique_ptr<StoreClient> store_client_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<TapServer> tap_;
  Driver* driver_ = nullptr;
};

}  // namespace

Result<Summary> run(const RunOptions& options) {
  MY_TRY(const configuration::SensorConfig config, configuration::load_sensor(options.config, options.sensor));
  if (options.on_notice) {
    for (const std::string& warning : config.warnings) options.on_notice(warning);
  }
  MY_TRY(auto pipeline, pipeline::Pipeline::compile(config, stellar::FunctionRegistry::standard()));
  Run run(options, config, std::move(pipeline));
  return run.run();
}

Result<Summary> test(const TestOptions& options) {
  RunOptions run_options;
  run_options.sensor = options.sensor;
  run_options.config = options.config;
  const bool is_input = options.file.empty() || options.file == "-";
  run_options.source = is_input ? "stdin" : "file:" + options.file.string();
  run_options.sink = "stdout";
  run_options.server = options.server;
  run_options.once = true;
  run_options.stage = options.stage;
  run_options.output_fd = options.output_fd;
  run_options.input_fd = options.input_fd;
  run_options.on_notice = options.on_notice;
  run_options.can_be_tapped = false;
  run_options.server_wait = milliseconds(3'000);
  run_options.server_failures_max = 2;
  return run(run_options);
}

std::string describe(const Summary& summary) {
  const double time = std::max<double>(1, static_cast<double>(summary.elapsed.count())) / 1000;
  const auto rate = static_cast<uint64_t>(static_cast<double>(summary.records) / time);
  std::string text =
      fmt::format("{} lines, {} documents, {} broken lines", summary.records, summary.documents, summary.errors);
  if (summary.filtered > 0) text += fmt::format(", {} filtered", summary.filtered);
  if (summary.stored + summary.already > 0)
    text += fmt::format(", {} stored, {} stored before", summary.stored, summary.already);
  if (summary.calls > 0) text += fmt::format(", {} model calls ({} failed)", summary.calls, summary.calls_failed);
  return text + fmt::format(", {:.1f} s, {} lines/s", time, rate);
}

}  // namespace modelyard::sensor
