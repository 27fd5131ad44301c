#include "ipc/seal.h"

#include <cstring>

namespace enjoin::ipc {

std::uint32_t sum_of(const PrintEntry& entry) noexcept {
  std::uint64_t hash = mix(entry.order, entry.ticket);
  hash = mix(hash, std::uint64_t{entry.handle} << 32 | static_cast<std::uint32_t>(entry.state));
  for (int stream : {0, 1}) {
    hash = mix(hash, static_cast<std::uint64_t>(entry.begin[stream]));
    hash = mix(hash, static_cast<std::uint64_t>(entry.length[stream]));
  }
  return static_cast<std::uint32_t>(hash >> 32);
}

std::uint32_t sum_of(const ResultRecord& record) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  constexpr std::size_t kSumAt = offsetof(ResultRecord, sum) / kWord;
  static_assert(sizeof record.sum == kWord / 2 && sizeof record % (4 * kWord) == 0);
  constexpr unsigned kSumBits = offsetof(ResultRecord, sum) % kWord * 8;  // little endian
  const auto* const bytes = reinterpret_cast<const char*>(&record);
  // Four in step: each alone would wait for its own multiplication.
  std::uint64_t hash[4] = {1, 2, 3, 4};
  for (std::size_t at = 0; at < sizeof record / kWord; at += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + (at + lane) * kWord, kWord);
      if (at + lane == kSumAt) word &= ~(std::uint64_t{0xffffffff} << kSumBits);
      hash[lane] = mix(hash[lane], word);
    }
  }
  return static_cast<std::uint32_t>(mix(mix(hash[0], hash[1]), mix(hash[2], hash[3])) >> 32);
}

bool is_whole(const PrintEntry& entry, std::uint64_t order) noexcept {
  return entry.order == order && entry.state != PrintState::kFree && entry.sum == sum_of(entry);
}

bool is_done(const PrintEntry& entry) noexcept {
  return entry.printed == (entry.sum ^ kPrintedMark) ||
         (entry.length[0] == 0 && entry.length[1] == 0);
}

}  // namespace enjoin::ipc
