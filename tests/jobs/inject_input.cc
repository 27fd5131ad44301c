// inject_input TERMINAL: as nobody where it is root, tries to put a line into the input of the
// terminal: by its descriptors, by /dev/tty and by its name. Prints what each try came to.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/ioctl.h>

namespace {

void inject(const char* how, int fd) {
  if (fd < 0) {
    std::printf("%s: no terminal\n", how);
    return;
  }
  for (const char* c = "evil\n"; *c != '\0'; ++c) {
    if (::ioctl(fd, TIOCSTI, c) == 0) continue;
    std::printf("%s: refused\n", how);
    return;
  }
  std::printf("%s: INJECTED\n", how);
}

}  // namespace

int main(int argc, char** argv) {
  const int by_name = argc > 1 ? ::open(argv[1], O_RDWR | O_NOCTTY) : -1;
  const int own = ::open("/dev/tty", O_RDWR | O_NOCTTY);
  if (::getuid() == 0 &&
      (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0)) {
    return 1;
  }
  inject("stdin", 0);
  inject("stdout", 1);
  inject("stderr", 2);
  inject("/dev/tty", own);
  inject("name", by_name);
  char paste[] = {3};  // TIOCL_PASTESEL: of the console
  if (by_name >= 0) {
    std::printf("TIOCLINUX: %s\n", ::ioctl(by_name, TIOCLINUX, paste) == 0 ? "PASTED" : "refused");
  }
  return 0;
}
