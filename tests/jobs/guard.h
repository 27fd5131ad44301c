#pragma once

// For hostile programs: they do nothing where they could harm the machine.

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <unistd.h>

#include <sys/resource.h>

// Those that the namespace's /proc shows.
inline int count_processes() {
  int count = 0;
  DIR* const listing = ::opendir("/proc");
  while (const dirent* const entry = listing != nullptr ? ::readdir(listing) : nullptr) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0) ++count;
  }
  if (listing != nullptr) ::closedir(listing);
  return count;
}

/// Whether the first process of our pid namespace is a script "walled" of a test.
inline bool is_walled() {
  char line[100] = {};
  std::FILE* const file = std::fopen("/proc/1/cmdline", "r");
  if (file == nullptr) return false;
  const std::size_t size = std::fread(line, 1, sizeof line - 1, file);
  std::fclose(file);
  return size > 12 && std::memcmp(line, "bash\0./walled", 13) == 0;
}

/// Ends the program unless the first process of a pid namespace started it, or a test's script is
/// that: there whatever it does ends with that process.
inline void refuse_outside_namespace() {
  if ((::getppid() == 1 || is_walled()) && ::getpid() < 1000) return;
  std::fputs("not in a pid namespace of its own\n", stderr);
  std::exit(99);
}

/// Root becomes a user whom nobody else is, and whom a limit of processes binds: such limits count
/// all processes of a user, also those of another run of the tests.
inline void limit_processes(rlim_t most) {
  const rlimit limit{most, most};
  const bool root = ::geteuid() == 0;
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const uid_t user = 200'000 + static_cast<uid_t>(now.tv_nsec / 1000);
  if (::setrlimit(RLIMIT_NPROC, &limit) != 0 ||
      (root && (::setgid(65534) != 0 || ::setuid(user) != 0))) {
    std::perror("cannot limit processes");
    std::exit(98);
  }
}
