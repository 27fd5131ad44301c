#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <sys/types.h>

#include "support/worker_tracer.h"

namespace enjoin::test {

#if defined(__x86_64__)

/// The victim of trace_team(): one traced worker, its shared pages, and how it goes on.
class TracedWorker {
 public:
  TracedWorker(pid_t pid, const TraceSpec& spec, TracedRun* run);
  TracedWorker(const TracedWorker&) = delete;
  TracedWorker& operator=(const TracedWorker&) = delete;
  ~TracedWorker();

  pid_t pid() const { return pid_; }
  /// It has stopped with this wait status. Lets it go on, unless it is dead or held now.
  void on_stop(int status);
  bool killed() const { return killed_; }
  bool held() const { return held_; }
  void let_go();

 private:
  // A segment as the victim has it mapped, and what it held when it was looked at last.
  struct Shared {
    std::uint64_t address = 0;
    std::size_t size = 0;
    const std::byte* view = nullptr;
    std::size_t viewed = 0;
    std::vector<std::byte> kept;
    bool guarded = false;
    bool changed();
  };
  using Robust = std::array<std::uint64_t, 3>;

  void on_call_stop();
  void on_call_entry(long number);
  void on_call_exit(std::int64_t result);
  void on_fault(Shared& segment);
  void on_step();
  bool tell(MomentKind kind, std::uint64_t place, long call = -1);
  void go_on(int signal = 0);
  void kill();
  void take_mapping(std::uint64_t address);
  void guard(Shared& segment, bool on);
  void guard_all(bool on);
  void inject(long number, std::uint64_t a, std::uint64_t b, std::uint64_t c);
  void look_at_next_instruction();
  void slow_clock_down();
  Robust robust_list();
  bool holds_lock();
  Shared* shared_at(std::uint64_t address);
  std::uint64_t place() const;

  pid_t pid_;
  const TraceSpec& spec_;
  TracedRun* run_;
  std::vector<Shared> shared_;
  std::uint64_t call_instruction_ = 0;  ///< where a `syscall` stands in its program
  std::array<std::uint64_t, 6> arguments_{};
  long call_ = -1;  ///< the present system call
  int again_ = 0;   ///< of a call that has to write to guarded pages: skipped, to be repeated
  std::uint64_t robust_head_ = 0;
  Robust robust_{};
  std::uint64_t step_place_ = 0;
  long step_call_ = -1;
  std::int64_t looks_at_clock_ = 0;
  std::int64_t clock_began_ = 0;
  bool stepping_ = false;
  bool killed_ = false;
  bool held_ = false;
};

#endif

}  // namespace enjoin::test
