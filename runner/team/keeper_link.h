#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <sys/types.h>

#include "ipc/unique_fd.h"
#include "worker/keeper_protocol.h"

namespace enjoin {

/// The supervisor's end of its keeper (worker/keeper.h): the process that workers are forked from,
/// that reaps them and sweeps what they leave. Nothing here waits for the keeper but where the name
/// says so, or where it is so far behind that its socket is full.
///
/// Once the keeper is gone, by whatever cause, every call does nothing; what was below it are our
/// own children then, if we are a subreaper, and the owner's to sweep.
class KeeperLink {
 public:
  struct Setup {
    std::string executable;
    int output_fd = 1;       ///< becomes the workers' stdout
    pid_t worker_group = 0;  ///< the process group that workers are to be in; 0: one of their own
    int held_fd = -1;        ///< TeamSpec::held_fd
    std::vector<std::string> temp_names;  ///< KeeperStart::temp_names
  };

  /// Starts it. Throws Error.
  explicit KeeperLink(const Setup& setup);
  /// Kills what is below the keeper and waits for it.
  ~KeeperLink();
  KeeperLink(const KeeperLink&) = delete;
  KeeperLink& operator=(const KeeperLink&) = delete;

  /// Asks for a worker; kStarted or kNotStarted will tell. Returns 0 or errno.
  int start(const WorkerStart& worker);
  void kill(ipc::WorkerId worker);
  void signal(ipc::WorkerId worker, int signal);
  /// Kills all workers and waits until they, and what is not to outlive them, are gone; try_take()
  /// has their ends then. A keeper that does not manage that in time is killed itself.
  void kill_all_and_wait();
  /// Workers have been told to leave: waits until they have (two seconds at most; then they are
  /// killed), and the keeper too. Leftovers that may live on do. False: the keeper died, or had to
  /// be killed; there may be something to sweep.
  bool leave_and_wait();

  /// The next news, if there is one.
  bool try_take(KeeperAnswer* answer);
  /// To be called now and then, about once a second: a keeper that has said nothing for a while
  /// (somebody stopped it) is killed.
  void look();

  bool gone();  ///< reaps it
  /// Something was heard already, perhaps while a request was made: no descriptor will tell of it.
  bool has_news() const { return !answers_.empty() || pid_ <= 0; }
  bool has_started_workers() const { return started_workers_; }
  int news_fd() const { return socket_.get(); }  ///< readable: try_take() or gone()
  int death_fd() const { return pidfd_.get(); }  ///< readable: gone()

 private:
  void send(const KeeperRequest& request);
  int try_send(const KeeperRequest& request, const WorkerStart* start);
  bool wait_answer(short events, std::chrono::milliseconds limit);
  bool read_answers();
  void kill_keeper();
  void reap();

  pid_t pid_ = -1;
  ipc::UniqueFd pidfd_;
  ipc::UniqueFd socket_;
  std::deque<KeeperAnswer> answers_;
  std::uint32_t unanswered_ = 0;  ///< requests to start
  std::uint32_t pings_ = 0;       ///< in a row without any answer
  bool started_workers_ = false;
  bool left_well_ = false;
};

}  // namespace enjoin
