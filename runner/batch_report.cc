#include <algorithm>

#include <fmt/format.h>

#include "runner/batch_run.h"
#include "worker/term_safe.h"

// What a run says on stderr and records in the job log.

namespace enjoin {
namespace {

constexpr std::size_t kMostShownBytes = 2000;

std::string shown(std::string command) {
  if (command.size() > kMostShownBytes) command.replace(kMostShownBytes, std::string::npos, "…");
  return command;
}

// A command of several lines keeps them, as under GNU parallel.
std::string shown_lines(std::string_view command) {
  std::string text;
  for (std::size_t at = 0; at <= command.size();) {
    const std::size_t end = std::min(command.find('\n', at), command.size());
    if (at != 0) text += '\n';
    append_term_safe(command.substr(at, end - at), &text);
    at = end + 1;
  }
  return shown(text);
}

}  // namespace

void BatchRun::note_halt(const JobResult& result) {
  const HaltSpec::When when = plan_.take_halt();
  if (when == HaltSpec::When::kNever) return;
  halting_ = when;
  if (options_.quiet) return;
  const char* const ends[] = {"failed", "succeeded", "finished"};
  say(fmt::format("{}: This job {}:\n{}\n", program_, ends[static_cast<int>(options_.halt.why)],
                  shown_lines(command_of(result))));
}

void BatchRun::on_final(const JobResult& result) {
  const auto* canceled = std::get_if<Canceled>(&result.outcome);
  if (canceled == nullptr) {
    log(result);
  } else if (!canceled->started) {
    return;
  }
  if (options_.quiet || output_failed_) return;
  const auto name = [&](std::string_view kind, std::string_view what) {
    say(fmt::format("{0}: {1}: {2}:\n{0}: {1}: {3}\n", program_, kind, what,
                    shown_lines(command_of(result))));
  };
  if (canceled != nullptr) {
    name("Warning", "This job was stopped before it ended");
  } else if (std::holds_alternative<TimedOut>(result.outcome)) {
    name("Warning", "This job was killed because it timed out");
  } else if (!std::holds_alternative<Exited>(result.outcome) &&
             !std::holds_alternative<Signaled>(result.outcome)) {
    name("Error", "This job failed: " + to_string(result.outcome));
  }
  const auto* const signaled = std::get_if<Signaled>(&result.outcome);
  if (signaled != nullptr && signaled->out_of_memory) {
    name("Warning", "This job was killed while the kernel was out of memory");
  }
  if (result.processes_escaped) {
    name("Warning", "Not all processes that this job left could be killed (try --isolate=pid)");
  } else if (result.left_processes && options_.leftovers != Leftovers::kKeep) {
    name("Warning", options_.leftovers == Leftovers::kReport && options_.isolate == Isolate::kNone
                        ? "This job left processes running"
                        : "This job left processes, now killed");
  }
}

// A row means that the job need not run again: it ended by itself or by its own timeout, and what
// it wrote has reached its destination.
void BatchRun::log(const JobResult& result) {
  if (!joblog_ || !came_to_its_end(result.outcome) || team_.output_error() != 0) return;
  try {
    joblog_->add(
        {.seq = result.job.id.seq,
         .start_ns = result.started_at.count(),
         .runtime_ns = result.use.wall.count(),
         .send = feed_ ? feed_->sent(result.job.id.seq) : 0,
         // As GNU parallel: with --line-buffer both streams count.
         .receive = result.use.bytes_out +
                    (options_.output == OutputMode::kLineBuffer ? result.use.bytes_err : 0),
         .exit_value = exit_value(result.outcome),
         .signal = signal_value(result.outcome),
         .command = command_of(result)});
  } catch (const Error& error) {
    give_up_log(error);
  }
}

void BatchRun::flush_log() {
  try {
    if (joblog_) joblog_->flush();
  } catch (const Error& error) {
    give_up_log(error);
  }
}

// Without its log a run cannot be gone on with, so nothing more is started; what runs may end.
void BatchRun::give_up_log(const Error& error) {
  say(fmt::format("{}: Error: {}; no more jobs are started\n", program_, error.what()));
  joblog_.reset();
  gave_up_ = true;
  plan_.stop();
  halting_ = HaltSpec::When::kSoon;
}

std::string BatchRun::command_of(const JobResult& result) {
  expand_command(result.job.inputs, result.job.values, result.job.columns,
                 {result.job.id.seq, std::max(result.slot, 1U)});
  return line_;
}

// Into line_.
void BatchRun::expand_command(const std::string& inputs, std::uint32_t values,
                              std::uint32_t columns, const JobNumbers& numbers) {
  strings_.cut(inputs, values);
  command_.expand_line(strings_.inputs(columns), numbers, &line_);
}

// Numbers alone say which jobs have run, so a command or inputs that have changed since may leave
// out what never ran. That may be meant; it is said once.
void BatchRun::compare_with_log(const Batch& batch) {
  if (told_of_change_ || options_.quiet || !selection_.knows_commands() || command_.needs_slot() ||
      evaluator_.is_needed())
    return;
  expand_command(batch.bytes, batch.values, batch.columns, {batch.seq, 1});
  if (!selection_.had_other_command(batch.seq, line_)) return;
  told_of_change_ = true;
  say(fmt::format(
      "{}: Warning: job {} is left out, but the command that {} has for it is not\n"
      "{}: Warning: {}\n",
      program_, batch.seq, term_safe(joblog_file(options_)), program_, shown(term_safe(line_))));
}

void BatchRun::say(const std::string& text) {
  progress_.clear();
  messages_.say(term_safe_lines(text));
}

ProgressSnapshot BatchRun::snapshot() const {
  return {.total = plan_.total(),
          .total_is_final = input_ended_,
          .done = plan_.done(),
          .failed = plan_.failed(),
          .running = team_.running(),
          .elapsed = Clock::now() - began_,
          .average_runtime = plan_.average_runtime(),
          .recent_rate = 0,
          .latest = {}};
}

}  // namespace enjoin
