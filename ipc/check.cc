#include "ipc/check.h"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace enjoin::ipc {

void check_failed(const char* file, int line, const char* condition, std::uint64_t left,
                  std::uint64_t right) noexcept {
  char text[512];
  const int size = std::snprintf(text, sizeof text,
                                 "enjoin: internal error at %s:%d: %s does not hold (%llu, %llu)\n",
                                 file, line, condition, static_cast<unsigned long long>(left),
                                 static_cast<unsigned long long>(right));
  if (size > 0) {
    [[maybe_unused]] const ssize_t written =
        ::write(STDERR_FILENO, text,
                static_cast<std::size_t>(size) < sizeof text ? static_cast<std::size_t>(size)
                                                             : sizeof text - 1);
  }
  std::abort();
}

}  // namespace enjoin::ipc
