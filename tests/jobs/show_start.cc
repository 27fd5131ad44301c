// Prints how it was started: one fact a line.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/resource.h>

int main(int argc, char** argv) {
  std::printf("leader %d\n", ::getpgrp() == ::getpid());
  int death = 0;
  ::prctl(PR_GET_PDEATHSIG, &death);
  std::printf("death %d\n", death);
  sigset_t mask;
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  std::printf("blocked");
  for (int signal = 1; signal <= 64; ++signal) {
    if (sigismember(&mask, signal) == 1) std::printf(" %d", signal);
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  std::printf("\nfiles %llu %llu\n", static_cast<unsigned long long>(files.rlim_cur),
              static_cast<unsigned long long>(files.rlim_max));
  rlimit core{};
  getrlimit(RLIMIT_CORE, &core);
  std::printf("core %llu\n", static_cast<unsigned long long>(core.rlim_cur));
  std::printf("nice %d\n", ::getpriority(PRIO_PROCESS, 0));
  std::printf("open");
  for (int fd = 0; fd < 64; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) std::printf(" %d", fd);
  }
  const char* variable = argc > 1 ? std::getenv(argv[1]) : nullptr;
  std::printf("\nvariable %s\n", variable != nullptr ? variable : "-");
  return 0;
}
