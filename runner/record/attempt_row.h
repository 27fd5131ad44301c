#pragma once

#include <chrono>

#include "runner/record/record_writer.h"
#include "runner/run/observer.h"

namespace enjoin {

/// What a result and its output say of an attempt; its numbers are still to be filled in.
RecordWriter::AttemptRow attempt_row(const JobResult& result, std::uint32_t attempt,
                                     GraphPlan::End end, const CapturedOutput& output);

/// Seconds since 1970, as times are recorded.
double now_since_epoch();

}  // namespace enjoin
