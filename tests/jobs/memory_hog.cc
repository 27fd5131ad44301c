// Takes memory until it is killed, half a gigabyte at most.
#include "guard.h"

int main() {
  refuse_outside_namespace();
  constexpr std::size_t piece = 1U << 20;
  for (int taken = 0; taken < 512; ++taken) {
    auto* const memory = static_cast<volatile char*>(std::malloc(piece));
    if (memory == nullptr) return 97;
    for (std::size_t at = 0; at < piece; at += 4096) memory[at] = 1;
  }
  return 96;  // there was no limit
}
