// SPDX-License-Identifier: Apache-2.0
#include "controller/reconcile.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "io/file.h"

// Runs testdata/reconcile.txt: worlds and what step() decides about them. MODELYARD_REWRITE=1 writes the decisions
// anew; read the difference before keeping it. The words of a world:
//   deployment NAME@VERSION xN rev=1,2 [rejected=2] [removing]
//   instance ID rev=1 STATE alive|dead|unknown [leased] [seen] [adopted] [report=STATE] [failures=N] [restarts=N]
//   [created=MS] [endpoint]
//            [never-ready] [in-flight] [launched] [lacking] [refused] [started=S] [changed=S] [unleased=S] [retry=+S]
//            [bad-calls=+S] [reason=WORD]
//   shutdown
// Times are seconds ago, or with + seconds ahead.
namespace modelyard::controller {
namespace {

const std::filesystem::path kScript =
    std::filesystem::path(MODELYARD_SOURCE_DIR) / "src/controller/testdata/reconcile.txt";
constexpr SteadyTime kNow{seconds(100'000)};
constexpr int64_t kWall = 1'700'000'000'000;

struct Case {
  std::string title;
  std::vector<std::string> world;
  std::string expected;
};

std::vector<Case> read_script() {
  std::vector<Case> cases;
  std::istringstream in(io::read_file(kScript).value());
  bool in_answer = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("== ")) {
      cases.push_back({line.substr(3), {}, ""});
      in_answer = false;
    } else if (line == "->") {
      in_answer = true;
    } else if (!cases.empty() && !line.empty() && in_answer) {
      cases.back().expected += line + "\n";
    } else if (!cases.empty() && !line.empty()) {
      cases.back().world.push_back(line);
    }
  }
  return cases;
}

SteadyTime time_of(std::string_view text) {
  const bool ahead = text.starts_with("+");
  const auto by =
      milliseconds(static_cast<int64_t>(std::strtod(std::string(text.substr(ahead ? 1 : 0)).c_str(), nullptr) * 1000));
  return ahead ? kNow + by : kNow - by;
}

registry::Deployment read_deployment(const std::vector<std::string_view>& words) {
  registry::Deployment out;
  const auto at = words[1].find('@');
  out.name = words[1].substr(0, at);
  out.version = words[1].substr(at + 1);
  out.generation = 1;
  for (size_t i = 2; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word.starts_with("x")) out.instances = static_cast<int>(parse_int(word.substr(1)).value());
    if (word == "removing") out.removing = true;
    if (word.starts_with("rejected=")) out.rejected_revision = parse_int(word.substr(9)).value();
    if (word.starts_with("rev=")) {
      for (const std::string_view number : split(word.substr(4), ',')) {
        out.revisions.push_back({.number = parse_int(number).value(), .digest = "sha256:" + std::string(number)});
      }
    }
  }
  return out;
}

struct Word {
  std::string_view key, value;
};

void read_fact(ObservedInstance& out, const Word& word) {
  registry::Instance& record = out.record;
  Facts& facts = out.facts;
  const auto [key, value] = word;
  if (const auto state = registry::instance_state_from(key)) record.state = *state;
  if (key == "alive") facts.life = Facts::Life::kAlive;
  if (key == "dead") facts.life = Facts::Life::kDead;
  if (key == "leased") facts.leased = facts.seen = true;
  if (key == "seen") facts.seen = true;
  if (key == "adopted") facts.adopted = true;
  if (key == "in-flight") facts.launching = true;
  if (key == "waiting") {
    facts.launching = true;
    facts.waiting = "no room";
  }
  if (key == "exit-cause") facts.exit_cause = value;
  if (key == "launched") facts.launched = Launched{77, 7, "boot"};
  if (key == "lacking") facts.launch_error = Error(ErrorCode::kResourceExhausted, "no process slot");
  if (key == "refused") facts.launch_error = Error(ErrorCode::kFailed, "exec format error");
  if (key == "never-ready") record.ready_ms = 0;
  if (key == "rev") record.revision = parse_int(value).value();
  if (key == "failures") record.failures = static_cast<int>(parse_int(value).value());
  if (key == "restarts") record.restarts = parse_int(value).value();
  if (key == "created") record.created_ms = parse_int(value).value();
  if (key == "reason") record.reason = value;
  if (key == "started") facts.started = time_of(value);
  if (key == "changed") facts.changed = time_of(value);
  if (key == "unleased") facts.unleased_since = time_of(value);
  if (key == "retry") facts.retry_at = time_of(value);
  if (key == "bad-calls") facts.calls_bad_until = time_of(value);
  if (key == "report") {
    facts.report.emplace();
    facts.seen = true;
    facts.report->state = registry::instance_state_from(value).value();
    facts.report->reason = record.reason;
    facts.report->runner_pid = record.runner_pid;
    if (value == "ready") facts.report->endpoint = registry::Endpoint{.url = "http://h:1"};
  }
}

ObservedInstance read_instance(std::vector<std::string_view> words) {
  ObservedInstance out;
  registry::Instance& record = out.record;
  record.id = words[1];
  record.name = record.id.substr(0, record.id.find('-'));
  record.version = "1.0";
  record.incarnation = 5;
  record.runner_pid = 10;
  record.created_ms = record.started_ms = record.ready_ms = 100;
  out.facts.started = out.facts.changed = out.facts.unleased_since = kNow - seconds(30);
  out.facts.probe_at = kNow + seconds(1);
  // The reason first: a report repeats it.
  std::sort(words.begin() + 2, words.end(),
            [](auto a, auto b) { return a.starts_with("reason") > b.starts_with("reason"); });
  for (size_t i = 2; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    read_fact(out, {words[i].substr(0, equals), equals == std::string_view::npos ? "" : words[i].substr(equals + 1)});
  }
  if (record.state == registry::InstanceState::kRequested) record.runner_pid = 0;
  if (record.state == registry::InstanceState::kReady) {
    record.endpoint = registry::Endpoint{.id = record.id, .name = record.name, .version = "1.0", .url = "http://h:1"};
  }
  return out;
}

std::string words_of(const Action& action) {
  if (action.kind == Action::Kind::kPutDeployment || action.kind == Action::Kind::kRemoveDeployment) {
    const auto& d = action.deployment;
    return fmt::format("{} {}@{} x{} generation={} rejected={} restarts={}\n", to_string(action.kind), d.name,
                       d.version, d.instances, d.generation, d.rejected_revision, d.restarts);
  }
  const registry::Instance& r = action.instance;
  std::string out = fmt::format("{} {} incarnation={} rev={} {} failures={}", to_string(action.kind), r.id,
                                r.incarnation, r.revision, to_string(r.state), r.failures);
  if (action.retry_at != SteadyTime{}) {
    out += fmt::format(" retry=+{:.1f}s", std::chrono::duration<double>(action.retry_at - kNow).count());
  }
  if (!action.kill_reason.empty()) out += " because: " + action.kill_reason;
  return out + "\n";
}

struct Input {
  Desired desired;
  Observed observed;
};

Input read_world(const std::vector<std::string>& lines) {
  Input out;
  out.observed.host = "here";
  out.observed.last_incarnation = 9;
  for (const std::string& line : lines) {
    std::vector<std::string_view> words = split(line, ' ');
    std::erase(words, "");
    if (words[0] == "deployment") {
      registry::Deployment deployment = read_deployment(words);
      const DeploymentKey key{deployment.name, deployment.version};
      out.desired.deployments.emplace(key, std::move(deployment));
    } else if (words[0] == "instance") {
      ObservedInstance instance = read_instance(words);
      const std::string id = instance.record.id;
      out.observed.instances.emplace(id, std::move(instance));
    } else if (words[0] == "shutdown") {
      out.desired.shutting_down = true;
    } else {
      ADD_FAILURE() << "unknown word in the script: " << line;
    }
  }
  return out;
}

std::string decide(const Input& input) {
  Random random(1);
  const Plan plan = step(input.desired, input.observed, {kNow, kWall}, {}, random);
  std::string out;
  for (const Action& action : plan.actions) out += words_of(action);
  for (const registry::Event& event : plan.events)
    out += "event " + event.kind + " " + event.instance + ": " + event.text + "\n";
  if (plan.wake != SteadyTime::max())
    out += fmt::format("wake +{:.1f}s\n", std::chrono::duration<double>(plan.wake - kNow).count());
  return out.empty() ? "nothing\n" : out;
}

TEST(Reconcile, DecidesAsTheScriptSays) {
  const std::vector<Case> cases = read_script();
  ASSERT_GT(cases.size(), 30u);
  std::string rewritten =
      "# What the reconcile loop decides: a world, then its decisions. reconcile_test.cc says what the words mean.\n";
  for (const Case& one : cases) {
    const Input input = read_world(one.world);
    const std::string got = decide(input);
    EXPECT_EQ(got, decide(input)) << one.title << ": the same world, the same decision";
    rewritten += "\n== " + one.title + "\n";
    for (const std::string& line : one.world) rewritten += line + "\n";
    rewritten += "->\n" + got;
    if (std::getenv("MODELYARD_REWRITE") == nullptr) EXPECT_EQ(got, one.expected) << one.title;
  }
  if (std::getenv("MODELYARD_REWRITE") != nullptr) std::ofstream(kScript) << rewritten;
}

struct Wait {
  int failures;
  int64_t ms;
};
class Backoff : public testing::TestWithParam<Wait> {};
TEST_P(Backoff, DoublesWithJitterUpToItsBound) {
  Random random(3);
  int64_t least = INT64_MAX, most = 0;
  for (int i = 0; i < 500; ++i) {
    const int64_t got = backoff(GetParam().failures, {}, random).count();
    least = std::min(least, got);
    most = std::max(most, got);
  }
  EXPECT_GE(least, GetParam().ms * 8 / 10);
  EXPECT_LE(most, GetParam().ms * 12 / 10);
  if (GetParam().ms > 0) EXPECT_GT(most - least, GetParam().ms / 4) << "no herd";
}
INSTANTIATE_TEST_SUITE_P(Reconcile, Backoff,
                         testing::Values(Wait{0, 0}, Wait{1, 0}, Wait{2, 1'000}, Wait{3, 2'000}, Wait{4, 4'000},
                                         Wait{9, 128'000}, Wait{10, 256'000}, Wait{11, 300'000},
                                         Wait{1'000'000, 300'000}));

struct StatusRow {
  std::string name;
  std::vector<std::string> world;
  std::string state;
  int ready;
  std::string error;
};
class StatusTable : public testing::TestWithParam<StatusRow> {};
TEST_P(StatusTable, SaysWhatIsTrue) {
  const Input input = read_world(GetParam().world);
  std::vector<const ObservedInstance*> instances;
  for (const auto& [id, seen] : input.observed.instances) instances.push_back(&seen);
  const DeploymentStatus status = status_of(input.desired.deployments.begin()->second, instances, {});
  EXPECT_EQ(to_string(status.state), GetParam().state);
  EXPECT_EQ(status.ready, GetParam().ready);
  EXPECT_EQ(status.error, GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    Reconcile, StatusTable,
    testing::Values(
        StatusRow{"nothing_yet", {"deployment m@1.0 x1 rev=1"}, "starting", 0, ""},
        StatusRow{
            "coming", {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 starting alive leased"}, "starting", 0, ""},
        StatusRow{
            "up", {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 ready alive leased report=ready"}, "ready", 1, ""},
        StatusRow{"scaled_to_none", {"deployment m@1.0 x0 rev=1"}, "ready", 0, ""},
        StatusRow{"half",
                  {"deployment m@1.0 x2 rev=1", "instance m-a rev=1 ready alive leased",
                   "instance m-b rev=1 failed dead failures=1 reason=boom"},
                  "degraded",
                  1,
                  "m-b: boom"},
        StatusRow{"unreachable",
                  {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 unreachable alive reason=away"},
                  "degraded",
                  0,
                  "m-a: away"},
        StatusRow{"second_failure",
                  {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 failed dead failures=2 reason=boom"},
                  "degraded",
                  0,
                  "m-a: boom"},
        StatusRow{"third_failure",
                  {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 failed dead failures=3 reason=boom"},
                  "crash-loop",
                  0,
                  "m-a: boom"},
        StatusRow{"loops_and_tries_again",
                  {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 starting alive leased failures=3 reason=boom"},
                  "crash-loop",
                  0,
                  "m-a: boom"},
        StatusRow{"came_back",
                  {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 ready alive leased failures=3"},
                  "ready",
                  1,
                  ""},
        StatusRow{"lacking",
                  {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 requested dead lacking"},
                  "waiting",
                  0,
                  "waiting: no process slot"},
        StatusRow{"no_place",
                  {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 requested unknown waiting"},
                  "waiting",
                  0,
                  "waiting: no room"},
        StatusRow{
            "known_dead_not_stored", {"deployment m@1.0 x1 rev=1", "instance m-a rev=1 ready dead"}, "starting", 0, ""},
        StatusRow{"rolling",
                  {"deployment m@1.0 x1 rev=1,2", "instance m-a rev=1 ready alive leased",
                   "instance m-b rev=2 starting alive leased"},
                  "starting",
                  1,
                  ""},
        StatusRow{"rejected",
                  {"deployment m@1.0 x1 rev=1,2 rejected=2", "instance m-a rev=1 ready alive leased"},
                  "update-failed",
                  1,
                  ""},
        StatusRow{"leaving",
                  {"deployment m@1.0 x1 rev=1 removing", "instance m-a rev=1 draining alive leased"},
                  "removing",
                  0,
                  ""}),
    [](const auto& row) { return row.param.name; });

TEST(Reconcile, last_words_may_come_after_the_news_of_the_end) {
  const Moment moment{SteadyTime(seconds(1000)), 1'700'000'000'000};
  Desired desired;
  registry::Deployment& deployment = desired.deployments[{"m", "1"}];
  deployment.name = "m";
  deployment.version = "1";
  deployment.revisions = {{.number = 1}};
  Observed observed;
  ObservedInstance& instance = observed.instances["m-a"];
  instance.record = {.id = "m-a", .name = "m", .version = "1", .revision = 1};
  instance.record.state = registry::InstanceState::kFailed;
  instance.record.failures = 3;
  instance.facts.life = Facts::Life::kDead;
  instance.facts.retry_at = moment.now + seconds(5);
  instance.facts.log_tail = {"cannot find the weights"};
  Random random(1);
  const Plan plan = step(desired, observed, moment, {}, random);
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].kind, Action::Kind::kStore);
  EXPECT_EQ(plan.actions[0].instance.log_tail, instance.facts.log_tail);
  instance.record = plan.actions[0].instance;
  EXPECT_TRUE(step(desired, observed, moment, {}, random).actions.empty()) << "said once";
}

}  // namespace
}  // namespace modelyard::controller
