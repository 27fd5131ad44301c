#pragma once

// For hostile programs: they do nothing where they could harm the machine.

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include <sys/resource.h>

/// Ends the program unless the first process of a pid namespace started it: there whatever it does
/// ends with that process.
inline void refuse_outside_namespace() {
  if (::getppid() == 1 && ::getpid() < 100) return;
  std::fputs("not in a pid namespace of its own\n", stderr);
  std::exit(99);
}

/// Root becomes nobody, whom a limit of processes binds.
inline void limit_processes(rlim_t most) {
  const rlimit limit{most, most};
  const bool root = ::geteuid() == 0;
  if (::setrlimit(RLIMIT_NPROC, &limit) != 0 ||
      (root && (::setgid(65534) != 0 || ::setuid(65534) != 0))) {
    std::perror("cannot limit processes");
    std::exit(98);
  }
}
