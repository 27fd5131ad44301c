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
  bool wrote = false;   ///< its output counts: it ran, or says there why it could not
  Leftovers leftovers = Leftovers::kKeep;
  Isolate isolate = Isolate::kNone;
  Child child{};
  ipc::UniqueFd stdin_fd{};        ///< -1: /dev/null
  ipc::UniqueFd slots_fd[2] = {};  ///< of a jobserver, until it has started; it inherits them
  std::uint64_t started_ns = 0;
  JobEnd end{};
  std::uint16_t flags = 0;
  ipc::Output output{};
  bool line_waits = false;        ///< -t: the command is shown where the output has its turn
  std::uint64_t shown_bytes = 0;  ///< -v: of the command line, beside what the capture counts
  // For the row of a table: the slot is given back before the job ends.
  std::string row_inputs{};
  std::vector<std::string_view> row_values{};
  std::uint64_t started_at_ns = 0;  ///< CLOCK_REALTIME
  std::uint64_t bytes_in = 0;       ///< of the data that it was given

  bool failed() const { return end.kind != ipc::EndKind::kExited || end.code != 0; }
};

}  // namespace enjoin
