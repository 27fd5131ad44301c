// A daemon that is never there for long: refork [HERE [wait]]
// Eight chains of processes, each in a session of its own, that fork and exit as fast as they can.
// Says so by a line into the pipe HERE; ends, or waits to be killed.
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>

#include "guard.h"

namespace {

[[noreturn]] void run_on() {
  ::setsid();
  while (true) {
    const pid_t next = ::fork();
    if (next > 0) ::_exit(0);
    const timespec pause{0, 100'000};
    if (next < 0) ::nanosleep(&pause, nullptr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  refuse_outside_namespace();
  for (int chain = 0; chain < 8; ++chain) {
    if (::fork() == 0) run_on();
  }
  if (argc > 1) {
    const int here = ::open(argv[1], O_WRONLY | O_CLOEXEC);
    [[maybe_unused]] const ssize_t wrote = ::write(here, "here\n", 5);
    ::close(here);
  }
  while (argc > 2) ::pause();
  return 0;
}
