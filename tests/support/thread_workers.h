#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ipc/results.h"
#include "runner/pool/pool_workers.h"

namespace enjoin::test {

/// Workers of a ProcessPool that are threads of the test on the same memory: they go through the
/// same queue and rings as processes, and ThreadSanitizer sees them. "Killed" ones stop where they
/// are and are told of as a keeper would.
class ThreadWorkers final : public PoolWorkers {
 public:
  ThreadWorkers(const PoolOptions& options, PoolMemory& memory, WorkerEvents& events);
  ~ThreadWorkers() override;

  /// For ProcessPool's constructor.
  static std::unique_ptr<PoolWorkers> make(const PoolOptions& options, PoolMemory& memory,
                                           WorkerEvents& events) {
    return std::make_unique<ThreadWorkers>(options, memory, events);
  }

  int fd() const override { return news_.get(); }
  void take_news() override;
  std::uint32_t alive() const override;
  bool try_start() override;
  bool kill_worker(ipc::WorkerId id, std::uint64_t ticket) override;
  bool all_left() const override;
  void end_all() override;

  /// A function that calls it is not recorded, and its worker dies of `signal` (0: exits with 3).
  static void die(int signal);

 private:
  struct Worker {
    ipc::WorkerId id;
    std::atomic<bool> killed{false};
    std::atomic<bool> gone{false};
    std::atomic<int> signal{0};
    std::atomic<int> status{0};
    std::thread thread;
  };

  void work(Worker* worker, ipc::Segment ring, ipc::UniqueFd log);
  bool run_one(Worker* worker, ipc::ClaimQueue* queue, ipc::ResultWriter* results, int log,
               std::uint64_t* log_end, std::uint64_t position);
  void rest(const Worker& worker, const ipc::ClaimQueue* queue);

  const std::uint32_t size_;
  PoolMemory& memory_;
  WorkerEvents& events_;
  ipc::UniqueFd news_;
  std::vector<std::unique_ptr<Worker>> workers_;  // by number; nullptr: none
  std::uint32_t generation_ = 0;
  std::atomic<bool> end_{false};
};

}  // namespace enjoin::test
