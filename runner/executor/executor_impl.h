#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <sys/types.h>

#include "enjoin/executor.h"
#include "ipc/unique_fd.h"
#include "runner/executor/frame_socket.h"
#include "runner/executor/line_stream.h"
#include "runner/executor/messages.h"
#include "runner/executor/needs.h"

namespace enjoin {

/// The host's side: it remembers what was added and whom to tell, and decides nothing about order.
///
/// Handlers may call us again, step() included. So whatever is to be told is first taken out of our
/// own state, and what a handler of which kind runs in is held by a shared_ptr.
class Executor::Impl {
 public:
  explicit Impl(ExecutorOptions options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  JobId add(Command command, JobOptions options);
  void add_need(JobId job, JobId on);
  StageId add_stage(StageOptions options);
  void close_stage(StageId stage);
  LimitId add_limit(LimitOptions options);
  void cancel(JobId job, Stop how);
  void cancel_all(Stop how);
  void skip(JobId job);
  void answer(JobId job, Answer answer);
  void set_cpus(std::uint32_t cpus);

  int fd() const { return epoll_.get(); }
  std::size_t step();
  std::size_t wait(std::chrono::nanoseconds limit);
  bool wait_all();
  std::optional<JobReport> try_take();
  std::size_t unfinished() const { return jobs_.size(); }
  std::size_t running() const { return running_; }

 private:
  struct HostJob {
    JobHandlers handlers;
    StageId stage{};
    std::uint64_t most_output = 0;
    bool asks = false;
    bool started = false;
    std::array<std::unique_ptr<LineStream>, 2> streams;  ///< Output::kLines, while it runs
  };
  struct HostStage {
    bool closed = false;
    bool allow_failure = false;
  };
  using JobPointer = std::shared_ptr<HostJob>;

  // Telling the helper (executor_impl.cc).
  void check_usable() const;
  void check_job(JobId job) const;
  HostStage& stage_of(StageId stage);
  void send(HostFrame kind, const std::string& body, std::vector<ipc::UniqueFd> descriptors = {});
  bool send_or_lose(HostFrame kind, const std::string& body,
                    std::vector<ipc::UniqueFd> descriptors = {});
  bool pull();
  void note_work();

  // Hearing from it (executor_events.cc).
  bool take_frame(SocketFrame* frame);
  void lose(const std::string& why);
  void read_lines();
  void handle(SocketFrame frame);
  void started(const StartedMessage& message, std::vector<ipc::UniqueFd> descriptors);
  void ended(EndedMessage message, const std::vector<ipc::UniqueFd>& descriptors);
  void refused(const RefusedMessage& message);
  void tell_lost();
  void watch(JobId job, HostJob* entry, std::size_t stream, ipc::UniqueFd pipe);
  void tell_lines(std::uint64_t key);
  void tell_last_lines(JobId job);
  void tell_last_lines(JobId job, SocketFrame* frame);
  void tell_end(JobReport report);

  pid_t owner_;  ///< who made us: a forked copy of us must not touch what is shared
  FrameSocket socket_;
  ipc::UniqueFd epoll_;  ///< the socket, event_, and the pipes of Output::kLines
  ipc::UniqueFd event_;  ///< readable where there is work that no other descriptor tells of
  std::deque<SocketFrame> inbox_;      ///< came while we were sending
  std::vector<std::uint64_t> untold_;  ///< keys of pipes whose lines a handler's exception kept
  std::string lost_;                   ///< why the helper is gone; empty: it is there

  std::map<JobId, JobPointer> jobs_;  ///< unfinished
  std::size_t running_ = 0;
  Needs needs_;
  std::vector<HostStage> stages_;            ///< [id - 1]
  std::unordered_set<std::uint64_t> asked_;  ///< ended, waiting for their answer()
  std::uint64_t last_job_ = 0;
  std::uint32_t last_limit_ = 0;
  std::deque<JobReport> kept_;
  std::size_t told_ = 0;  ///< ends, in all
  bool all_succeeded_ = true;
};

}  // namespace enjoin
