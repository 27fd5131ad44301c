#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sys/resource.h>

#include "ipc/unique_fd.h"
#include "runner/executor/messages.h"
#include "runner/graph/specs.h"
#include "runner/jobserver/job_slots.h"
#include "worker/config.h"

// What a host's options are for those that do the work.

namespace enjoin {

std::uint32_t cpus_of(const ExecutorOptions& options);
GraphPlanSpec plan_spec(const ExecutorOptions& options, std::uint32_t cpus);
/// Null: jobs need none. Throws Error.
std::unique_ptr<JobSlots> open_slots(const ExecutorOptions& options, std::uint32_t cpus);
WorkerConfig worker_config_of(const SetupMessage& setup, const rlimit& open_files);
/// Workers at most, however many CPUs the host will want later.
std::uint32_t workers_for(std::uint32_t cpus, const rlimit& open_files);
/// TERM, blocked, as something to read; none: it could not be made.
ipc::UniqueFd open_term_signal();
/// An unlinked file in memory, read from its beginning; none: errno says why.
ipc::UniqueFd file_of(const std::string& bytes);
bool is_writable(int fd);

}  // namespace enjoin
