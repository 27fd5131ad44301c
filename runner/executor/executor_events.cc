#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "runner/executor/epoll_keys.h"
#include "runner/executor/executor_impl.h"

namespace enjoin {
namespace {

constexpr int kMostEvents = 64;
constexpr int kMostFrames = 1000;  // one step, so that other work of an event loop has its turn

/// Tells the event loop, should a handler throw, that there may be more to do.
class NotDone {
 public:
  explicit NotDone(int event) : event_(event) {}
  ~NotDone() {
    if (event_ >= 0) ::eventfd_write(event_, 1);
  }
  NotDone(const NotDone&) = delete;
  NotDone& operator=(const NotDone&) = delete;
  void done() { event_ = -1; }

 private:
  int event_;
};

// False: errno says why.
bool read_part(const ipc::UniqueFd& file, const FilePart& part, std::string* text) {
  text->resize(part.size);
  std::size_t size = 0;
  while (size < part.size) {
    const ssize_t more = ::pread(file.get(), text->data() + size, part.size - size,
                                 static_cast<off_t>(part.offset + size));
    if (more < 0 && errno == EINTR) continue;
    if (more == 0) errno = EIO;
    if (more <= 0) break;
    size += static_cast<std::size_t>(more);
  }
  text->resize(size);
  return size == part.size;
}

}  // namespace

std::size_t Executor::Impl::step() {
  if (::getpid() != owner_) return 0;
  const std::size_t before = told_;
  eventfd_t count = 0;
  ::eventfd_read(event_.get(), &count);
  NotDone guard(event_.get());
  read_lines();
  SocketFrame frame;
  int frames = 0;
  for (; frames < kMostFrames; ++frames) {
    if (!inbox_.empty()) {
      frame = std::move(inbox_.front());
      inbox_.pop_front();
    } else if (!take_frame(&frame)) {
      break;
    }
    handle(std::move(frame));
  }
  if (frames < kMostFrames) {
    if (!lost_.empty()) tell_lost();
    guard.done();
  }
  return told_ - before;
}

// The next frame from the socket; the end of the helper is noted in lost_.
bool Executor::Impl::take_frame(SocketFrame* frame) {
  if (!lost_.empty() && socket_.fd() < 0) return false;
  switch (socket_.take(frame)) {
    case FrameSocket::Got::kFrame:
      return true;
    case FrameSocket::Got::kNothing:
      return false;
    case FrameSocket::Got::kGone:
      lose("the executor's helper has ended");
      return false;
    case FrameSocket::Got::kDamaged:
      lose("what the executor's helper says is damaged");
  }
  return false;
}

void Executor::Impl::lose(const std::string& why) {
  if (lost_.empty()) lost_ = why;
  // A forked process may have a copy of it, so that closing it is not enough.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket_.fd(), nullptr);
  socket_ = FrameSocket();
  note_work();
}

void Executor::Impl::read_lines() {
  while (!untold_.empty()) {
    const std::uint64_t key = untold_.back();
    untold_.pop_back();
    tell_lines(key);
  }
  std::array<epoll_event, kMostEvents> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kMostEvents, 0);
  for (int at = 0; at < count; ++at) {
    const std::uint64_t key = events[static_cast<std::size_t>(at)].data.u64;
    if (key == kSocketKey || key == kEventKey) continue;
    const auto found = jobs_.find(job_of(key));
    if (found == jobs_.end() || found->second->streams[key & 1] == nullptr) continue;
    found->second->streams[key & 1]->read_some();
    tell_lines(key);
  }
}

void Executor::Impl::handle(SocketFrame frame) {
  bool good = false;
  switch (static_cast<ExecutorFrame>(frame.kind)) {
    case ExecutorFrame::kStarted: {
      StartedMessage message;
      good = unpack(frame.body, &message);
      if (!good) break;
      tell_last_lines(message.job, &frame);  // of an attempt before
      started(message, std::move(frame.descriptors));
      break;
    }
    case ExecutorFrame::kEnded: {
      EndedMessage message;
      good = unpack(frame.body, &message);
      if (!good) break;
      tell_last_lines(message.report.id, &frame);
      ended(std::move(message), frame.descriptors);
      break;
    }
    case ExecutorFrame::kRefused: {
      RefusedMessage message;
      good = unpack(frame.body, &message);
      if (good) refused(message);
      break;
    }
    case ExecutorFrame::kFailed: {
      std::string text;
      good = unpack(frame.body, &text);
      if (good) lose("the executor's helper has failed: " + text);
      break;
    }
    case ExecutorFrame::kHello:
      break;
  }
  if (!good) lose("what the executor's helper says is damaged");
}

void Executor::Impl::started(const StartedMessage& message,
                             std::vector<ipc::UniqueFd> descriptors) {
  const auto found = jobs_.find(message.job);
  if (found == jobs_.end()) return;
  const JobPointer entry = found->second;
  for (std::size_t stream = 0; stream < std::min<std::size_t>(descriptors.size(), 2); ++stream) {
    watch(message.job, entry.get(), stream, std::move(descriptors[stream]));
  }
  if (std::exchange(entry->started, true)) return;
  ++running_;
  if (entry->handlers.on_start) entry->handlers.on_start(message.job);
}

void Executor::Impl::watch(JobId job, HostJob* entry, std::size_t stream, ipc::UniqueFd pipe) {
  if (!pipe) return;
  entry->streams[stream] = std::make_unique<LineStream>(std::move(pipe), entry->most_output);
  entry->streams[stream]->watch(epoll_.get(), pipe_key(job, stream));
}

// Should a handler throw, the next step() tells the other lines.
void Executor::Impl::tell_lines(std::uint64_t key) {
  const JobId job = job_of(key);
  const std::size_t stream = key & 1;
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  const JobPointer entry = found->second;
  std::string_view line;
  // A handler that calls step() may take the stream away.
  while (entry->streams[stream] != nullptr && entry->streams[stream]->next(&line)) {
    if (!entry->handlers.on_line) continue;
    const std::string own(line);
    try {
      entry->handlers.on_line(job, static_cast<int>(stream) + 1, own);
    } catch (...) {
      untold_.push_back(key);
      throw;
    }
  }
}

void Executor::Impl::tell_last_lines(JobId job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  const JobPointer entry = found->second;
  for (std::size_t stream = 0; stream < entry->streams.size(); ++stream) {
    if (entry->streams[stream] == nullptr) continue;
    entry->streams[stream]->read_last();
    tell_lines(pipe_key(job, stream));
    entry->streams[stream].reset();
  }
}

// Before what `frame` says is done. Should a handler throw, the frame has its turn again.
void Executor::Impl::tell_last_lines(JobId job, SocketFrame* frame) {
  try {
    tell_last_lines(job);
  } catch (...) {
    inbox_.push_front(std::move(*frame));
    throw;
  }
}

void Executor::Impl::ended(EndedMessage message, const std::vector<ipc::UniqueFd>& descriptors) {
  JobReport& report = message.report;
  if (!jobs_.contains(report.id)) return;
  auto file = descriptors.begin();
  for (const auto& [part, text] :
       {std::pair{&message.out, &report.out}, std::pair{&message.err, &report.err}}) {
    if (!part->there) continue;
    if (file != descriptors.end() && *file && read_part(*file, *part, text)) {
      ++file;
      continue;
    }
    const int error = file != descriptors.end() && *file ? errno : EMFILE;
    if (report.success) {
      report.success = false;  // which what needs it does not know: it succeeded for them
      report.outcome = OutputFailed{error};
    }
    if (file != descriptors.end()) ++file;
  }
  tell_end(std::move(report));
}

void Executor::Impl::refused(const RefusedMessage& message) {
  if (!jobs_.contains(message.job)) return;
  JobReport report;
  report.id = message.job;
  report.kind = JobReport::Kind::kDropped;
  report.reason = message.text;
  tell_end(std::move(report));
}

// All that were begun are Lost, and the others were never started, for their scheduler is gone.
void Executor::Impl::tell_lost() {
  asked_.clear();
  while (!jobs_.empty()) {
    const JobId job = jobs_.begin()->first;
    const JobPointer entry = jobs_.begin()->second;
    tell_last_lines(job);
    JobReport report;
    report.id = job;
    report.kind = entry->started ? JobReport::Kind::kRan : JobReport::Kind::kDropped;
    report.outcome = Lost{};
    report.reason = lost_;
    tell_end(std::move(report));
  }
}

void Executor::Impl::tell_end(JobReport report) {
  const auto found = jobs_.find(report.id);
  if (found == jobs_.end()) return;  // a handler of its last lines has stepped over it
  const JobPointer entry = found->second;
  jobs_.erase(found);
  needs_.ended(report.id);
  if (entry->started) --running_;
  if (entry->asks && report.success && report.kind == JobReport::Kind::kRan) {
    asked_.insert(static_cast<std::uint64_t>(report.id));
  }
  const bool excused = entry->stage != StageId{} &&
                       stages_[static_cast<std::uint32_t>(entry->stage) - 1].allow_failure;
  if (!report.success && !excused) all_succeeded_ = false;
  ++told_;
  if (entry->handlers.on_end) {
    entry->handlers.on_end(report);
  } else {
    kept_.push_back(std::move(report));
  }
}

}  // namespace enjoin
