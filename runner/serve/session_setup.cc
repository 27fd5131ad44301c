#include "runner/serve/session_setup.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/signalfd.h>

#include "runner/batch_setup.h"
#include "runner/jobserver/open_job_slots.h"
#include "worker/cpu_quota.h"

namespace enjoin {
namespace {

constexpr std::uint32_t kMostWorkers = 1024;

JobserverMode mode_of(Jobserver jobserver) {
  switch (jobserver) {
    case Jobserver::kClient:
      return JobserverMode::kAuto;  // and our command is nobody's
    case Jobserver::kPipe:
      return JobserverMode::kPipe;
    case Jobserver::kFifo:
      return JobserverMode::kFifo;
    case Jobserver::kNone:
      break;
  }
  return JobserverMode::kOff;
}

}  // namespace

std::uint32_t cpus_of(const ExecutorOptions& options) {
  if (options.cpus != 0) return options.cpus;
  const std::uint32_t offered = jobs_of_make(mode_of(options.jobserver));
  return offered != 0 ? offered : usable_cpus();
}

GraphPlanSpec plan_spec(const ExecutorOptions& options, std::uint32_t cpus) {
  GraphPlanSpec spec{.cpus = cpus, .keep_going = options.keep_going};
  if (options.memory > 0) spec.memory = options.memory;
  return spec;
}

std::unique_ptr<JobSlots> open_slots(const ExecutorOptions& options, std::uint32_t cpus) {
  return open_job_slots({.mode = mode_of(options.jobserver),
                         .slots = cpus,
                         .scratch_folder = options.scratch_folder,
                         .command = {}});
}

WorkerConfig worker_config_of(const SetupMessage& setup, const rlimit& open_files) {
  WorkerConfig config;
  config.shell = "/bin/sh";
  config.stop_ladder = default_stop_ladder();
  config.signal_mask = setup.signal_mask;
  if (open_files.rlim_cur != open_files.rlim_max) {  // else there was nothing to raise
    config.open_files_soft = open_files.rlim_cur;
    config.open_files_hard = open_files.rlim_max;
  }
  config.scratch_folder = setup.options.scratch_folder;
  config.recipes = true;
  config.prints = false;
  config.plain_environment = true;
  return config;
}

std::uint32_t workers_for(std::uint32_t cpus, const rlimit& open_files) {
  return std::min(std::max(cpus, kMostWorkers), most_workers(open_files, false));
}

ipc::UniqueFd open_term_signal() {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);
  return ipc::UniqueFd(::signalfd(-1, &term, SFD_CLOEXEC | SFD_NONBLOCK));
}

ipc::UniqueFd file_of(const std::string& bytes) {
  ipc::UniqueFd file(::memfd_create("enjoin-input", MFD_CLOEXEC));
  if (!file) return file;
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t more = ::pwrite(file.get(), bytes.data() + written, bytes.size() - written,
                                  static_cast<off_t>(written));
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) return {};
    written += static_cast<std::size_t>(more);
  }
  return file;
}

bool is_writable(int fd) {
  pollfd ready{fd, POLLOUT, 0};
  return ::poll(&ready, 1, 0) > 0 && (ready.revents & POLLOUT) != 0;
}

}  // namespace enjoin
