#pragma once

#include <cstdint>
#include <ctime>

#include "ipc/layout.h"

namespace enjoin {

/// Ends this process where a call takes longer than allowed: the kernel sends SIGKILL at the
/// moment, whatever the function does, and whether the host looks or not. The host sees from the
/// worker's ring why it was killed.
class CallTimer {
 public:
  /// Throws Error.
  explicit CallTimer(ipc::ResultsHeader& header);
  ~CallTimer();
  CallTimer(const CallTimer&) = delete;
  CallTimer& operator=(const CallTimer&) = delete;

  void start(std::uint64_t timeout_ns);
  void stop();

  /// The host's side: whether the timer of a worker that was killed had run out.
  static bool ran_out(const ipc::ResultsHeader& header);

 private:
  ipc::ResultsHeader* header_;
  timer_t timer_{};
};

}  // namespace enjoin
