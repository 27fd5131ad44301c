#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "enjoin/pool.h"
#include "ipc/spin.h"
#include "ipc/unique_fd.h"
#include "worker/cpu_quota.h"

namespace enjoin {

/// A pool of threads of the host. Started as jobs need them; all signals are blocked in them, so
/// the host's handlers run in the host's own.
class ThreadPool final : public detail::PoolCore {
 public:
  explicit ThreadPool(const PoolOptions& options);
  ~ThreadPool() override;

  bool in_threads() const noexcept override { return true; }
  std::uint32_t size() const noexcept override { return size_; }
  detail::JobCell* submit_call(const detail::Function& function, std::string_view arguments,
                               detail::Batch* batch, std::uint64_t index,
                               detail::Announce announce) override;
  void submit_task(detail::JobCell& cell, detail::Announce announce) override;
  void announce() override;
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
  std::uint64_t workers_lost() override { return 0; }

 private:
  void start_as_needed();
  void work();
  void wait_for_work(ipc::Spin& spin, std::unique_lock<std::mutex>& lock);
  bool initialize();
  void end_cell(detail::JobCell& cell, detail::Fate fate);
  void cancel_waiting(std::unique_lock<std::mutex>& lock);

  const std::uint32_t size_;
  const std::uint64_t most_pending_;
  const Call initializer_;
  const pid_t owner_;

  std::mutex mutex_;
  std::condition_variable work_;   // there is something to do, or nothing will ever be
  std::condition_variable ended_;  // something has ended
  // All under mutex_:
  detail::JobCell* first_ = nullptr;  // those that wait, each with a hold of ours
  detail::JobCell* last_ = nullptr;
  std::uint64_t waiting_ = 0;
  std::uint64_t unannounced_ = 0;
  std::uint64_t pending_ = 0;
  std::uint64_t submitted_ = 0;
  std::uint64_t ended_count_ = 0;
  std::uint64_t told_ = 0;  // of those, by step()
  std::uint32_t sleeping_ = 0;
  std::uint32_t waiters_ = 0;
  bool few_at_a_time_ = true;  // the last job came when a thread was free for it
  std::uint32_t looking_ = 0;  // threads that look at announced_ before they sleep: 0 or 1
  ipc::Spin wait_spin_{usable_cpus() > 1};  // of those that wait for results
  bool closed_ = false;
  std::vector<std::thread> threads_;
  ipc::UniqueFd event_fd_;
  detail::Failure hopeless_;  // the initialiser's
  bool is_hopeless_ = false;

  // How often jobs were announced; written under mutex_. It has a line of the cache for itself, so
  // that who looks at it holds nobody up who submits.
  alignas(64) std::atomic<std::uint64_t> announced_ = 0;
};

}  // namespace enjoin
