// Sends itself the signal of the given number, also those that glibc keeps to itself, with the
// default action; exits 0 where it survives.
#include <csignal>
#include <cstdlib>
#include <unistd.h>

#include <sys/syscall.h>

int main(int argc, char** argv) {
  const int number = argc > 1 ? std::atoi(argv[1]) : SIGKILL;
  ::signal(number, SIG_DFL);
  const unsigned long none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
  ::syscall(SYS_kill, ::getpid(), number);
  return 0;
}
