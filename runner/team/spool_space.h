#pragma once

#include <cstdint>
#include <map>

namespace enjoin {

/// Gives back to the file system what of a spool was printed, so that a long run of small outputs
/// needs no more room than what waits. Outputs are printed in another order than they were
/// spooled in, so it counts the printed bytes of each MiB, and frees those of which all are.
class SpoolSpace {
 public:
  static constexpr std::int64_t kPiece = 1 << 20;

  /// [begin, begin + length) of the spool `fd` was printed; each byte is told once.
  void note_printed(int fd, std::int64_t begin, std::int64_t length);

 private:
  std::map<std::int64_t, std::int64_t> printed_;  // bytes, by piece, of those begun
};

}  // namespace enjoin
