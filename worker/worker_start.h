#pragma once

#include <cstdint>
#include <string>

#include "ipc/claim_queue.h"

namespace enjoin {

/// What a worker process is started with. The descriptors are passed by number on its command line,
/// in this order, behind its number and generation and the supervisor's pid.
struct WorkerStart {
  static constexpr int kDescriptors = 10;
  ipc::WorkerId id;
  std::uint32_t supervisor_pid = 0;
  int table = -1, control = -1, results = -1, config = -1;
  int event = -1, socket = -1;
  int spool[2] = {-1, -1};
  int capture[2] = {-1, -1};
};

/// The words after argv[0]; and back. from_words throws Error.
std::string to_word(const WorkerStart& start);
WorkerStart worker_start_from(const char* word);

}  // namespace enjoin
