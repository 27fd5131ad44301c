#include "runner/serve/host_session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>

#include "enjoin/error.h"
#include "runner/batch_setup.h"
#include "runner/serve/kept_text.h"
#include "runner/serve/session_setup.h"

namespace enjoin {
namespace {

// So long at most we do not look at the other side of the loop.
constexpr std::chrono::milliseconds kMostAtOnce{10};
constexpr std::chrono::milliseconds kStuck{1};
// Short jobs wait with the workers, so many that these have something to do until we hear of the
// ends; but few, for what becomes startable meanwhile may be more urgent.
constexpr std::uint32_t kLookAhead = 128;
constexpr std::chrono::milliseconds kAheadTime{20};
constexpr double kNewestWeight = 1.0 / 16;

class TimeSlice {
 public:
  bool is_over() { return ++steps_ % 64 == 0 && HostSession::Clock::now() - began_ > kMostAtOnce; }

 private:
  HostSession::Clock::time_point began_ = HostSession::Clock::now();
  unsigned steps_ = 0;
};

bool is_readable(int fd) {
  pollfd ready{fd, POLLIN, 0};
  return fd >= 0 && ::poll(&ready, 1, 0) > 0;
}

}  // namespace

HostSession::HostSession(SetupMessage setup, ipc::UniqueFd host, FrameSocket* socket)
    : socket_(*socket),
      host_(std::move(host)),
      ended_(open_term_signal()),
      open_files_(raise_open_files()),
      scratch_folder_(setup.options.scratch_folder),
      cpus_(cpus_of(setup.options)),
      slots_(open_slots(setup.options, cpus_)),
      schedule_(plan_spec(setup.options, cpus_), ::getpgid(static_cast<pid_t>(setup.host_pid))),
      team_(team_spec(setup)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw system_error("cannot make a descriptor to wait on", errno);
  team_.set_most_running(cpus_);
  team_.expect_more(true);
  team_.give_descriptors([this](const Job& job) { return give_descriptors(job); });
  if (slots_) {
    team_.watch_ends([this](const JobResult& end) { slots_->ended(end.job.id.seq); });
  }
  watch(socket_.fd(), EPOLLIN, true);
  if (host_) watch(host_.get(), EPOLLIN, true);
  if (ended_) watch(ended_.get(), EPOLLIN, true);
}

TeamSpec HostSession::team_spec(const SetupMessage& setup) {
  TeamSpec spec;
  spec.worker = worker_config_of(setup, open_files_);
  spec.workers = workers_for(cpus_, open_files_);
  spec.look_ahead = kLookAhead;
  spec.keeps_output = true;
  if (slots_) offer_slots(*slots_, &spec);
  return spec;
}

void HostSession::watch(int fd, std::uint32_t events, bool is_new) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0) {
    throw system_error("cannot wait for the host", errno);
  }
}

void HostSession::run() {
  while (true) {
    take_frames();
    if (host_is_gone()) break;
    take_ends();
    start_jobs();
    if (slots_) slots_->turn(Clock::now());
    tell_news();
    flush();
    wait();
  }
  end_all();
}

bool HostSession::host_is_gone() {
  if (is_readable(ended_.get())) throw Error("the executor was ended by SIGTERM");
  return gone_ || is_readable(host_.get());
}

// Nobody is to hear of them any more.
void HostSession::end_all() {
  team_.cancel_all(Team::How::kNow);
  while (team_.unfinished() > 0) {
    team_.collect([](JobResult&) {});
    if (team_.unfinished() > 0) team_.wait({}, std::chrono::milliseconds(20));
  }
}

void HostSession::take_frames() {
  more_frames_ = false;
  SocketFrame frame;
  for (TimeSlice slice; !slice.is_over();) {
    switch (socket_.take(&frame)) {
      case FrameSocket::Got::kFrame:
        schedule_.take(std::move(frame));
        frame = {};
        break;
      case FrameSocket::Got::kNothing:
        return;
      case FrameSocket::Got::kGone:
        gone_ = true;
        return;
      case FrameSocket::Got::kDamaged:
        throw Error("what the host says is no frame");
    }
  }
  more_frames_ = true;
}

void HostSession::take_ends() {
  const Clock::time_point now = Clock::now();
  team_.collect([&](JobResult& result) {
    if (slots_) slots_->ended(result.job.id.seq);
    if (succeeded(result.outcome)) note_wall(result.use.wall);
    std::optional<JobReport> report = schedule_.on_end(result, now);
    if (!report) return;
    EndedMessage message;
    message.report = std::move(*report);
    std::vector<ipc::UniqueFd> descriptors;
    add_output(team_, result, scratch_folder_, &message, &descriptors);
    tell_end(std::move(message), std::move(descriptors));
  });
}

void HostSession::start_jobs() {
  more_starts_ = false;
  for (const CancelMessage& wish : schedule_.take_cancels()) {
    team_.cancel({static_cast<std::uint64_t>(wish.job)},
                 wish.how == Stop::kNow ? Team::How::kNow : Team::How::kLadder);
  }
  if (schedule_.cpus() != 0) team_.set_most_running(schedule_.cpus());
  TimeSlice slice;
  while (team_.room() > 0) {
    more_starts_ = slice.is_over();
    if (more_starts_) return;
    SlotTaken slot(slots_.get());
    if (!slot) return;
    std::optional<Job> job = schedule_.next(Clock::now());
    if (!job) return;
    const ServedJob* const served = schedule_.running(job->id.seq);
    if (slots_) slots_->began(job->id.seq);
    slot.keep();
    if (!served->tells_lines()) tell_started(*job, {});
    team_.start(std::move(*job));
  }
}

void HostSession::note_wall(std::chrono::nanoseconds wall) {
  if (slots_) return;  // who waits with the workers would hold one
  const auto seconds = std::chrono::duration<double>(wall).count();
  average_wall_ += (seconds - average_wall_) * kNewestWeight;
  const double jobs = std::chrono::duration<double>(kAheadTime).count() /
                      std::max(average_wall_, 1e-6) * static_cast<double>(team_.worker_count());
  const double most = kLookAhead;
  schedule_.set_look_ahead(jobs < 1 ? 0 : static_cast<std::uint32_t>(std::min(jobs, most)));
}

// Its worker is about to start it.
JobDescriptors HostSession::give_descriptors(const Job& job) {
  const ServedJob* const served = schedule_.running(job.id.seq);
  if (served == nullptr) return JobDescriptors::failed(EBADF);
  JobDescriptors given;
  for (const auto& fd : served->given) given.add(fd->get());
  if (served->input) {
    ipc::UniqueFd input = file_of(*served->input);
    if (!input) return JobDescriptors::failed(errno);
    given.add(std::move(input));
  }
  if (!served->tells_lines()) return given;
  std::vector<ipc::UniqueFd> pipes;
  for (const bool is_pipe : served->lines) {
    int ends[2] = {-1, -1};
    if (!is_pipe) {  // each has its place in the frame
      pipes.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      continue;
    }
    if (::pipe2(ends, O_CLOEXEC) != 0) return JobDescriptors::failed(errno);
    pipes.emplace_back(ends[0]);
    given.add(ipc::UniqueFd(ends[1]));
  }
  tell_started(job, std::move(pipes));
  return given;
}

void HostSession::tell(ExecutorFrame kind, const std::string& body,
                       std::vector<ipc::UniqueFd> descriptors) {
  socket_.queue(static_cast<std::uint16_t>(kind), body, std::move(descriptors));
}

void HostSession::tell_started(const Job& job, std::vector<ipc::UniqueFd> pipes) {
  tell(ExecutorFrame::kStarted, pack(StartedMessage{JobId{job.id.seq}, job.attempt}),
       std::move(pipes));
}

void HostSession::tell_end(EndedMessage message, std::vector<ipc::UniqueFd> descriptors) {
  tell(ExecutorFrame::kEnded, pack(message), std::move(descriptors));
}

void HostSession::tell_news() {
  for (const RefusedMessage& refused : schedule_.take_refused()) {
    tell(ExecutorFrame::kRefused, pack(refused));
  }
  for (JobReport& report : schedule_.take_unrun()) tell_end({std::move(report), {}, {}}, {});
}

void HostSession::flush() {
  const std::size_t before = socket_.queued_bytes();
  if (!socket_.flush()) gone_ = true;
  const bool waits = socket_.has_queued();
  stuck_ = waits && socket_.queued_bytes() == before && is_writable(socket_.fd());
  if (waits != watches_room_ || stuck_) {
    watches_room_ = waits && !stuck_;
    watch(socket_.fd(), watches_room_ ? EPOLLIN | EPOLLOUT : EPOLLIN, false);
  }
}

void HostSession::wait() {
  const Clock::time_point now = Clock::now();
  std::chrono::nanoseconds limit(-1);
  const auto consider = [&limit](std::chrono::nanoseconds other) {
    if (limit.count() < 0 || other < limit) limit = std::max(other, std::chrono::nanoseconds(0));
  };
  if (more_frames_ || more_starts_ || gone_) consider(std::chrono::nanoseconds(0));
  if (stuck_) consider(kStuck);
  // Without room, a time that has come changes nothing.
  if (const auto next = schedule_.next_start(now); next && team_.room() > 0) consider(*next - now);
  if (slots_) {
    if (const auto due = slots_->until_due(now); due.count() >= 0) consider(due);
  }
  std::array<int, 2> readable{epoll_.get()};
  std::size_t count = 1;
  if (slots_ && slots_->wait_fd() >= 0) readable[count++] = slots_->wait_fd();
  team_.wait({readable.data(), count}, limit);
}

}  // namespace enjoin
