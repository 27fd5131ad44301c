// Makes COUNT children that end and are not waited for: zombies COUNT own|init
// `own`: they stay zombies. `init`: their parent ends as well, so they become the init's.
// Says how many there were, and how many processes there are in the end.
#include <cctype>
#include <cstring>
#include <dirent.h>

#include <sys/wait.h>

#include "guard.h"

namespace {

int make_zombies(int wanted) {
  int made = 0;
  for (; made < wanted; ++made) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    if (child < 0) break;
  }
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  refuse_outside_namespace();
  if (argc < 3) return 2;
  const int wanted = std::atoi(argv[1]);
  limit_processes(static_cast<rlim_t>(wanted) + 100);
  if (std::strcmp(argv[2], "own") == 0) {
    std::printf("made %d\n", make_zombies(wanted));
    std::printf("left %d\n", count_processes());
    return 0;
  }
  const pid_t parent = ::fork();
  if (parent == 0) {
    std::printf("made %d\n", make_zombies(wanted));
    std::fflush(stdout);
    ::_exit(0);
  }
  ::waitpid(parent, nullptr, 0);
  while (count_processes() > 2) ::usleep(1000);  // we and init
  std::printf("left %d\n", count_processes());
  return 0;
}
