// Blocks every signal that can be blocked, says so in the fifo that it is given, if any, and
// sleeps: only KILL ends it.
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char** argv) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  if (argc > 1) {
    const int fifo = ::open(argv[1], O_WRONLY | O_CLOEXEC);
    if (fifo < 0 || ::write(fifo, "blocked\n", 8) != 8) return 1;
    ::close(fifo);
  }
  while (true) ::pause();
}
