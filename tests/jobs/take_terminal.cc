// Takes the terminal's foreground for its own process group, and leaves.
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

int main() {
  ::signal(SIGTTOU, SIG_IGN);
  const int terminal = ::open("/dev/tty", O_RDWR);
  std::puts(terminal >= 0 && ::tcsetpgrp(terminal, ::getpgrp()) == 0 ? "TAKEN" : "refused");
  return 0;
}
