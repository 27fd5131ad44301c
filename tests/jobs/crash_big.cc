// Maps 1 GB, touches a little of it, and dies of SIGSEGV.
#include <csignal>
#include <unistd.h>

#include <sys/mman.h>

// A sanitized build would catch the signal, and forbid the core.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:disable_coredump=0";
}

int main() {
  constexpr std::size_t kBytes = 1UL << 30;
  void* const memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return 1;
  char* const bytes = static_cast<char*>(memory);
  for (std::size_t at = 0; at < kBytes; at += kBytes / 64) bytes[at] = 1;
  ::raise(SIGSEGV);
  return 2;
}
