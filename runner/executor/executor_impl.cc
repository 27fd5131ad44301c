#include "runner/executor/executor_impl.h"

#include <cerrno>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "enjoin/error.h"
#include "runner/executor/command_check.h"
#include "runner/executor/epoll_keys.h"
#include "runner/executor/helper_start.h"
#include "runner/executor/poll_until.h"

// What is added is with the helper when the call returns, so that the graph goes on whatever the
// host does next. Meanwhile we take in what the helper says, lest both wait for each other.

namespace enjoin {
namespace {

constexpr auto kPatience = std::chrono::seconds(2);  // of the destructor

void add_to(const ipc::UniqueFd& epoll, int fd, std::uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = key;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw system_error("cannot watch the executor", errno);
  }
}

}  // namespace

Executor::Impl::Impl(ExecutorOptions options)
    : owner_(::getpid()),
      socket_(start_helper(options)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_ || !event_) throw system_error("cannot make an executor", errno);
  add_to(epoll_, socket_.fd(), kSocketKey);
  add_to(epoll_, event_.get(), kEventKey);
  if (!socket_.flush()) throw Error("the executor's helper ended as soon as it was started");
}

Executor::Impl::~Impl() {
  if (::getpid() != owner_) return;
  ::shutdown(socket_.fd(), SHUT_WR);  // ends all jobs; a copy in a forked process counts no more
  const auto end = std::chrono::steady_clock::now() + kPatience;
  SocketFrame frame;
  while (true) {
    const FrameSocket::Got got = socket_.take(&frame);
    if (got == FrameSocket::Got::kGone || got == FrameSocket::Got::kDamaged) return;
    if (got == FrameSocket::Got::kFrame) continue;
    if (!poll_until(socket_.fd(), POLLIN, end)) return;
  }
}

JobId Executor::Impl::add(Command command, JobOptions options) {
  check_usable();
  check_command(command);
  if (command.name.empty()) command.name = name_of(command);
  check_numbers(options);
  for (const JobId need : options.needs) check_job(need);
  for (const LimitId limit : options.limits) {
    const auto number = static_cast<std::uint32_t>(limit);
    if (number == 0 || number > last_limit_) {
      throw Error("the executor has no limit " + std::to_string(number));
    }
  }
  const bool in_stage = options.stage != StageId{};
  if (in_stage && stage_of(options.stage).closed) {
    throw Error("cannot add the job " + name_of(command) + " to a stage that was closed");
  }
  if (in_stage && needs_.ring_with(options.stage, options.needs)) {
    throw Error("cannot add the job " + name_of(command) +
                ": it would wait for itself, for what it needs waits for its stage");
  }
  CommandDescriptors descriptors = copy_descriptors(command);
  auto entry = std::make_shared<HostJob>();
  entry->handlers = std::exchange(options.handlers, {});
  entry->stage = options.stage;
  entry->most_output = command.most_output;
  entry->asks = options.asks;
  AddJobMessage message{JobId{last_job_ + 1}, std::move(command), std::move(options),
                        std::move(descriptors.targets)};
  send(HostFrame::kAddJob, pack(message), std::move(descriptors.copies));
  ++last_job_;
  needs_.add_job(message.id, message.options.stage, message.options.needs);
  jobs_.emplace_hint(jobs_.end(), message.id, std::move(entry));
  return message.id;
}

void Executor::Impl::add_need(JobId job, JobId on) {
  check_usable();
  check_job(job);
  check_job(on);
  const auto found = jobs_.find(job);
  if (found == jobs_.end() || found->second->started) {
    throw Error("a job that has started can need nothing more");
  }
  if (needs_.ring_with(job, on)) throw Error("a job would wait for itself: a ring of needs");
  send(HostFrame::kAddNeed, pack(AddNeedMessage{job, on}));
  needs_.add_need(job, on);
}

StageId Executor::Impl::add_stage(StageOptions options) {
  check_usable();
  for (const StageId need : options.needs) stage_of(need);
  const HostStage stage{false, options.allow_failure};
  const AddStageMessage message{StageId{static_cast<std::uint32_t>(stages_.size() + 1)},
                                std::move(options)};
  send(HostFrame::kAddStage, pack(message));
  stages_.push_back(stage);
  needs_.add_stage(message.id, message.options.needs);
  return message.id;
}

void Executor::Impl::close_stage(StageId stage) {
  check_usable();
  HostStage& entry = stage_of(stage);
  if (std::exchange(entry.closed, true)) return;
  send(HostFrame::kCloseStage, pack(stage));
}

LimitId Executor::Impl::add_limit(LimitOptions options) {
  check_usable();
  if (options.slots == 0) throw Error("a limit of 0 slots would let nothing run");
  const AddLimitMessage message{LimitId{last_limit_ + 1}, std::move(options)};
  send(HostFrame::kAddLimit, pack(message));
  ++last_limit_;
  return message.id;
}

void Executor::Impl::cancel(JobId job, Stop how) {
  check_job(job);
  if (jobs_.contains(job)) send_or_lose(HostFrame::kCancel, pack(CancelMessage{job, how}));
}

void Executor::Impl::cancel_all(Stop how) {
  send_or_lose(HostFrame::kCancelAll, pack(CancelMessage{JobId{}, how}));
}

void Executor::Impl::skip(JobId job) {
  check_job(job);
  if (jobs_.contains(job)) send_or_lose(HostFrame::kSkip, pack(job));
}

void Executor::Impl::answer(JobId job, Answer answer) {
  check_job(job);
  if (const auto found = jobs_.find(job); found != jobs_.end()) {
    throw Error("an answer to a job that has not ended");
  }
  if (asked_.erase(static_cast<std::uint64_t>(job)) == 0) return;
  send_or_lose(HostFrame::kAnswer, pack(AnswerMessage{job, answer}));
}

void Executor::Impl::set_cpus(std::uint32_t cpus) {
  send_or_lose(HostFrame::kSetCpus, pack(cpus));
}

void Executor::Impl::check_usable() const {
  if (::getpid() != owner_) throw Error("an Executor is its maker's, not a forked process's");
  if (!lost_.empty()) throw Error(lost_);
}

void Executor::Impl::check_job(JobId job) const {
  const auto number = static_cast<std::uint64_t>(job);
  if (number == 0 || number > last_job_) {
    throw Error("the executor has no job " + std::to_string(number));
  }
}

Executor::Impl::HostStage& Executor::Impl::stage_of(StageId stage) {
  const auto number = static_cast<std::uint32_t>(stage);
  if (number == 0 || number > stages_.size()) {
    throw Error("the executor has no stage " + std::to_string(number));
  }
  return stages_[number - 1];
}

// Throws Error where the helper is gone.
void Executor::Impl::send(HostFrame kind, const std::string& body,
                          std::vector<ipc::UniqueFd> descriptors) {
  if (!send_or_lose(kind, body, std::move(descriptors))) throw Error(lost_);
}

bool Executor::Impl::send_or_lose(HostFrame kind, const std::string& body,
                                  std::vector<ipc::UniqueFd> descriptors) {
  if (!lost_.empty() || ::getpid() != owner_) return false;
  socket_.queue(static_cast<std::uint16_t>(kind), body, std::move(descriptors));
  while (true) {
    const std::size_t before = socket_.queued_bytes();
    if (!socket_.flush()) {
      while (pull()) {  // its last words
      }
      if (lost_.empty()) lose("the executor's helper has ended");
      return false;
    }
    if (!socket_.has_queued()) return true;
    pollfd ready{socket_.fd(), POLLIN | POLLOUT, 0};
    ::poll(&ready, 1, -1);
    const bool stuck = (ready.revents & POLLOUT) != 0 && socket_.queued_bytes() == before;
    if (stuck) ::poll(nullptr, 0, 1);  // descriptors under way, see FrameSocket::flush()
    if ((ready.revents & ~POLLOUT) != 0) {
      while (pull()) {
      }
      if (!lost_.empty()) return false;
    }
  }
}

// Takes in one frame for later. False: there was none.
bool Executor::Impl::pull() {
  SocketFrame frame;
  if (!take_frame(&frame)) return false;
  inbox_.push_back(std::move(frame));
  note_work();
  return true;
}

void Executor::Impl::note_work() {
  ::eventfd_write(event_.get(), 1);
}

std::size_t Executor::Impl::wait(std::chrono::nanoseconds limit) {
  if (limit.count() < 0 && jobs_.empty()) return step();
  const auto end = std::chrono::steady_clock::now() + limit;
  if (limit.count() < 0) {
    pollfd ready{epoll_.get(), POLLIN, 0};
    ::poll(&ready, 1, -1);
  } else {
    poll_until(epoll_.get(), POLLIN, end);
  }
  return step();
}

bool Executor::Impl::wait_all() {
  while (!jobs_.empty()) wait(std::chrono::nanoseconds(-1));
  return std::exchange(all_succeeded_, true);
}

std::optional<JobReport> Executor::Impl::try_take() {
  if (kept_.empty()) return std::nullopt;
  JobReport report = std::move(kept_.front());
  kept_.pop_front();
  return report;
}

}  // namespace enjoin
