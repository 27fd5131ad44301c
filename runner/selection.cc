#include "runner/selection.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

/// Commands read from a job log, each where it is wanted: a log may hold more of them than we want
/// to keep.
class LoggedCommands final : public InputSource {
 public:
  LoggedCommands(const std::string& path, std::vector<JoblogHistory::FailedRow> rows)
      : path_(path), rows_(std::move(rows)), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!fd_ && !rows_.empty()) throw system_error("cannot read " + term_safe(path_), errno);
  }

  Pull pull(Record* record) override {
    if (next_ == rows_.size()) return Pull::kEnd;
    const JoblogHistory::FailedRow& row = rows_[next_++];
    command_.resize(row.size);
    std::size_t done = 0;
    while (done < row.size) {
      const ssize_t got = ::pread(fd_.get(), command_.data() + done, row.size - done,
                                  static_cast<off_t>(row.offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw system_error("cannot read the job log " + term_safe(path_), errno);
      if (got == 0) throw Error("the job log " + term_safe(path_) + " has become shorter");
      done += static_cast<std::size_t>(got);
    }
    command_ = logged_command(command_);
    record->values.assign(1, command_);
    return Pull::kRecord;
  }
  int wait_fd() const override { return -1; }

 private:
  const std::string path_;
  const std::vector<JoblogHistory::FailedRow> rows_;
  const ipc::UniqueFd fd_;
  std::size_t next_ = 0;
  std::string command_;
};

}  // namespace

std::string joblog_file(const Options& options) {
  const std::string& path = options.joblog_path;
  return path.starts_with('+') ? path.substr(1) : path;
}

Options retry_options(Options options) {
  TemplateSpec command;
  command.replace_string = options.command.replace_string;
  command.quote_values = options.command.quote_values;
  options.command = std::move(command);
  options.batch = {};
  options.spread_batches = false;
  options.input = {};
  options.pipe = {};
  return options;
}

Options selected_options(const Options& options) {
  if (!options.selection.retry_failed) return options;
  const std::string path = joblog_file(options);
  const bool has_jobs = !options.command.words.empty() || !options.input.sources.empty();
  const bool is_logged = path != "-" && ::access(path.c_str(), F_OK) == 0;
  if (is_logged || !has_jobs) return retry_options(options);
  Options all = options;
  all.selection.retry_failed = false;
  return all;
}

Selection Selection::open(const Options& options) {
  const SelectionSpec& spec = options.selection;
  Selection selection;
  selection.part_ = spec.part;
  selection.parts_ = spec.parts;
  // Where several are given the one that asks for most counts, as in GNU parallel.
  if (spec.retry_failed) {
    selection.mode_ = Mode::kFailed;
  } else if (spec.resume_failed) {
    selection.mode_ = Mode::kUnloggedAndFailed;
  } else if (spec.resume) {
    selection.mode_ = Mode::kUnlogged;
  }
  if (selection.mode_ == Mode::kAll) return selection;
  selection.path_ = joblog_file(options);
  if (selection.path_.empty() || selection.path_ == "-") return selection;
  const bool collect = selection.mode_ == Mode::kFailed;
  selection.reading_ =
      read_joblog(selection.path_, collect ? FailedRows::kCollect : FailedRows::kIgnore);
  return selection;
}

std::uint64_t Selection::next_number() {
  if (mode_ != Mode::kFailed) return before_ + ++taken_;
  return taken_ < reading_.failed.size() ? reading_.failed[taken_++].seq : 0;
}

void Selection::look_at_results(const Options& options) {
  const bool resumes = mode_ == Mode::kUnlogged || mode_ == Mode::kUnloggedAndFailed;
  if (!resumes || !ResultsRecord::is_there(options)) return;
  try {
    results_.emplace(options);
  } catch (const UsageError&) {
    if (path_.empty()) throw;
  }
}

bool Selection::wants(const Batch& batch) {
  if (!wants_number(batch.seq)) return false;
  // A failed job has its results, too; only the log tells.
  if (!results_ || reading_.history.fate(batch.seq) != JoblogHistory::Fate::kUnknown) return true;
  return !results_->has(batch);
}

bool Selection::wants_number(std::uint64_t seq) const {
  if (parts_ > 1 && !is_in_part(seq)) return false;
  switch (mode_) {
    case Mode::kAll:
    case Mode::kFailed:
      return true;
    case Mode::kUnlogged:
      return reading_.history.fate(seq) == JoblogHistory::Fate::kUnknown;
    case Mode::kUnloggedAndFailed:
      return reading_.history.fate(seq) != JoblogHistory::Fate::kSucceeded;
  }
  return true;
}

std::unique_ptr<InputSource> Selection::logged_commands() const {
  if (mode_ != Mode::kFailed) return nullptr;
  return std::make_unique<LoggedCommands>(path_, reading_.failed);
}

}  // namespace enjoin
