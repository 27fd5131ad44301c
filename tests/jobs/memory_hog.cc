// Takes memory until it is killed, half a gigabyte at most: memory_hog [protected]
// `protected`: the kernel shall rather kill another process, but not our init.
#include <cstring>
#include <fcntl.h>

#include "guard.h"

namespace {

void write_file(const char* path, const char* text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || ::write(file, text, std::strlen(text)) < 0) std::perror(path);
  ::close(file);
}

}  // namespace

int main(int argc, char**) {
  refuse_outside_namespace();
  if (argc > 1) {
    write_file("/proc/1/oom_score_adj", "0");
    write_file("/proc/self/oom_score_adj", "-1000");
  }
  constexpr std::size_t piece = 1U << 20;
  for (int taken = 0; taken < 512; ++taken) {
    auto* const memory = static_cast<volatile char*>(std::malloc(piece));
    if (memory == nullptr) return 97;
    for (std::size_t at = 0; at < piece; at += 4096) memory[at] = 1;
  }
  return 96;  // there was no limit
}
