#include "runner/record/attempt_row.h"

#include <string_view>

namespace enjoin {
namespace {

constexpr std::size_t kShownOfLarge = 8 * 1024;  // of output that a file holds whole

RecordWriter::Output output_of(const CapturedOutput& captured, int stream) {
  std::string_view text = captured.text[stream];
  const bool is_elsewhere = !captured.path[stream].empty();
  if (is_elsewhere && text.size() > kShownOfLarge) text.remove_prefix(text.size() - kShownOfLarge);
  return {
      .text = std::string(text), .bytes = captured.bytes[stream], .path = captured.path[stream]};
}

}  // namespace

double now_since_epoch() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

RecordWriter::AttemptRow attempt_row(const JobResult& result, std::uint32_t attempt,
                                     GraphPlan::End end, const CapturedOutput& output) {
  RecordWriter::AttemptRow row;
  row.attempt = attempt;
  row.end = end;
  row.outcome = result.outcome;
  row.use = result.use;
  row.started_at = result.started_at;
  row.worker = result.slot;
  for (int stream = 0; stream < 2; ++stream) row.output[stream] = output_of(output, stream);
  return row;
}

}  // namespace enjoin
