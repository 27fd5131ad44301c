// What becomes of a job's output and record once it has ended.

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>

#include <sys/resource.h>
#include <sys/wait.h>

#include "worker/decorate.h"
#include "worker/latest_line.h"
#include "worker/line_printer.h"
#include "worker/result_row.h"
#include "worker/term_safe.h"
#include "worker/worker.h"
#include "worker/worker_job.h"

namespace enjoin {
namespace {

// Returns 0 or errno.
int write_fully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done < 0 ? errno : ENOSPC;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return 0;
}

// A group's output that came through pipes (--max-output).
class FileSink final : public OutputSink {
 public:
  explicit FileSink(const CaptureFiles& files) : files_(files) {}
  void take(int stream, std::string_view bytes) override {
    if (const int error = write_fully(files_.fd(stream), bytes); error != 0) error_ = error;
  }
  int take_error() override { return std::exchange(error_, 0); }

 private:
  const CaptureFiles& files_;
  int error_ = 0;
};

std::int64_t color_of(std::uint64_t seq) {
  return static_cast<std::int64_t>(seq) - 1;
}

/// How a job's end is written in logs: as exit_value() and signal_value() of runner/plan.h.
struct LoggedEnd {
  int exit_value = 0;
  int signal = 0;
};

LoggedEnd logged_end(const JobEnd& end) {
  const bool exited = (end.flags & ipc::kResultExitedOnStop) != 0;
  const int signal = exited ? 0 : end.code;
  switch (end.kind) {
    case ipc::EndKind::kExited:
      return {end.code, 0};
    case ipc::EndKind::kSignaled:
    case ipc::EndKind::kCanceled:
      return {128 + signal, signal};
    case ipc::EndKind::kTimedOut:
      return {-1, exited ? SIGTERM : signal};
    case ipc::EndKind::kSpawnFailed:
      return {end.code == ENOENT ? 127 : 126, 0};
    case ipc::EndKind::kOutputFailed:
    case ipc::EndKind::kNotBegun:
      break;
  }
  return {255, 0};
}

}  // namespace

void Worker::make_capture() {
  CaptureFiles& files = kept_ ? kept_->files() : files_;
  if (config_.output == OutputMode::kLineBuffer) {
    if (config_.latest_line) {
      lines_ = std::make_unique<LatestLine>(printer_, files_, &memory_.control().latest_rows);
    } else {
      lines_ = std::make_unique<LinePrinter>(printer_, files_, config_.keep_order);
    }
    OutputSink* sink = lines_.get();
    if (log_) {
      keeping_sink_ = std::make_unique<KeepingSink>(*lines_, *log_);
      sink = keeping_sink_.get();
    }
    capture_ = capture_by_pipes(*sink, config_.max_output_bytes);
  } else if (config_.output == OutputMode::kUngroup) {
    capture_ = inherit_output();
  } else if (config_.max_output_bytes != 0) {
    file_sink_ = std::make_unique<FileSink>(files);
    capture_ = capture_by_pipes(*file_sink_, config_.max_output_bytes);
  } else {
    capture_ = capture_in_files(files);
  }
}

// Returns 0, or errno where the job's output cannot be kept.
int Worker::begin_output(Job& job) {
  if (log_) log_->begin_job();
  if (recipe_) capture_->set_cap(recipe_->recipe().most_output);
  if (tag_) tag_->expand_line(job.inputs, job.numbers, &tag_text_);
  if (kept_) {
    // Data alone, without arguments, makes no folders.
    const JobInputs inputs = has_no_values(job) ? JobInputs{{}, 0} : job.inputs;
    const int error = kept_->open(config_.results.name ? job.inputs : inputs, job.numbers, files_);
    if (error != 0) return error;
  }
  if (!config_.compress_program.empty()) {
    if (const int error = try_compressor(); error != 0) return error;
  }
  if (is_table()) remember_for_row(job);
  if (lines_) {
    LineStyle style =
        line_style(tag_ ? &tag_text_ : nullptr, config_.color ? color_of(job.slot.seq) : kNoColor);
    style.closes_last = false;
    lines_->begin_job(style, job.slot.order);
  }
  if (config_.verbose != Verbose::kNo) show_command(job);
  return 0;
}

// --pipe without arguments gives each job one empty value.
bool Worker::has_no_values(const Job& job) const {
  return config_.job_input != JobInput::kNone && job.inputs.values.size() == 1 &&
         job.inputs.values.front().empty();
}

// Once: a program that cannot even compress nothing fails every job, before it runs.
int Worker::try_compressor() {
  if (compressor_error_ < 0) {
    const ipc::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    compressor_error_ = run_compressor(null.get(), null.get());
  }
  return compressor_error_;
}

int Worker::run_compressor(int from, int to) {
  const char* const words[] = {config_.shell.c_str(), "-c", config_.compress_program.c_str(),
                               nullptr};
  SpawnRequest request;
  request.path = config_.shell.c_str();
  request.argv = const_cast<char* const*>(words);
  request.environment = environ;
  request.stdio[0] = from;
  request.stdio[1] = to;
  request.signal_mask = config_.signal_mask;
  Child child;
  if (const int error = spawn(request, &child); error != 0) return error;
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EIO;
}

// The slot, and the inputs in it, are given back as soon as the job has started.
void Worker::remember_for_row(Job& job) {
  job.started_at_ns = realtime_ns();
  if (!recipe_) command_.expand_line(job.inputs, job.numbers, &line_);
  std::size_t bytes = 0;
  if (has_no_values(job)) return;
  for (const std::string_view value : job.inputs.values) bytes += value.size();
  job.row_inputs.reserve(bytes);  // the views below must stay good
  for (const std::string_view value : job.inputs.values) {
    const char* const at = job.row_inputs.data() + job.row_inputs.size();
    job.row_inputs += value;
    job.row_values.emplace_back(at, value.size());
  }
}

// The job's command as the person sees it. A pipe or a file gets it as it is.
std::string Worker::shown_line(int stream) const {
  const bool on_terminal = ::isatty(stream == kStderr ? STDERR_FILENO : STDOUT_FILENO) == 1;
  return (on_terminal ? term_safe_lines(line_) : line_) + '\n';
}

void Worker::show_command(Job& job) {
  const std::string shown = shown_line(config_.verbose == Verbose::kToStderr ? kStderr : kStdout);
  if (config_.verbose == Verbose::kToStderr) {
    const bool ordered = job.slot.order != ipc::kNoOrder;
    if (ordered && !printer_.queue().try_take(job.slot.order)) {
      job.line_waits = true;
      if (lines_) lines_->add_plain(kStderr, shown);
      return;
    }
    printer_.write_all(kStderr, shown);
    if (ordered && printer_.queue().release()) printer_.drain();
    return;
  }
  if (config_.output == OutputMode::kUngroup) {
    printer_.write_all(kStdout, shown);
    return;
  }
  if (kept_) write_fully(kept_->files().fd(kStdout), shown);
  if (lines_) lines_->take(kStdout, shown);
  const bool counted = kept_ && config_.max_output_bytes == 0;
  if (!counted) job.shown_bytes = shown.size();
}

ipc::ResultRecord& Worker::next_record() {
  while (true) {
    if (ipc::ResultRecord* const record = results_.next()) return *record;
    const std::uint32_t seen = bells_.bell_value(start_.id.number);
    link_.tell_now();
    if (results_.next() == nullptr) bells_.wait_for_bell(start_.id.number, seen, 20);
    if (link_.gone()) ::_exit(1);
  }
}

void Worker::publish(Job& job) {
  const bool held_back =
      was_put_back(job) || (job.failed() && (job.slot.flags & ipc::kJobHoldOutputIfFailed) != 0 &&
                            job.end.kind != ipc::EndKind::kCanceled);
  if (lines_ && job.wrote) {
    lines_->end_job(&job.output);
    if (const int lost = lines_->take_lost(); lost != 0 && job.end.kind == ipc::EndKind::kExited) {
      job.end.kind = ipc::EndKind::kOutputFailed;
      job.end.code = lost;
    }
  } else if (config_.output == OutputMode::kGroup && job.wrote && !held_back && !keeps_all() &&
             config_.prints) {
    for (int stream : {kStdout, kStderr}) job.output.length[stream] = job_files().size(stream);
  }
  const bool has_output = job.output.length[0] != 0 || job.output.length[1] != 0 ||
                          (config_.output == OutputMode::kGroup && has_text_of_its_own(job));
  if (job.end.kind == ipc::EndKind::kNotBegun) {
    job.flags = 0;
  } else if (held_back) {
    job.flags |= ipc::kResultHeldBack;
  } else if (job.slot.order != ipc::kNoOrder || has_output) {
    job.flags |= ipc::kResultPrinted;
  }
  ipc::ResultRecord& record = next_record();
  record.ticket = job.slot.ticket;
  record.handle = job.slot.handle;
  record.attempt = job.slot.attempt;
  record.flags = job.flags;
  record.kind = job.end.kind;
  record.code = job.end.code;
  record.wall_ns = job.end.end_ns - job.started_ns;
  record.start_ns = realtime_ns() - (monotonic_ns() - job.started_ns);
  record.queue_ns = job.started_ns - job.slot.queued_ns;
  record.payload_size = 0;
  if (log_ && job.wrote && job.end.kind != ipc::EndKind::kNotBegun) keep_output(&record);
  const rusage& use = job.end.use;
  const auto micros = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(time.tv_usec);
  };
  record.user_us = micros(use.ru_utime);
  record.sys_us = micros(use.ru_stime);
  record.max_rss_kb = static_cast<std::uint64_t>(use.ru_maxrss);
  record.minor_faults = static_cast<std::uint32_t>(use.ru_minflt);
  record.major_faults = static_cast<std::uint32_t>(use.ru_majflt);
  record.voluntary_switches = static_cast<std::uint32_t>(use.ru_nvcsw);
  record.involuntary_switches = static_cast<std::uint32_t>(use.ru_nivcsw);
  record.blocks_in = static_cast<std::uint32_t>(use.ru_inblock);
  record.blocks_out = static_cast<std::uint32_t>(use.ru_oublock);
  for (int stream : {kStdout, kStderr}) {
    record.bytes[stream] = job.wrote ? capture_->bytes(stream) : 0;
  }
  record.bytes[kStdout] += job.shown_bytes;
  results_.publish();
}

// The supervisor may want it however the job ended, and whatever is printed of it.
void Worker::keep_output(ipc::ResultRecord* record) {
  if (config_.output == OutputMode::kGroup) {
    for (int stream : {kStdout, kStderr}) {
      if (capture_->bytes(stream) != 0) log_->append_file(stream, job_files().fd(stream));
    }
  }
  const ipc::KeptSpan span = log_->span();
  std::memcpy(record->payload, &span, sizeof span);
  record->payload_size = sizeof span;
}

// Whether something is printed for the job even if it wrote nothing.
bool Worker::has_text_of_its_own(const Job& job) const {
  if (is_table() || job.line_waits) return true;
  if (!job.wrote) return false;
  return config_.results.prints_names || (config_.verbose == Verbose::kToStdout && !kept_);
}

bool Worker::is_decorated(const Job& job) const {
  return has_text_of_its_own(job) || (job.flags & ipc::kResultOutputCut) != 0 ||
         (job.wrote && !keeps_all() && (tag_ || config_.color || config_.color_failed));
}

void Worker::emit(Job& job) {
  if ((job.flags & ipc::kResultPrinted) == 0) return;
  if (is_table()) {
    emit_row(job);
  } else if (config_.output == OutputMode::kGroup && is_decorated(job)) {
    emit_decorated(job);
  } else if (!printer_.emit(job.output, job_files())) {
    leave_output(job);
  }
}

// Memory is condemned: the supervisor prints this, when it has made a new one.
void Worker::leave_output(const Job& job) {
  ipc::LeftOutput& left = results_.header().left;
  left.order = job.output.order;
  for (int stream : {kStdout, kStderr}) {
    left.begin[stream] = job.output.begin[stream];
    left.end[stream] = job.output.begin[stream] + job.output.length[stream];
  }
  const ipc::LeftOutput& begun = printer_.interrupted();
  if (begun.ticket == job.slot.ticket) {
    for (int stream : {kStdout, kStderr}) left.begin[stream] = begun.begin[stream];
  }
  left.ticket = job.slot.ticket;
}

// The same for what is not in the files as it is to be printed: it is put behind them.
void Worker::leave_text(const ipc::Output& output, const std::string text[2]) {
  ipc::LeftOutput& left = results_.header().left;
  left.order = output.order;
  for (int stream : {kStdout, kStderr}) {
    left.begin[stream] = files_.size(stream);
    write_fully(files_.fd(stream), text[stream]);
    left.end[stream] = files_.size(stream);
  }
  left.ticket = output.ticket;
}

// Calls `use` with what is to be printed of one stream, piece by piece.
template <typename Use>
void Worker::give_stream(const Job& job, int stream, Use&& use) const {
  if (stream == kStderr && job.line_waits) use(shown_line(kStderr));  // as it is, without a tag
  if (!job.wrote) return;
  std::int64_t color = config_.color ? color_of(job.slot.seq) : kNoColor;
  if (config_.color_failed && job.failed()) color = kAlarmColor;
  LineStyle style = line_style(tag_ ? &tag_text_ : nullptr, color);
  style.closes_last |= config_.color_failed;
  LineTagger tagger(std::move(style));
  std::string piece;
  const auto give = [&](std::string_view bytes) {
    piece.clear();
    tagger.append(bytes, &piece);
    use(std::string_view(piece));
  };
  const bool named = config_.results.prints_names;
  if (named && stream == kStdout) give(kept_->name() + (is_table() ? "" : "\n"));
  if (keeps_all() || (named && stream == kStdout)) return;
  if (stream == kStdout && config_.verbose == Verbose::kToStdout && !kept_)
    give(shown_line(kStdout));
  std::vector<char> chunk(64 * 1024);
  std::int64_t from = 0;
  while (from < job.output.length[stream]) {
    const ssize_t got = ::pread(job_files().fd(stream), chunk.data(), chunk.size(), from);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) printer_.fail(errno);
    if (got <= 0) break;
    give({chunk.data(), static_cast<std::size_t>(got)});
    from += got;
  }
  if (capture_->cut(stream)) {
    const bool own = recipe_ && config_.max_output_bytes == 0;
    give(cut_mark(own ? recipe_->recipe().most_output : config_.max_output_bytes,
                  capture_->bytes(stream)));
  }
  piece.clear();
  tagger.finish(&piece);
  use(std::string_view(piece));
}

// Tags and the like are put in on the way to the spool: once to count, once to write, unless one
// piece holds it all.
void Worker::emit_decorated(Job& job) {
  constexpr std::size_t kSmall = 64 * 1024;
  ipc::Output decorated = job.output;
  std::string small[2];
  for (int stream : {kStdout, kStderr}) {
    decorated.length[stream] = 0;
    give_stream(job, stream, [&](std::string_view bytes) {
      decorated.length[stream] += static_cast<std::int64_t>(bytes.size());
      if (small[stream].size() < kSmall) small[stream] += bytes;
    });
  }
  const auto leave = [&] {
    std::string text[2];
    for (int stream : {kStdout, kStderr}) {
      give_stream(job, stream, [&](std::string_view bytes) { text[stream] += bytes; });
    }
    leave_text(job.output, text);
  };
  if (!printer_.reserve(decorated.length, decorated.begin)) return leave();
  for (int stream : {kStdout, kStderr}) {
    std::int64_t at = decorated.begin[stream];
    if (static_cast<std::int64_t>(small[stream].size()) == decorated.length[stream]) {
      printer_.spool_at(stream, at, small[stream]);
      continue;
    }
    give_stream(job, stream, [&](std::string_view bytes) {
      printer_.spool_at(stream, at, bytes);
      at += static_cast<std::int64_t>(bytes.size());
    });
  }
  if (!printer_.emit_spooled(decorated)) leave();
}

// The output of one job lies in memory until its row is written.
void Worker::emit_row(Job& job) {
  std::string texts[2];
  for (int stream : {kStdout, kStderr}) {
    give_stream(job, stream, [&](std::string_view bytes) { texts[stream] += bytes; });
  }
  const LoggedEnd end = logged_end(job.end);
  std::string row;
  append_row(config_.results.table,
             {.seq = job.slot.seq,
              .start_ns = job.started_at_ns,
              .wall_ns = job.end.end_ns - job.started_ns,
              .bytes_in = job.bytes_in,
              .bytes_out = (job.wrote ? capture_->bytes(kStdout) : 0) + job.shown_bytes,
              .exit_value = end.exit_value,
              .signal = end.signal,
              .command = line_,
              .values = job.row_values,
              .out = texts[kStdout],
              .err = texts[kStderr]},
             &row);
  ipc::Output output = job.output;
  output.length[kStdout] = static_cast<std::int64_t>(row.size());
  output.length[kStderr] = 0;
  const std::string left[2] = {row, ""};
  if (!printer_.reserve(output.length, output.begin)) return leave_text(output, left);
  printer_.spool_at(kStdout, output.begin[kStdout], row);
  if (!printer_.emit_spooled(output)) leave_text(output, left);
}

// Before its end is known to anybody: who waits for it finds all of its files.
void Worker::mark_whole(Job& job) {
  switch (job.end.kind) {
    case ipc::EndKind::kExited:
    case ipc::EndKind::kSignaled:
    case ipc::EndKind::kTimedOut:
    case ipc::EndKind::kSpawnFailed:
      break;
    default:
      return;
  }
  if (const int error = kept_->mark_whole(job.slot.seq); error != 0) {
    job.end.kind = ipc::EndKind::kOutputFailed;
    job.end.code = error;
  }
}

void Worker::end_output(const Job& job) {
  if ((job.flags & ipc::kResultPrinted) == 0 && config_.results.prints_names) {
    kept_->discard();
  } else {
    kept_->close();
  }
}

// False: no more is to be started.
bool Worker::wait_for_print_room(std::uint64_t order) {
  if (config_.output == OutputMode::kUngroup) return true;
  while (!printer_.queue().has_room(order) && !printer_.failed()) {
    if (!memory_usable()) return false;
    const std::uint32_t flags = memory_.table().flags.load(std::memory_order_acquire);
    if ((flags & ipc::kFlagStopClaims) != 0 || link_.gone()) return false;
    printer_.drain_if_ready();
    const std::uint32_t seen = bells_.bell_value(start_.id.number);
    link_.tell_now();
    if (!printer_.queue().has_room(order)) bells_.wait_for_bell(start_.id.number, seen, 10);
  }
  return true;
}

}  // namespace enjoin
