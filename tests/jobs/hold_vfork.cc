// A vfork child that neither ends nor executes: its parent stands still in the kernel.
#include <unistd.h>

#include <sys/syscall.h>

int main() {
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t child = ::vfork();
  if (child == 0) {
    while (true) ::syscall(SYS_pause);
  }
  return child < 0 ? 1 : 0;
}
