#pragma once

// A storm: a thread that kills, stops and continues this process's keepers, workers and their jobs
// at random moments, while the test drives a team. It signals descendants of this process only,
// through pidfds that were opened before their place in the tree was looked up.

#include <atomic>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "ipc/unique_fd.h"

namespace enjoin::test {

struct StormPlan {
  unsigned longest_pause_us = 4000;  ///< between two blows
  // How often, of 1000 blows; the rest kills workers.
  unsigned stop_worker = 0;
  unsigned kill_job = 0;
  unsigned stop_job = 0;
  unsigned kill_keeper = 0;
  unsigned long_stop = 0;  ///< of 1000 stops: for seconds, so that the team takes notice
  /// Results between two blows to a keeper, and after one until a worker is killed. Some of them
  /// lay in the dead workers' rings; what counts is that new workers did something.
  unsigned after_keeper = 40;
};

struct StormCounts {
  std::uint64_t worker_kills = 0;
  std::uint64_t keeper_kills = 0;
  std::uint64_t job_kills = 0;
  std::uint64_t stops = 0;
};

class Storm {
 public:
  /// `dump` is called, in the storm's thread, when nothing has come for a minute; the program ends
  /// after that.
  Storm(unsigned seed, StormPlan plan, std::function<void()> dump);
  ~Storm() { stop(); }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

  /// As often as something was achieved. Blows that end workers wait for it: a team whose workers
  /// all die before they did anything gives up, as it should.
  void note_progress() { progress_.fetch_add(1, std::memory_order_relaxed); }
  /// Continues what is stopped, and ends.
  void stop();
  StormCounts counts() const { return counts_; }  ///< after stop()

 private:
  struct Stopped {
    ipc::UniqueFd process;
    std::uint64_t until_ns;
  };

  void run();
  void blow();
  void continue_stopped(std::uint64_t now_ns);
  void watch_progress(std::uint64_t now_ns);
  ipc::UniqueFd random_worker(pid_t* pid);
  ipc::UniqueFd random_job();
  ipc::UniqueFd random_keeper();
  void hold(ipc::UniqueFd process);
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

  std::mt19937 random_;
  StormPlan plan_;
  std::function<void()> dump_;
  std::atomic<bool> over_{false};
  std::atomic<std::uint64_t> progress_{0};
  std::uint64_t next_kill_ = 2;  // when there was so much progress
  std::uint64_t watched_ = 0;
  std::uint64_t watched_at_ns_ = 0;
  std::vector<Stopped> stopped_;
  StormCounts counts_;
  std::thread thread_;
};

/// A process by its number, for signal_process(); empty where there is none.
ipc::UniqueFd open_process(pid_t pid);
bool signal_process(const ipc::UniqueFd& process, int signal);

/// What the processes below `root` are doing, for people: one a line.
std::string describe_processes(pid_t root);

}  // namespace enjoin::test
