#pragma once

#include <cstdint>
#include <string>

#include "runner/admission.h"
#include "worker/spawn.h"

namespace enjoin {

/// --limit's command as a process of ours: run by the shell, with our stdout and stderr. It is
/// killed where it still runs at the end.
class LimitProcess final : public LimitCommand {
 public:
  /// `signal_mask` is our caller's, bit n-1 for signal n.
  LimitProcess(std::string command, std::uint64_t signal_mask)
      : command_(std::move(command)), signal_mask_(signal_mask) {}
  ~LimitProcess() override;

  void start() override;
  bool is_running() const override { return child_.pid > 0; }
  std::optional<int> take_status() override;
  /// Readable when it has ended; -1: it does not run.
  int wait_fd() const { return child_.pid > 0 ? child_.pidfd.get() : -1; }

 private:
  std::string command_;
  std::uint64_t signal_mask_;
  Child child_;
};

}  // namespace enjoin
