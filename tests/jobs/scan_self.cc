// Prints the descriptors above 2 that it was born with, and what is mapped of memory files.
#include <cstdio>
#include <cstring>
#include <unistd.h>

int main() {
  for (int fd = 3; fd < 4096; ++fd) {
    char path[32];
    char target[512] = {};
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (::readlink(path, target, sizeof target - 1) > 0) std::printf("fd %d %s\n", fd, target);
  }
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  char line[4096];
  while (maps != nullptr && std::fgets(line, sizeof line, maps) != nullptr) {
    if (std::strstr(line, "memfd") != nullptr || std::strstr(line, "/dev/shm") != nullptr) {
      std::printf("map %s", line);
    }
  }
  return 0;
}
