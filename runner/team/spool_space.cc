#include "runner/team/spool_space.h"

#include <algorithm>
#include <fcntl.h>

namespace enjoin {

// Whole pieces are whole pages: what a pipe still holds of one by sendfile stays intact.
void SpoolSpace::note_printed(int fd, std::int64_t begin, std::int64_t length) {
  constexpr std::int64_t farthest = std::int64_t{1} << 60;
  if (begin < 0 || begin > farthest || length > farthest) return;  // damaged
  for (std::int64_t left = length; left > 0;) {
    const std::int64_t piece = begin / kPiece;
    const std::int64_t here = std::min(left, (piece + 1) * kPiece - begin);
    if ((printed_[piece] += here) >= kPiece) {
      ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, piece * kPiece, kPiece);
      printed_.erase(piece);
    }
    begin += here;
    left -= here;
  }
}

}  // namespace enjoin
