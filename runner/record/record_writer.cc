#include "runner/record/record_writer.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <concepts>
#include <iterator>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "runner/record/json_words.h"

namespace enjoin {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kShortestPause = std::chrono::milliseconds(20);
constexpr nanoseconds kLongestPause = std::chrono::seconds(1);
constexpr int kPausesPerWrite = 30;  // so writing takes about 3 % of the time at most
constexpr nanoseconds kPauseWhenBusy = std::chrono::milliseconds(50);
constexpr nanoseconds kMostBusy = std::chrono::seconds(60);
constexpr int kWaitInFlushMs = 10000;
constexpr std::size_t kMostBytes = 8 << 20;  // gathered
constexpr std::size_t kRowBytes = 200;       // a guess, beside its text

double seconds(nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

double now_since_epoch() {
  return seconds(std::chrono::system_clock::now().time_since_epoch());
}

std::string current_folder() {
  char path[PATH_MAX];
  return ::getcwd(path, sizeof path) != nullptr ? path : "";
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

const char* state_of(GraphPlan::End end) {
  constexpr const char* kStates[] = {"succeeded", "failed", "canceled"};
  return kStates[static_cast<int>(end)];
}

/// The columns of an outcome; -1: NULL.
struct Fate {
  const char* kind = "";
  int exit_status = -1;
  int signal = -1;
  int error = -1;
  bool out_of_memory = false;
};

struct FateOf {
  Fate operator()(const Exited& fate) const {
    return {.kind = "exited", .exit_status = fate.status};
  }
  Fate operator()(const Signaled& fate) const {
    return {.kind = "signaled", .signal = fate.signal, .out_of_memory = fate.out_of_memory};
  }
  Fate operator()(const TimedOut& fate) const {
    return {.kind = "timed out", .signal = fate.signal == 0 ? -1 : fate.signal};
  }
  Fate operator()(const Canceled& fate) const {
    return {.kind = "canceled", .signal = fate.signal == 0 ? -1 : fate.signal};
  }
  Fate operator()(const Lost&) const { return {.kind = "lost"}; }
  Fate operator()(const SpawnFailed& fate) const {
    return {.kind = "spawn failed", .error = fate.error};
  }
  Fate operator()(const OutputFailed& fate) const {
    return {.kind = "output failed", .error = fate.error};
  }
  Fate operator()(const InputShrank&) const { return {.kind = "input shrank"}; }
};

/// Binds parameters one after the other.
class Binder {
 public:
  explicit Binder(Statement& statement) : statement_(statement) {}
  template <std::integral Integer>
  Binder& add(Integer number) {
    statement_.bind(at_++, static_cast<std::int64_t>(number));
    return *this;
  }
  Binder& add(double number) {
    statement_.bind(at_++, number);
    return *this;
  }
  Binder& add(std::string_view text) {
    statement_.bind(at_++, text);
    return *this;
  }
  Binder& add(const char* text) { return add(std::string_view(text)); }
  Binder& add_blob(std::string_view bytes) {
    statement_.bind_blob(at_++, bytes);
    return *this;
  }
  /// NULL unless `is_there`.
  template <typename Value>
  Binder& add_if(bool is_there, const Value& value) {
    if (is_there) return add(value);
    statement_.bind_null(at_++);
    return *this;
  }
  Binder& add_counts(const GraphPlan::Counts& counts) {
    return add(counts.added)
        .add(counts.succeeded)
        .add(counts.up_to_date)
        .add(counts.failed)
        .add(counts.allowed)
        .add(counts.dropped);
  }
  void run() { statement_.run(); }

 private:
  Statement& statement_;
  int at_ = 0;
};

}  // namespace

RecordWriter::RecordWriter(Database& record, const RunInfo& info)
    : record_(record),
      put_job_(record.prepare("INSERT INTO jobs VALUES (?,?,?,?,?,?,?,?,?)")),
      put_done_(record.prepare("UPDATE jobs SET done = ?, input_hash = ? WHERE job = ?")),
      put_attempt_(record.prepare(
          "INSERT INTO attempts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")),
      put_output_(record.prepare("INSERT INTO outputs VALUES (?,?,?,?,?)")),
      put_stage_(
          record.prepare("INSERT OR REPLACE INTO stages VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")),
      put_file_(record.prepare("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?)")),
      pause_(kShortestPause) {
  write_within(kWaitInFlushMs, [&] {
    last_job_ = record_.integer("SELECT max(job) FROM jobs");
    last_attempt_ = record_.integer("SELECT max(attempt_id) FROM attempts");
    run_ = record_.integer("SELECT max(run) FROM runs") + 1;
    const std::string arguments = to_json_array(info.arguments);
    const std::string folder = current_folder();
    const std::string host = host_name();
    Statement put = record_.prepare(
        "INSERT INTO runs (run, mode, arguments, folder, version, host, pid, started, cpus) "
        "VALUES (?,?,?,?,?,?,?,?,?)");
    Binder(put)
        .add(run_)
        .add(info.mode)
        .add(arguments)
        .add(folder)
        .add(ENJOIN_VERSION)
        .add(host)
        .add(::getpid())
        .add(now_since_epoch())
        .add_if(info.cpus != 0, info.cpus)
        .run();
  });
}

void RecordWriter::note(std::size_t bytes) {
  if (bytes_ == 0) due_ = Clock::now() + pause_;
  bytes_ += kRowBytes + bytes;
}

void RecordWriter::add_job(JobRow job) {
  if (gave_up_) return;
  note(job.stage.size() + job.name.size() + job.command.size());
  jobs_.push_back(std::move(job));
}

void RecordWriter::set_done(std::int64_t job, std::int64_t attempt, std::uint64_t input) {
  if (gave_up_) return;
  note(0);
  done_.push_back({job, attempt, input});
}

void RecordWriter::add_attempt(AttemptRow attempt) {
  if (gave_up_) return;
  note(attempt.output[0].text.size() + attempt.output[1].text.size());
  attempts_.push_back(std::move(attempt));
}

void RecordWriter::put_stage(StageRow stage) {
  if (gave_up_) return;
  note(0);
  stages_.push_back(std::move(stage));
}

void RecordWriter::add_files(std::vector<FileContents::Row> files) {
  if (gave_up_ || files.empty()) return;
  note(files.size() * kRowBytes);
  files_.insert(files_.end(), std::make_move_iterator(files.begin()),
                std::make_move_iterator(files.end()));
}

void RecordWriter::turn(Clock::time_point now) {
  if (gave_up_ || bytes_ == 0 || (now < due_ && bytes_ < kMostBytes)) return;
  try {
    write_within(0, [this] { write_all(); });
    clear();
    const nanoseconds taken = Clock::now() - now;
    pause_ = std::clamp(taken * kPausesPerWrite, kShortestPause, kLongestPause);
    blocked_since_ = {};
  } catch (const DatabaseBusy& busy) {
    if (blocked_since_ == Clock::time_point{}) blocked_since_ = now;
    if (now - blocked_since_ > kMostBusy) {
      give_up(
          Error(fmt::format("{}, for more than {} seconds", busy.what(),
                            std::chrono::duration_cast<std::chrono::seconds>(kMostBusy).count())));
    }
    due_ = now + kPauseWhenBusy;
  } catch (const Error& error) {
    give_up(error);
  }
}

nanoseconds RecordWriter::until_due(Clock::time_point now) const {
  if (gave_up_ || bytes_ == 0) return nanoseconds(-1);
  return std::max(nanoseconds(due_ - now), nanoseconds(0));
}

void RecordWriter::flush() {
  if (gave_up_ || bytes_ == 0) return;
  try {
    write_within(kWaitInFlushMs, [this] { write_all(); });
  } catch (const Error& error) {
    give_up(error);
  }
  clear();
}

void RecordWriter::end_run(int status, const GraphPlan::Counts& counts) {
  if (gave_up_) return;
  try {
    write_within(kWaitInFlushMs, [&] {
      write_all();
      Statement put = record_.prepare(
          "UPDATE runs SET ended = ?, status = ?, jobs = ?, succeeded = ?, up_to_date = ?, "
          "failed = ?, allowed = ?, dropped = ? WHERE run = ?");
      Binder(put).add(now_since_epoch()).add(status).add_counts(counts).add(run_).run();
    });
  } catch (const Error& error) {
    give_up(error);
  }
  clear();
}

void RecordWriter::write_within(int wait_ms, const std::function<void()>& write) {
  record_.set_wait(wait_ms);
  Transaction transaction(record_);
  write();
  transaction.commit();
}

void RecordWriter::write_all() {
  write_jobs();
  write_attempts();
  write_rest();
}

void RecordWriter::write_jobs() {
  for (const JobRow& job : jobs_) {
    const auto* const key = reinterpret_cast<const char*>(job.identity.key.data());
    Binder(put_job_)
        .add(job.row)
        .add_blob({key, sizeof job.identity.key})
        .add(job.identity.command)
        .add(job.identity.environment)
        .add(job.identity.input)
        .add_if(job.done != 0, job.done)
        .add(job.stage)
        .add(job.name)
        .add(job.command)
        .run();
  }
}

void RecordWriter::write_attempts() {
  for (const AttemptRow& row : attempts_) {
    const Fate fate = std::visit(FateOf(), row.outcome);
    Binder(put_attempt_)
        .add(row.id)
        .add(run_)
        .add(row.job)
        .add(row.seq)
        .add(row.attempt)
        .add(row.is_final)
        .add(state_of(row.end))
        .add(fate.kind)
        .add_if(fate.exit_status >= 0, fate.exit_status)
        .add_if(fate.signal >= 0, fate.signal)
        .add_if(fate.error >= 0, fate.error)
        .add(fate.out_of_memory)
        .add_if(!row.reason.empty(), row.reason)
        .add_if(row.started_at.count() != 0, seconds(row.started_at))
        .add(seconds(row.use.wall))
        .add(seconds(row.use.queued))
        .add(seconds(row.use.user))
        .add(seconds(row.use.system))
        .add(row.use.max_rss_kb * 1024)
        .add(row.use.minor_faults)
        .add(row.use.major_faults)
        .add(row.use.voluntary_switches)
        .add(row.use.involuntary_switches)
        .add(row.use.blocks_in)
        .add(row.use.blocks_out)
        .add(row.worker)
        .run();
    for (int stream = 0; stream < 2; ++stream) {
      const Output& output = row.output[stream];
      if (output.bytes == 0) continue;
      Binder(put_output_)
          .add(row.id)
          .add(stream + 1)
          .add(output.bytes)
          .add(output.text)
          .add_if(!output.path.empty(), output.path)
          .run();
    }
  }
}

void RecordWriter::write_rest() {
  for (const DoneRow& done : done_)
    Binder(put_done_).add_if(done.attempt != 0, done.attempt).add(done.input).add(done.job).run();
  for (const StageRow& stage : stages_) {
    const std::string needs = to_json_array(stage.needs);
    Binder(put_stage_)
        .add(run_)
        .add(stage.place)
        .add(stage.stage)
        .add(needs)
        .add(stage.allow_failure)
        .add_if(stage.opened != 0, stage.opened)
        .add_if(stage.ended != 0, stage.ended)
        .add_counts(stage.counts)
        .run();
  }
  for (const FileContents::Row& file : files_) {
    Binder(put_file_)
        .add(file.path)
        .add(file.size)
        .add(file.modified)
        .add(file.changed)
        .add(file.inode)
        .add(file.content)
        .run();
  }
}

void RecordWriter::clear() {
  jobs_.clear();
  done_.clear();
  attempts_.clear();
  stages_.clear();
  files_.clear();
  bytes_ = 0;
}

void RecordWriter::give_up(const Error& error) {
  gave_up_ = true;
  clear();
  throw error;
}

}  // namespace enjoin
