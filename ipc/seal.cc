#include "ipc/seal.h"

#include <cstring>
#include <iterator>

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
  std::uint64_t words[sizeof record / sizeof(std::uint64_t)];
  std::memcpy(words, &record, sizeof record);
  std::memset(reinterpret_cast<char*>(words) + offsetof(ResultRecord, sum), 0, sizeof record.sum);
  // Four in step: each alone would wait for its own multiplication.
  std::uint64_t hash[4] = {1, 2, 3, 4};
  for (std::size_t at = 0; at < std::size(words); at += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) hash[lane] = mix(hash[lane], words[at + lane]);
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
