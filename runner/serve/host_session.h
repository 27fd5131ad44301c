#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "ipc/unique_fd.h"
#include "runner/executor/frame_socket.h"
#include "runner/executor/messages.h"
#include "runner/jobserver/job_slots.h"
#include "runner/serve/schedule.h"
#include "runner/team/local_team.h"

namespace enjoin {

/// The scheduler of one host, from its setup on: one thread, one loop of frames of the host, ends
/// of jobs, starts of jobs, frames to the host.
///
/// The host may be busy for long: then frames for it wait here, and the graph goes on.
class HostSession {
 public:
  using Clock = std::chrono::steady_clock;

  /// `host`: its pidfd, or none. Throws Error.
  HostSession(SetupMessage setup, ipc::UniqueFd host, FrameSocket* socket);
  /// Until the host is gone, or has closed its side, and no job is left. Throws Error where it
  /// cannot go on.
  void run();

 private:
  TeamSpec team_spec(const SetupMessage& setup);
  void watch(int fd, std::uint32_t events, bool is_new);
  void take_frames();
  void take_ends();
  void start_jobs();
  JobDescriptors give_descriptors(const Job& job);
  void note_wall(std::chrono::nanoseconds wall);
  void tell(ExecutorFrame kind, const std::string& body,
            std::vector<ipc::UniqueFd> descriptors = {});
  void tell_started(const Job& job, std::vector<ipc::UniqueFd> pipes);
  void tell_end(EndedMessage message, std::vector<ipc::UniqueFd> descriptors);
  void tell_news();
  void flush();
  void wait();
  bool host_is_gone();
  void end_all();

  FrameSocket& socket_;
  ipc::UniqueFd host_;   ///< pidfd
  ipc::UniqueFd ended_;  ///< signalfd of TERM: somebody wants us to end
  rlimit open_files_;    ///< as they were given
  std::string scratch_folder_;
  std::uint32_t cpus_;
  std::unique_ptr<JobSlots> slots_;  ///< null: jobs need none
  Schedule schedule_;
  LocalTeam team_;
  ipc::UniqueFd epoll_;  ///< of all that is not the team's
  double average_wall_ = 1;
  bool gone_ = false;          ///< the host is
  bool more_frames_ = false;   ///< were there when we stopped taking them
  bool more_starts_ = false;   ///< likewise
  bool watches_room_ = false;  ///< in the socket
  bool stuck_ = false;         ///< the socket has room and takes nothing: descriptors under way
};

}  // namespace enjoin
