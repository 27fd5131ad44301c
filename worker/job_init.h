#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/resource.h>

#include "worker/spawn.h"

namespace enjoin {

/// The first process of an isolated job's pid namespace, and what it and its worker tell each
/// other, over a socket that both ends close when they die.

/// The worker asks it to send a signal to the job's process group. (Signals that it gets itself
/// mean nothing to it: they may come from the job.)
struct InitOrder {
  std::int32_t signal = 0;
};

/// What it tells: first whether the job was started, then how its leader ended.
struct InitReport {
  enum class What : std::uint32_t { kStarted = 1, kEnded } what = What::kStarted;
  std::int32_t error = 0;       ///< kStarted: errno, where it was not
  std::int32_t status = 0;      ///< kEnded: as waitpid has it
  std::uint32_t leftovers = 0;  ///< kEnded: 1 where other processes were still there
  rusage use{};                 ///< kEnded
};

/// What a job's process is started with beside words and environment, as the first word of the
/// init's command line. Its path follows, then the job's own words.
std::string init_word(const SpawnRequest& request, int socket);

/// Whether a command line begins with that word.
bool is_job_init(int argc, char** argv);
/// The whole of that process. Returns its exit status, which nobody looks at.
int job_init(char** argv);

/// The worker's end. False: it is gone.
bool tell_init(const Child& child, int signal);
/// The next report, where there is one; waits for it if `wait`.
enum class InitWait : std::uint8_t { kNo, kYes };
std::optional<InitReport> read_init(const Child& child, InitWait wait);

}  // namespace enjoin
