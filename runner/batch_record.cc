#include <fmt/format.h>

#include "runner/batch_run.h"

// What a run of the batch mode puts into the database of --db.

namespace enjoin {

void BatchRun::record(const JobResult& result, bool is_final) {
  try {
    const CapturedOutput output = output_reader_.read(team_, result, result.job.id.seq);
    record_->add(result, command_of(result), is_final, output);
  } catch (const Error& error) {
    give_up_record(error);
  }
}

void BatchRun::turn_record() {
  try {
    record_->turn(Clock::now());
  } catch (const Error& error) {
    give_up_record(error);
  }
}

// As without the job log: nothing more is started, what runs may end.
void BatchRun::give_up_record(const Error& error) {
  say(fmt::format("{}: Error: {}; no more jobs are started\n", program_, error.what()));
  record_ = nullptr;
  gave_up_ = true;
  plan_.stop();
  halting_ = HaltSpec::When::kSoon;
}

}  // namespace enjoin
