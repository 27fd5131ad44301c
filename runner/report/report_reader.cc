#include "runner/report/report_reader.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "enjoin/outcome.h"
#include "runner/record/json_words.h"
#include "runner/report/critical_path.h"

namespace enjoin {
namespace {

constexpr std::size_t kMostPathSteps = 1000;

/// The columns of AttemptFacts, to be read by read_attempt().
constexpr std::string_view kAttemptColumns =
    "attempt_id, run, stage, name, command, attempt, state, outcome, exit_status, signal, error, "
    "out_of_memory, reason, started, wall, user, system, max_rss, "
    "coalesce((SELECT allow_failure FROM stages WHERE stages.run = results.run "
    "AND stages.stage = results.stage), 0)";

std::uint64_t number(const Statement& row, int at) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(row.integer(at), 0));
}

std::optional<double> time(const Statement& row, int at) {
  return row.is_null(at) ? std::nullopt : std::optional(row.real(at));
}

/// From the columns outcome, exit_status, signal, error, out_of_memory.
Outcome read_outcome(const Statement& row, int at) {
  const std::string_view kind = row.text(at);
  const auto value = [&](int column) { return static_cast<int>(row.integer(at + column)); };
  if (kind == "signaled") return Signaled{.signal = value(2), .out_of_memory = value(4) != 0};
  if (kind == "timed out") return TimedOut{value(2)};
  if (kind == "canceled") return Canceled{.started = true, .signal = value(2)};
  if (kind == "lost") return Lost{};
  if (kind == "spawn failed") return SpawnFailed{value(3)};
  if (kind == "output failed") return OutputFailed{value(3)};
  if (kind == "input shrank") return InputShrank{};
  return Exited{value(1)};
}

/// For people; the reason follows those columns.
std::string outcome_text(const Statement& row, int at) {
  const Outcome outcome = read_outcome(row, at);
  std::string text = to_string(outcome);
  if (!row.is_null(at + 5) && !row.text(at + 5).empty()) {
    text += fmt::format("{}{}", succeeded(outcome) ? ", but " : "; ", row.text(at + 5));
  }
  return text;
}

AttemptFacts read_attempt(const Statement& row) {
  AttemptFacts facts;
  facts.id = row.integer(0);
  facts.run = row.integer(1);
  facts.stage = row.string(2);
  facts.name = row.string(3);
  facts.command = row.string(4);
  facts.attempt = number(row, 5);
  facts.state = row.string(6);
  facts.outcome = outcome_text(row, 7);
  facts.started = row.real(13);
  facts.wall = row.real(14);
  facts.user = row.real(15);
  facts.system = row.real(16);
  facts.max_rss = number(row, 17);
  facts.is_allowed = row.integer(18) != 0;
  return facts;
}

}  // namespace

ReportReader::ReportReader(Database& record)
    : record_(record),
      output_(record.prepare(
          "SELECT stream, bytes, text, path FROM outputs WHERE attempt_id = ? ORDER BY stream")) {
  record_.run("BEGIN");
  is_in_transaction_ = true;
}

ReportReader::~ReportReader() {
  try {
    if (is_in_transaction_) record_.run("ROLLBACK");
  } catch (const Error&) {
    // Nothing was written.
  }
}

std::int64_t ReportReader::find_run(std::optional<std::uint64_t> wanted) {
  const std::int64_t last = record_.integer("SELECT max(run) FROM runs");
  if (last == 0) throw Error(fmt::format("no run is recorded in {}", record_.path()));
  if (!wanted) return last;
  Statement find = record_.prepare("SELECT 1 FROM runs WHERE run = ?");
  find.bind(0, static_cast<std::int64_t>(*wanted));
  if (!find.step()) {
    throw Error(fmt::format("run {} is not recorded in {}; the last one is {}", *wanted,
                            record_.path(), last));
  }
  return static_cast<std::int64_t>(*wanted);
}

Report ReportReader::read(std::int64_t run) {
  Report report;
  report.run = run_facts(run);
  add_stages(run, &report);
  add_failed(run, &report);
  add_slowest(run, &report);
  add_sums(run, &report);
  add_path(run, &report);
  return report;
}

RunFacts ReportReader::run_facts(std::int64_t run) {
  Statement row = record_.prepare(
      "SELECT run, mode, arguments, folder, version, host, started, ended, status, cpus, jobs, "
      "succeeded, up_to_date, failed, allowed, dropped FROM runs WHERE run = ?");
  row.bind(0, run);
  if (!row.step()) throw Error(fmt::format("run {} is not recorded", run));
  RunFacts facts;
  facts.run = run;
  facts.mode = row.string(1);
  facts.arguments = from_json_array(row.text(2));
  facts.folder = row.string(3);
  facts.version = row.string(4);
  facts.host = row.string(5);
  facts.started = row.real(6);
  facts.ended = time(row, 7);
  if (!row.is_null(8)) facts.status = row.integer(8);
  facts.cpus = number(row, 9);
  facts.jobs = number(row, 10);
  facts.succeeded = number(row, 11);
  facts.up_to_date = number(row, 12);
  facts.failed = number(row, 13);
  facts.allowed = number(row, 14);
  facts.dropped = number(row, 15);
  return facts;
}

void ReportReader::add_sums(std::int64_t run, Report* report) {
  Statement sums = record_.prepare(
      "SELECT coalesce(sum(wall), 0), coalesce(sum(user + system), 0), max(started + wall), "
      "count(*) FILTER (WHERE is_final AND state = 'succeeded'), "
      "count(*) FILTER (WHERE is_final AND state = 'failed'), "
      "count(*) FILTER (WHERE is_final AND state = 'canceled'), "
      "coalesce(sum(wall) FILTER (WHERE NOT is_final), 0), "
      "count(*) FILTER (WHERE is_final AND attempt > 1), "
      "count(*) FILTER (WHERE is_final AND attempt > 1 AND state = 'succeeded') "
      "FROM attempts WHERE run = ?");
  sums.bind(0, run);
  if (!sums.step()) return;
  report->work = sums.real(0);
  report->cpu = sums.real(1);
  RunFacts& facts = report->run;
  facts.last = facts.ended.value_or(std::max(facts.started, sums.real(2)));
  facts.canceled = number(sums, 5);
  if (!facts.ended) {  // it has not counted itself
    facts.succeeded = number(sums, 3);
    facts.failed = number(sums, 4);
    facts.jobs = facts.succeeded + facts.failed + facts.canceled;
  }
  report->retries = {.jobs = number(sums, 7), .passed = number(sums, 8), .lost = sums.real(6)};
}

void ReportReader::add_stages(std::int64_t run, Report* report) {
  Statement stages = record_.prepare(
      "SELECT stage, needs, ended IS NULL, jobs, succeeded, up_to_date, failed, allowed, dropped "
      "FROM stages WHERE run = ? ORDER BY place");
  stages.bind(0, run);
  std::unordered_map<std::string, std::size_t> by_name;
  std::vector<bool> is_counted;
  while (stages.step()) {
    StageFacts facts;
    facts.name = stages.string(0);
    facts.needs = from_json_array(stages.text(1));
    is_counted.push_back(stages.integer(2) == 0);
    facts.jobs = number(stages, 3);
    facts.succeeded = number(stages, 4);
    facts.up_to_date = number(stages, 5);
    facts.failed = number(stages, 6);
    facts.allowed = number(stages, 7);
    facts.dropped = number(stages, 8);
    by_name[facts.name] = report->stages.size();
    report->stages.push_back(std::move(facts));
  }
  Statement sums = record_.prepare(
      "SELECT stage, count(*), min(started), max(started + wall), sum(wall), sum(user + system), "
      "max(wall), max(max_rss), count(*) FILTER (WHERE is_final AND state = 'succeeded'), "
      "count(*) FILTER (WHERE is_final AND state = 'failed'), count(*) FILTER (WHERE is_final) "
      "FROM results WHERE run = ? GROUP BY stage");
  sums.bind(0, run);
  while (sums.step()) {
    const auto [place, is_new] = by_name.try_emplace(sums.string(0), report->stages.size());
    if (is_new) {
      report->stages.push_back({.name = sums.string(0), .needs = {}, .began = {}, .ended = {}});
      is_counted.push_back(false);
    }
    StageFacts& facts = report->stages[place->second];
    facts.attempts = number(sums, 1);
    facts.began = time(sums, 2);
    facts.ended = time(sums, 3);
    facts.work = sums.real(4);
    facts.cpu = sums.real(5);
    facts.longest = sums.real(6);
    facts.max_rss = number(sums, 7);
    if (is_counted[place->second]) continue;  // it has counted itself at its end
    facts.succeeded = number(sums, 8);
    facts.failed = number(sums, 9);
    facts.jobs = std::max(facts.jobs, number(sums, 10));
  }
}

void ReportReader::add_failed(std::int64_t run, Report* report) {
  Statement count = record_.prepare(
      "SELECT count(*) FROM attempts WHERE run = ? AND is_final AND state = 'failed'");
  count.bind(0, run);
  if (count.step()) report->failed_in_all = number(count, 0);
  if (report->failed_in_all == 0) return;
  Statement failed = record_.prepare(
      fmt::format("SELECT {} FROM results WHERE run = ? AND is_final AND state = 'failed' "
                  "ORDER BY attempt_id LIMIT {}",
                  kAttemptColumns, kMostFailed));
  failed.bind(0, run);
  while (failed.step()) report->failed.push_back(read_attempt(failed));
  for (AttemptFacts& attempt : report->failed) add_output(&attempt);
}

void ReportReader::add_output(AttemptFacts* attempt) {
  output_.bind(0, attempt->id);
  while (output_.step()) {
    const std::int64_t stream = output_.integer(0) - 1;
    if (stream < 0 || stream > 1) continue;
    attempt->bytes[stream] = number(output_, 1);
    attempt->text[stream] = output_.string(2);
    attempt->path[stream] = output_.is_null(3) ? "" : output_.string(3);
  }
}

void ReportReader::add_slowest(std::int64_t run, Report* report) {
  // First which, then what: the text of a million jobs is not to be sorted.
  Statement slowest = record_.prepare(fmt::format(
      "SELECT {} FROM results WHERE attempt_id IN (SELECT attempt_id FROM attempts WHERE run = ? "
      "ORDER BY wall DESC LIMIT {}) ORDER BY wall DESC",
      kAttemptColumns, kMostSlowest));
  slowest.bind(0, run);
  while (slowest.step()) report->slowest.push_back(read_attempt(slowest));
}

void ReportReader::add_path(std::int64_t run, Report* report) {
  std::unordered_map<std::string, std::uint32_t> numbers;
  for (std::uint32_t at = 0; at < report->stages.size(); ++at) {
    numbers[report->stages[at].name] = at;
  }
  Statement attempts = record_.prepare(
      "SELECT attempt_id, stage, started, started + wall FROM results "
      "WHERE run = ? AND started > 0");
  attempts.bind(0, run);
  std::vector<TimedAttempt> all;
  while (attempts.step()) {
    all.push_back({.id = attempts.integer(0),
                   .stage = numbers[attempts.string(1)],
                   .started = attempts.real(2),
                   .ended = attempts.real(3)});
  }
  const auto needs = [&](std::uint32_t stage, std::uint32_t on) {
    const std::vector<std::string>& names = report->stages[stage].needs;
    return std::find(names.begin(), names.end(), report->stages[on].name) != names.end();
  };
  Statement name = record_.prepare("SELECT name FROM results WHERE attempt_id = ?");
  std::int64_t longest = 0;
  const auto finish_step = [&] {
    name.bind(0, longest);
    if (name.step()) report->path.back().longest_name = name.string(0);
    name.reset();
  };
  for (const TimedAttempt& attempt : find_critical_path(std::move(all), needs)) {
    const std::string& stage = report->stages[attempt.stage].name;
    const double wall = attempt.ended - attempt.started;
    if (report->path.empty() || report->path.back().stage != stage) {
      if (report->path.size() == kMostPathSteps) break;
      if (!report->path.empty()) finish_step();
      report->path.push_back({.stage = stage,
                              .from = attempt.started - report->run.started,
                              .longest_name = {},
                              .longest = -1});
    }
    PathStep& step = report->path.back();
    ++step.jobs;
    step.wall += wall;
    report->path_work += wall;
    if (wall > step.longest) {
      step.longest = wall;
      longest = attempt.id;
    }
  }
  if (!report->path.empty()) finish_step();
}

std::vector<FlakyJob> ReportReader::flaky(std::optional<std::int64_t> run) {
  // A job whose command changes gets another row, so attempts of one row are comparable.
  Statement jobs = record_.prepare(
      "SELECT count(*) FILTER (WHERE state = 'failed') AS failures, "
      "count(*) FILTER (WHERE state = 'succeeded'), "
      "max(attempt_id) FILTER (WHERE state = 'failed') FROM attempts "
      "WHERE run = ?1 OR ?1 IS NULL GROUP BY job "
      "HAVING max(attempt_id) FILTER (WHERE state = 'succeeded') > "
      "min(attempt_id) FILTER (WHERE state = 'failed') ORDER BY failures DESC, job");
  if (run) {
    jobs.bind(0, *run);
  } else {
    jobs.bind_null(0);
  }
  std::vector<FlakyJob> flaky;
  Statement last =
      record_.prepare(fmt::format("SELECT {} FROM results WHERE attempt_id = ?", kAttemptColumns));
  while (jobs.step()) {
    FlakyJob job{.stage = {},
                 .name = {},
                 .failures = number(jobs, 0),
                 .passes = number(jobs, 1),
                 .last_failure = {}};
    last.bind(0, jobs.integer(2));
    if (!last.step()) throw Error(fmt::format("{} is damaged", record_.path()));
    job.last_failure = read_attempt(last);
    last.reset();
    job.stage = job.last_failure.stage;
    job.name = job.last_failure.name;
    add_output(&job.last_failure);
    flaky.push_back(std::move(job));
  }
  return flaky;
}

void ReportReader::each_attempt(std::int64_t run,
                                const std::function<void(const AttemptFacts&)>& take) {
  Statement attempts =
      record_.prepare(fmt::format("SELECT {} FROM results WHERE run = ? AND state <> 'canceled' "
                                  "ORDER BY stage, seq, attempt, attempt_id",
                                  kAttemptColumns));
  attempts.bind(0, run);
  while (attempts.step()) {
    AttemptFacts facts = read_attempt(attempts);
    add_output(&facts);
    take(facts);
  }
}

}  // namespace enjoin
