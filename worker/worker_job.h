#pragma once

#include "worker/worker.h"

namespace enjoin {

/// One job on its way through the worker.
struct Worker::Job {
  const ipc::JobSlot slot;
  std::uint64_t position;
  JobInputs inputs{};
  JobNumbers numbers{};
  bool direct = false;  ///< argv_ holds the words; else line_ is for the shell
  bool ran = false;     ///< a process was started
  Child child{};
  std::uint64_t started_ns = 0;
  JobEnd end{};
  std::uint16_t flags = 0;
  ipc::Output output{};

  bool failed() const { return end.kind != ipc::EndKind::kExited || end.code != 0; }
};

}  // namespace enjoin
