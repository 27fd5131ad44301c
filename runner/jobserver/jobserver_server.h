#pragma once

#include <map>
#include <optional>
#include <string>

#include "ipc/unique_fd.h"
#include "runner/jobserver/job_slots.h"
#include "runner/jobserver/token_ledger.h"

namespace enjoin {

/// A jobserver for jobs that are make, ninja, cargo, enjoin or the like. `slots` slots are shared
/// by the jobs themselves (one each) and by what they start.
///
/// A make's own jobserver is one pipe for all, and a token that somebody took and died with is
/// gone. Here each job has a pipe of its own, a fifo in a folder that only we can enter. What went
/// to a job comes back when it has ended, however it did. Unused tokens lie in the jobs' pipes, for
/// nobody can see who waits to read; when a job has taken its own, it gets those of others. That it
/// did is told by inotify; where that is not to be had, we look every 20 ms.
class JobserverServer final : public JobSlots {
 public:
  /// The folder is made in `parent`. `makeflags` is our own MAKEFLAGS. Throws Error.
  JobserverServer(JobserverStyle style, std::uint32_t slots, const std::string& parent,
                  const std::string& makeflags);
  ~JobserverServer() override;
  JobserverServer(const JobserverServer&) = delete;
  JobserverServer& operator=(const JobserverServer&) = delete;

  bool try_take() override;
  void put_back() override;
  void began(std::uint64_t job) override;
  void ended(std::uint64_t job) override;
  void turn(TimePoint now) override;
  int wait_fd() const override { return news_.get(); }
  std::chrono::nanoseconds until_due(TimePoint now) const override;
  JobserverSpec spec() const override { return spec_; }

  const TokenLedger& ledger() const { return ledger_; }

 private:
  std::string path_of(std::uint64_t job) const;
  void look();
  void look_at(std::uint64_t job, int pipe);
  void share_out(bool start_waits, bool patience_over);
  bool make(const TokenLedger::Move& move);
  int watch(const std::string& path, int pipe);
  void drain_news() const;

  struct Pipe {
    ipc::UniqueFd fd;
    int watch = -1;  ///< of inotify
  };

  JobserverSpec spec_;
  TokenLedger ledger_;
  /// inotify, on each fifo: on their folder, newer kernels tell nothing of fifos. None: it cannot
  /// be had for all of them.
  ipc::UniqueFd news_;
  bool news_come_ = false;  ///< that was seen
  std::map<std::uint64_t, Pipe> pipes_;
  bool refused_ = false;    ///< a start, since the last turn
  bool may_start_ = false;  ///< what was refused would succeed now
  TimePoint patient_since_{};
  std::chrono::milliseconds patience_;
};

}  // namespace enjoin
