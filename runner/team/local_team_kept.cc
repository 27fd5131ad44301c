// What jobs wrote: kept until their results are delivered, and looked at while they run.

#include <algorithm>
#include <cstring>
#include <limits>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>

#include "ipc/check.h"
#include "runner/team/local_team.h"
#include "worker/job_recipe.h"

namespace enjoin {
namespace {

constexpr std::size_t kLongestLine = 1024;

bool is_later(const struct stat& a, const struct stat& b) {
  return std::pair(a.st_mtim.tv_sec, a.st_mtim.tv_nsec) >
         std::pair(b.st_mtim.tv_sec, b.st_mtim.tv_nsec);
}

}  // namespace

// What it says is checked when it comes: the file can only grow.
void LocalTeam::note_kept(Flight& flight, const ipc::ResultRecord& record) {
  ipc::KeptSpan span;
  if (record.payload_size != sizeof span) return;
  std::memcpy(&span, record.payload, sizeof span);
  if (kept_logs_->holds(flight.worker, span)) flight.kept = span;
}

void LocalTeam::keep_left_output(Flight& flight, const WorkerProcess& worker) {
  flight.kept = kept_logs_->take_left(worker.id.number, worker.capture, most_output(flight));
}

// Bytes of each stream that are kept of this job.
std::int64_t LocalTeam::most_output(const Flight& flight) const {
  const std::uint64_t most = spec_.worker.recipes ? most_output_of(flight.job.inputs) : 0;
  constexpr std::int64_t all = std::numeric_limits<std::int64_t>::max();
  return most == 0 ? all : static_cast<std::int64_t>(std::min<std::uint64_t>(most, all));
}

void LocalTeam::deliver_results(const std::function<void(JobResult&)>& deliver) {
  while (!results_.empty()) {
    Delivery delivery = std::move(results_.front());
    results_.pop_front();
    const std::uint32_t slot = delivery.result.slot;
    delivered_ = &delivery;
    deliver(delivery.result);
    delivered_ = nullptr;
    if (kept_logs_ && slot > 0) kept_logs_->give_back(slot - 1, delivery.kept);
  }
}

LocalTeam::KeptPlaces LocalTeam::kept_output(const JobResult& result) const {
  KeptPlaces places;
  if (!kept_logs_ || delivered_ == nullptr || result.slot == 0) return places;
  for (int stream : {kStdout, kStderr}) {
    const ipc::KeptSpan& kept = delivered_->kept;
    places.stream[stream] = {.fd = kept_logs_->fd(result.slot - 1, stream),
                             .begin = kept.begin[stream],
                             .length = kept.end[stream] - kept.begin[stream]};
  }
  return places;
}

// Of the stream that was written to last.
std::string LocalTeam::latest_line(std::uint32_t worker) const {
  if (worker >= workers_.size()) return {};
  int stream = -1;
  struct stat latest {};
  for (const int candidate : {kStdout, kStderr}) {
    const int fd = workers_[worker].capture[candidate].get();
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0 || status.st_size == 0) continue;
    if (stream >= 0 && !is_later(status, latest)) continue;
    stream = candidate;
    latest = status;
  }
  if (stream < 0) return {};
  std::string text(kLongestLine, '\0');
  const auto size = static_cast<std::size_t>(latest.st_size);
  const std::size_t from = size > kLongestLine ? size - kLongestLine : 0;
  const ssize_t got = ::pread(workers_[worker].capture[stream].get(), text.data(), text.size(),
                              static_cast<off_t>(from));
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const std::size_t line = text.find_last_of("\n\r");
  return line == text.npos ? text : text.substr(line + 1);
}

bool LocalTeam::between_output(const std::function<void()>& act) {
  if (!printer_->queue().try_take()) return false;
  act();
  if (printer_->queue().release()) printer_->drain();
  return true;
}

}  // namespace enjoin
