#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/segment.h"
#include "ipc/unique_fd.h"
#include "runner/pool/pool_keeper.h"
#include "runner/pool/pool_workers.h"

namespace enjoin {

/// The processes of one pool. Throws Error.
std::unique_ptr<PoolWorkers> make_pool_processes(const PoolOptions& options, PoolMemory& memory,
                                                 WorkerEvents& events);

/// Workers as forks of a keeper, which is the host's program executed again, or a fork of the host.
/// The keeper is started with the first worker (Start::kFork: at once), and again after its death.
///
/// A place is a worker's number. Its life:
///
///   empty --try_start--> asked --kStarted--> there --kEnded, keeper's death--> empty
///
/// A worker comes through when it has called the initializer. Where several in a row do not, or the
/// keeper's program does not come to worker_main(), there is no hope.
class PoolProcesses final : public PoolWorkers {
 public:
  PoolProcesses(const PoolOptions& options, PoolMemory& memory, WorkerEvents& events);
  ~PoolProcesses() override;

  int fd() const override { return epoll_.get(); }
  void take_news() override;
  std::uint32_t alive() const override { return alive_; }
  bool try_start() override;
  bool kill_worker(ipc::WorkerId id, std::uint64_t ticket) override;
  bool all_left() const override { return alive_ == 0; }
  void end_all() override;
  std::uint64_t next_time_ns() const override;

 private:
  struct Place {
    ipc::WorkerId id;
    bool taken = false;
    bool canceled = false;
    std::int32_t pid = 0;  // 0: not known yet
    ipc::UniqueFd pidfd;
    ipc::UniqueFd errors;                      // its ErrorLog's mark
    const ipc::ResultsHeader* ring = nullptr;  // valid until worker_ended() is called
  };

  void open_keeper();
  void drop_keeper();
  int start_in(Place& place, std::uint32_t number);
  std::string no_hello_text() const;
  void take_answer(const KeeperAnswer& answer);
  void on_end(Place& place, int signal, int status);
  void on_keeper_death();
  std::string why_hopeless(const Place& place, int signal, int status, const std::string& text);
  Place* find(ipc::WorkerId id);
  void watch(int fd);

  const PoolOptions& options_;
  PoolMemory& memory_;
  WorkerEvents& events_;
  const ipc::Segment config_;
  ipc::UniqueFd program_;
  std::string program_name_;
  ipc::UniqueFd epoll_;
  std::optional<PoolKeeper> keeper_;
  std::uint64_t hello_until_ns_ = 0;
  std::vector<Place> places_;
  std::uint32_t alive_ = 0;
  std::uint32_t asked_ = 0;  // of those, not answered
  std::uint32_t last_generation_ = 0;
  std::uint32_t barren_ends_ = 0;    // in a row
  std::uint32_t failed_starts_ = 0;  // in a row
  std::uint64_t not_before_ns_ = 0;
};

}  // namespace enjoin
