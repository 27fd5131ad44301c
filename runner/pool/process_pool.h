#pragma once

// A pool of worker processes, as the host sees it.
//
// The authoritative state is private: a CallCell for each call. What lies in shared memory is the
// queue (ipc::ClaimPublisher), and a ring of results from each worker. There is no thread of ours:
// whoever waits for something drives, the others that wait sleep on a condition variable. The
// driver alone touches the readers of results; it holds the mutex but while it spins or polls.
//
//   submit    cell filled, published where there is room, else in the backlog
//   collect   records -> cells; slots reclaimed; backlog published
//   sleep     announce that we wait, look once more, poll {workers' eventfd, their keeper}
//
// A call costs no allocation (CallCells), one short critical section to submit and its part of one
// to collect. A sleeping worker is rung when a call is announced, which a row of calls (map) is
// once for 64; a worker that is awake is never rung, it finds the queue not empty.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "enjoin/pool.h"
#include "ipc/bells.h"
#include "ipc/claim_queue.h"
#include "ipc/results.h"
#include "ipc/spin.h"
#include "runner/pool/call_cells.h"
#include "runner/pool/pool_workers.h"
#include "worker/cpu_quota.h"

namespace enjoin {

class ProcessPool final : public detail::PoolCore, private WorkerEvents {
 public:
  /// Makes the processes' side of it. May throw Error.
  using MakeWorkers = std::unique_ptr<PoolWorkers> (*)(const PoolOptions& options,
                                                       PoolMemory& memory, WorkerEvents& events);

  ProcessPool(const PoolOptions& options, MakeWorkers make_workers);
  ~ProcessPool() override;

  bool in_threads() const noexcept override { return false; }
  std::uint32_t size() const noexcept override { return size_; }
  detail::JobCell* submit_call(const detail::Function& function, std::string_view arguments,
                               detail::Batch* batch, std::uint64_t index,
                               detail::Announce announce) override;
  void submit_task(detail::JobCell& cell, detail::Announce announce) override;
  void announce() override;
  bool is_crowded() noexcept override;
  bool wait(const std::atomic<std::uint32_t>& word, const detail::Deadline* deadline) override;
  std::size_t cancel(detail::JobCell* const* cells, std::size_t count,
                     detail::CancelHow how) override;
  detail::JobCell* take_ended(detail::Batch& batch) override;
  void forget(detail::Batch& batch, detail::JobCell* const* cells, std::size_t count) override;
  int fd() override;
  std::size_t step() override;
  void close() override;
  bool join(const detail::Deadline* deadline) override;
  void cancel_all() override;
  void shut_down() noexcept override;
  std::uint64_t pending() override;
  std::uint64_t workers_lost() override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  /// One worker's number. What is behind `reader` belongs to who drives.
  struct Seat {
    ipc::WorkerId id;
    std::atomic<ipc::ResultReader*> reader{nullptr};
    ipc::UniqueFd log;
  };

  // process_pool.cc: calls on their way there and back.
  ipc::PublishAnswer publish(CallCell& cell);
  bool write_to_log(CallCell& cell, std::string_view bytes);
  void announce_locked();
  void start_as_needed();
  void pump();
  void collect();
  void take_records(Seat& seat);
  void take_record(Seat& seat, const ipc::ResultRecord& record);
  void take_result(Seat& seat, CallCell& cell, const ipc::ResultRecord& record);
  void reclaim();
  void end_cell(CallCell& cell, detail::Fate fate);
  void fail_cell(CallCell& cell, detail::Fate fate, detail::Failure why);

  // process_pool_drive.cc: waiting.
  template <typename Done>
  bool drive(Lock& lock, Done&& done, const detail::Deadline* deadline);
  void sleep(Lock& lock, const detail::Deadline* deadline);
  bool has_records() const noexcept;
  bool anything_there() const noexcept;
  void poll_news(int timeout_ms, Lock& lock);
  void leave_armed();
  void check_open() const;
  bool wait_for_room(Lock& lock);

  // process_pool_ends.cc: workers' ends, cancellation, the end of all.
  void worker_started(ipc::WorkerId id, ipc::Segment ring, ipc::UniqueFd result_log) override;
  void worker_ended(const PoolWorkerEnd& end) override;
  void settle(const PoolWorkerEnd& end);
  void settle_rest();
  void lose(CallCell& cell, const PoolWorkerEnd& end);
  void give_up(const std::string& why);
  void end_workers();
  std::optional<ipc::WorkerId> runner_of(const CallCell& cell) const;
  std::size_t cancel_in_backlog(std::vector<CallCell*> asked);

  const PoolOptions options_;
  const std::uint32_t size_;
  const pid_t owner_;

  std::mutex mutex_;
  std::condition_variable changed_;  // something has ended, or nobody drives any more
  // All under mutex_ (but see Seat):
  PoolMemory memory_;
  ipc::Bells bells_;
  ipc::ClaimPublisher publisher_;
  ipc::UniqueFd epoll_;
  CallCells cells_;
  std::unique_ptr<Seat[]> seats_;
  std::uint32_t seats_used_ = 0;  // numbers below it have been used
  std::unique_ptr<PoolWorkers> workers_;
  detail::JobCell* backlog_ = nullptr;
  detail::JobCell* backlog_last_ = nullptr;
  std::uint64_t log_end_ = 0;
  std::uint64_t unannounced_ = 0;
  std::uint64_t submitted_ = 0;
  std::uint64_t pending_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t told_ = 0;  // of those, by step()
  std::uint64_t workers_lost_ = 0;
  std::uint32_t waiters_ = 0;
  ipc::Spin spin_{usable_cpus() > 1};  // the driver's
  bool driving_ = false;
  bool evented_ = false;  // fd() was asked for
  bool closed_ = false;
  bool over_ = false;          // shut down
  bool workers_over_ = false;  // all have been ended
  std::string hopeless_;
  std::vector<PoolWorkerEnd> unsettled_;
};

}  // namespace enjoin
