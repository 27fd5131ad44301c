#include "runner/run/run_joblog.h"

#include "runner/plan.h"

namespace enjoin {
namespace {

// A job whose outputs are missing has failed, whatever it said itself.
constexpr int kFailedAllTheSame = 1;

Joblog open_log(const std::string& path) {
  const bool append = path.starts_with('+');
  return Joblog(path.substr(append ? 1 : 0),
                append ? Joblog::Start::kAppend : Joblog::Start::kTruncate);
}

}  // namespace

RunJoblog::RunJoblog(const std::string& path, const JobSource& source)
    : log_(open_log(path)), source_(source) {}

void RunJoblog::ended(const AttemptEnd& end) {
  const JobResult& result = end.result;
  if (!end.is_final || !came_to_its_end(result.outcome)) return;
  const bool failed = end.end == GraphPlan::End::kFailure;
  const int status = exit_value(result.outcome);
  log_.add({.seq = source_.text(end.job).seq,
            .start_ns = result.started_at.count(),
            .runtime_ns = result.use.wall.count(),
            .receive = result.use.bytes_out,
            .exit_value = failed && status == 0 ? kFailedAllTheSame : status,
            .signal = signal_value(result.outcome),
            .command = source_.command(end.job)});
}

}  // namespace enjoin
