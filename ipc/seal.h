#pragma once

// Words and structs in shared memory that tell damage by themselves.
//
// A job that scribbles in its worker's memory writes anything anywhere. Most fields are checked by
// what the supervisor knows privately (runner/team/audit.h); these few would do harm at once, and
// carry a hash of themselves. It is no defence against somebody who means it.

#include <cstdint>
#include <optional>

#include "ipc/layout.h"

namespace enjoin::ipc {

inline constexpr std::uint32_t kPrintedMark = 0x7072696e;

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

/// 48 bits with a hash in 16. Zeroed memory is not valid.
constexpr std::uint64_t seal(std::uint64_t value) {
  return value << 16 | mix(0x5eed, value) >> 48;
}
constexpr std::optional<std::uint64_t> unseal(std::uint64_t word) {
  const std::uint64_t value = word >> 16;
  if (seal(value) != word) return std::nullopt;
  return value;
}

/// An errno with a hash in 20 bits; 0 stays 0.
constexpr std::uint32_t seal_error(int error) {
  const auto value = static_cast<std::uint32_t>(error) & 0xfff;
  return value == 0 ? 0 : value | static_cast<std::uint32_t>(mix(0x5eed, value) >> 44 << 12);
}
/// 0 where there is none, or damage.
constexpr int unseal_error(std::uint32_t word) {
  const int error = static_cast<int>(word & 0xfff);
  return seal_error(error) == word ? error : 0;
}

std::uint32_t sum_of(const PrintEntry& entry) noexcept;
std::uint32_t sum_of(const ResultRecord& record) noexcept;

/// A copy of an entry that was handed in under this order, whole.
bool is_whole(const PrintEntry& entry, std::uint64_t order) noexcept;
/// A whole one that needs no more printing: it was printed, or there is nothing to print.
bool is_done(const PrintEntry& entry) noexcept;

}  // namespace enjoin::ipc
