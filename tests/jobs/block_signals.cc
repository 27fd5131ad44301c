// Blocks every signal that can be blocked, then sleeps: only KILL ends it.
#include <csignal>
#include <unistd.h>

int main() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  while (true) ::pause();
}
