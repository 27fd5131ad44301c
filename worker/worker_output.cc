// What becomes of a job's output and record once it has ended.

#include <cerrno>
#include <optional>
#include <string>
#include <unistd.h>

#include <sys/resource.h>

#include "worker/decorate.h"
#include "worker/worker.h"
#include "worker/worker_job.h"

namespace enjoin {

void Worker::begin_output(Job& job) {
  if (tag_) {
    tag_->expand_line(job.inputs, job.numbers, &tag_text_);
  }
  if (lines_) lines_->begin_job(tag_ ? &tag_text_ : nullptr, job.slot.order);
  if (config_.verbose == Verbose::kNo) return;
  std::string shown = line_ + '\n';
  if (config_.verbose == Verbose::kToStderr) {
    printer_.write_all(kStderr, shown);
  } else if (config_.output == OutputMode::kUngroup) {
    printer_.write_all(kStdout, shown);
  } else if (lines_) {
    lines_->take(kStdout, shown);
  }
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
  const bool held_back = job.failed() && (job.slot.flags & ipc::kJobHoldOutputIfFailed) != 0 &&
                         job.end.kind != ipc::EndKind::kCanceled;
  if (lines_ && job.ran) {
    lines_->end_job(&job.output);
    if (const int lost = lines_->take_lost(); lost != 0 && job.end.kind == ipc::EndKind::kExited) {
      job.end.kind = ipc::EndKind::kOutputFailed;
      job.end.code = lost;
    }
  } else if (config_.output == OutputMode::kGroup && job.ran && !held_back) {
    for (int stream : {kStdout, kStderr}) job.output.length[stream] = files_.size(stream);
  }
  const bool has_output =
      job.output.length[0] != 0 || job.output.length[1] != 0 ||
      (config_.verbose == Verbose::kToStdout && job.ran && config_.output == OutputMode::kGroup);
  if (held_back) {
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
    record.bytes[stream] = job.ran ? capture_->bytes(stream) : 0;
  }
  results_.publish();
}

void Worker::emit(Job& job) {
  if ((job.flags & ipc::kResultPrinted) == 0) return;
  const bool decorate =
      config_.output == OutputMode::kGroup && job.ran &&
      (tag_ || config_.verbose == Verbose::kToStdout || (job.flags & ipc::kResultOutputCut) != 0);
  if (decorate) {
    emit_decorated(job);
  } else {
    printer_.emit(job.output, files_);
  }
}

// Tags and the like are put in on the way to the spool: once to count, once to write, unless one
// piece holds it all.
void Worker::emit_decorated(Job& job) {
  std::string piece;
  std::vector<char> chunk(64 * 1024);
  const auto pass = [&](int stream, auto&& use) {
    std::optional<LineTagger> tagger;
    if (tag_) tagger.emplace(tag_text_);
    const auto give = [&](std::string_view bytes) {
      piece.clear();
      if (tagger) {
        tagger->append(bytes, &piece);
        use(std::string_view(piece));
      } else {
        use(bytes);
      }
    };
    if (stream == kStdout && config_.verbose == Verbose::kToStdout) give(line_ + '\n');
    std::int64_t from = 0;
    while (from < job.output.length[stream]) {
      const ssize_t got = ::pread(files_.fd(stream), chunk.data(), chunk.size(), from);
      if (got <= 0) break;
      give({chunk.data(), static_cast<std::size_t>(got)});
      from += got;
    }
    if (capture_->cut(stream)) give(cut_mark(config_.max_output_bytes, capture_->bytes(stream)));
  };

  ipc::Output decorated = job.output;
  std::string small[2];
  for (int stream : {kStdout, kStderr}) {
    decorated.length[stream] = 0;
    pass(stream, [&](std::string_view bytes) {
      decorated.length[stream] += static_cast<std::int64_t>(bytes.size());
      if (small[stream].size() < chunk.size()) small[stream] += bytes;
    });
  }
  printer_.reserve(decorated.length, decorated.begin);
  for (int stream : {kStdout, kStderr}) {
    std::int64_t at = decorated.begin[stream];
    if (static_cast<std::int64_t>(small[stream].size()) == decorated.length[stream]) {
      printer_.spool_at(stream, at, small[stream]);
      continue;
    }
    pass(stream, [&](std::string_view bytes) {
      printer_.spool_at(stream, at, bytes);
      at += static_cast<std::int64_t>(bytes.size());
    });
  }
  printer_.emit_spooled(decorated);
}

// False: no more is to be started.
bool Worker::wait_for_print_room(std::uint64_t order) {
  if (config_.output == OutputMode::kUngroup) return true;
  while (!printer_.queue().has_room(order) && !printer_.failed()) {
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
