#include "runner/pipe/byte_count.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace enjoin {
namespace {

using Lanes = std::uint8_t __attribute__((vector_size(16)));
using Sums = std::uint16_t __attribute__((vector_size(16)));

constexpr std::size_t kStep = sizeof(Lanes);
/// A lane counts to 255 at most.
constexpr std::size_t kMostSteps = 255;

/// Counts in `steps` times 16 bytes, at most kMostSteps.
std::size_t count_steps(const char* at, std::size_t steps, char byte) {
  const Lanes wanted = Lanes{} + static_cast<std::uint8_t>(byte);
  Lanes lanes{};
  for (std::size_t i = 0; i < steps; ++i) {
    Lanes text;
    std::memcpy(&text, at + i * kStep, kStep);
    // Equal lanes are -1.
    lanes -= reinterpret_cast<Lanes>(text == wanted);
  }
  const Sums pairs = reinterpret_cast<Sums>(lanes);
  const Sums sums = (pairs & 0xff) + (pairs >> 8);
  std::size_t total = 0;
  for (std::size_t i = 0; i < sizeof sums / sizeof sums[0]; ++i) total += sums[i];
  return total;
}

}  // namespace

std::size_t count_byte(std::string_view text, char byte) {
  std::size_t total = 0;
  const char* at = text.data();
  std::size_t steps = text.size() / kStep;
  while (steps > 0) {
    const std::size_t now = std::min(steps, kMostSteps);
    total += count_steps(at, now, byte);
    at += now * kStep;
    steps -= now;
  }
  for (; at != text.data() + text.size(); ++at) total += *at == byte ? 1 : 0;
  return total;
}

std::size_t find_nth(std::string_view text, std::size_t from, char byte, std::size_t count,
                     std::size_t* found) {
  constexpr std::size_t kChunk = kMostSteps * kStep;
  std::size_t seen = 0;
  // Over whole chunks, as long as the one that is wanted lies behind them. For a few it does not
  // pay to count.
  while (count - seen > 8 && text.size() - from >= kChunk) {
    const std::size_t here = count_steps(text.data() + from, kMostSteps, byte);
    if (seen + here >= count) break;
    seen += here;
    from += kChunk;
  }
  while (from < text.size()) {
    const void* const hit = std::memchr(text.data() + from, byte, text.size() - from);
    if (hit == nullptr) break;
    const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
    if (++seen == count) {
      *found = seen;
      return at;
    }
    from = at + 1;
  }
  *found = seen;
  return std::string_view::npos;
}

}  // namespace enjoin
