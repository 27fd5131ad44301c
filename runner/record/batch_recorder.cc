#include "runner/record/batch_recorder.h"

#include <filesystem>
#include <utility>

#include "runner/record/attempt_row.h"

namespace enjoin {
namespace {

GraphPlan::End end_of(const Outcome& outcome) {
  if (std::holds_alternative<Canceled>(outcome)) return GraphPlan::End::kCanceled;
  return succeeded(outcome) ? GraphPlan::End::kSuccess : GraphPlan::End::kFailure;
}

}  // namespace

BatchRecorder::BatchRecorder(const std::string& path, const RunInfo& info)
    : file_(path),
      writer_(file_.database(), info),
      output_files_(output_folder_of(path), writer_.run()),
      folder_(std::filesystem::current_path()) {}

void BatchRecorder::begin_stage() {
  const bool is_first = stage_.stage.empty();
  const std::uint32_t place = is_first ? 0 : stage_.place + 1;
  std::vector<std::string> needs;
  if (!is_first) needs.push_back(stage_.stage);
  stage_ = {};
  stage_.place = place;
  stage_.stage = std::to_string(place + 1);
  stage_.needs = std::move(needs);
  stage_.opened = now_since_epoch();
  writer_.put_stage(stage_);
}

void BatchRecorder::add(const JobResult& result, std::string command, bool is_final,
                        const CapturedOutput& output) {
  if (writer_.gave_up()) return;
  const auto* const canceled = std::get_if<Canceled>(&result.outcome);
  if (canceled != nullptr && !canceled->started) return;
  RecordWriter::AttemptRow row =
      attempt_row(result, result.job.attempt, end_of(result.outcome), output);
  row.id = writer_.next_attempt();
  row.seq = result.job.id.seq;
  row.is_final = is_final;
  row.job = row_of(result, std::move(command), is_final,
                   row.end == GraphPlan::End::kSuccess ? row.id : 0);
  if (is_final) {
    for (GraphPlan::Counts* const counts : {&stage_.counts, &counts_}) {
      ++counts->added;
      if (row.end == GraphPlan::End::kSuccess) ++counts->succeeded;
      if (row.end == GraphPlan::End::kFailure) ++counts->failed;
    }
  }
  writer_.add_attempt(std::move(row));
}

/// The job's row: that of its first attempt, else a new one.
std::int64_t BatchRecorder::row_of(const JobResult& result, std::string command, bool is_final,
                                   std::int64_t done) {
  const std::uint64_t seq = result.job.id.seq;
  const auto known = retried_.find(seq);
  if (known != retried_.end()) {
    const std::int64_t row = known->second;
    if (done != 0) writer_.set_done(row, done, 0);
    if (is_final) retried_.erase(known);
    return row;
  }
  const std::int64_t row = writer_.next_job();
  if (!is_final) retried_.emplace(seq, row);
  RecordWriter::JobRow job{.row = row, .done = done, .stage = stage_.stage};
  job.identity.key = IdentityHash().add("batch").add(folder_).add(command).value128();
  job.identity.command = IdentityHash().add(command).value64();
  job.name = std::to_string(seq);
  job.command = std::move(command);
  writer_.add_job(std::move(job));
  return row;
}

void BatchRecorder::end_stage() {
  stage_.ended = now_since_epoch();
  writer_.put_stage(stage_);
}

void BatchRecorder::end_run(int status) {
  writer_.end_run(status, counts_);
}

}  // namespace enjoin
