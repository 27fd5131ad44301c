#pragma once

#include <cstdint>
#include <cstring>
#include <ctime>
#include <deque>
#include <span>
#include <unistd.h>
#include <vector>

#include <sys/epoll.h>
#include <sys/wait.h>

#include "bench/spawn.h"
#include "ipc/bells.h"
#include "ipc/claim_queue.h"
#include "ipc/results.h"
#include "ipc/team_memory.h"

namespace bench {

inline constexpr std::size_t kMessageBytes = 64;
static_assert(kMessageBytes == enjoin::ipc::kInlinePayload);

inline std::uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

inline constexpr std::uint64_t kTakeMost = 256;

/// A team of forked workers whose job is to answer 64 bytes with 64 bytes: the real queue, results
/// and bells, each step that makes them crash-safe included, with no command to run. The jobs
/// themselves are the cheapest there are, so what is measured is the machinery around them.
class EchoTeam {
 public:
  EchoTeam(std::uint32_t workers, std::uint32_t slots, std::size_t claim_most);
  EchoTeam(const EchoTeam&) = delete;
  EchoTeam& operator=(const EchoTeam&) = delete;

  /// Forks the workers. `in_worker(number)` runs first in each.
  template <typename InWorker>
  void start(InWorker&& in_worker);

  /// False while the queue is full. Wakes nobody: see wake().
  bool try_submit(std::uint64_t id, std::uint64_t now_ns);
  /// Wakes up to `most` sleeping workers.
  void wake(std::uint32_t most);
  /// Takes what has ended; calls `ended(id)` for each job. Says how many there were.
  template <typename Ended>
  std::uint64_t take(Ended&& ended);
  /// Sleeps until a worker reports, unless there is something to take already.
  void wait_for_result();
  /// Ends the workers and reaps them.
  void finish();

 private:
  void work(std::uint32_t number);
  void sleep_until_rung(const enjoin::ipc::ClaimQueue& queue, std::uint32_t number);
  void answer(enjoin::ipc::ClaimQueue* queue, enjoin::ipc::ResultWriter* results,
              std::uint64_t position, std::uint64_t now_ns);

  enjoin::ipc::TeamMemory memory_;
  enjoin::ipc::Bells bells_;
  enjoin::ipc::ClaimPublisher publisher_;
  enjoin::ipc::UniqueFd event_fd_;
  enjoin::ipc::UniqueFd epoll_fd_;
  std::vector<enjoin::ipc::Segment> rings_;
  std::deque<enjoin::ipc::ResultReader> readers_;  // they stay where they are
  std::vector<pid_t> pids_;
  std::size_t claim_most_;
};

template <typename InWorker>
void EchoTeam::start(InWorker&& in_worker) {
  for (std::uint32_t number = 0; number < rings_.size(); ++number) {
    const pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      in_worker(number);
      work(number);
      _exit(0);
    }
    pids_.push_back(pid);
  }
  for (std::uint32_t number = 0; number < pids_.size(); ++number) {
    readers_.emplace_back(std::move(rings_[number]), memory_.orders(number).results_taken);
  }
}

template <typename Ended>
std::uint64_t EchoTeam::take(Ended&& ended) {
  std::uint64_t taken = 0;
  for (enjoin::ipc::ResultReader& reader : readers_) {
    enjoin::ipc::ResultRecord record;
    std::uint64_t from_this = 0;
    // Not more at once: the worker may write no records again until it is given room.
    for (; from_this < kTakeMost && reader.try_take(&record); ++from_this) {
      std::uint64_t id = 0;
      std::memcpy(&id, record.payload, sizeof id);
      ended(id);
    }
    if (from_this != 0) reader.give_room();
    taken += from_this;
  }
  if (taken != 0) publisher_.reclaim([](std::uint32_t, std::uint64_t, std::uint64_t) {});
  return taken;
}

}  // namespace bench
