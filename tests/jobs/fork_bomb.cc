// A fork bomb of 200 processes: fork_bomb [forever]
// After half a second it says how many processes there are, and since when (seconds since the
// epoch) it wants to end; then it ends, or with `forever` stays.
#include <cctype>
#include <ctime>
#include <dirent.h>

#include "guard.h"

int main(int argc, char**) {
  refuse_outside_namespace();
  limit_processes(200);
  if (::fork() == 0) {
    ::setsid();
    while (true) ::fork();
  }
  const timespec pause{0, 500'000'000};
  ::nanosleep(&pause, nullptr);
  const int count = count_processes();
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::printf("%d %lld.%03ld\n", count, static_cast<long long>(now.tv_sec),
              now.tv_nsec / 1'000'000);
  std::fflush(stdout);
  while (argc > 1) ::pause();
  return 0;
}
