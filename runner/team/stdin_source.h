#pragma once

#include <array>
#include <functional>

#include "ipc/stdin_ticket.h"
#include "runner/team/job.h"

namespace enjoin {

/// What a job is to have on its stdin (see ipc/stdin_ticket.h).
struct StdinSource {
  ipc::StdinKind kind = ipc::StdinKind::kNone;
  int error = 0;  ///< errno, of kFailed
  std::size_t pieces = 0;
  std::array<ipc::StdinPiece, ipc::StdinAnswer::kMostPieces> piece{};
  /// One for each piece, or the one of kFile: somebody else's, or `owned`'s.
  std::array<int, ipc::StdinAnswer::kMostPieces> descriptors{-1, -1, -1};
  ipc::UniqueFd owned{};  ///< closed once the worker has it

  static StdinSource none() { return {}; }
  static StdinSource failed(int error) {
    StdinSource source;
    source.kind = ipc::StdinKind::kFailed;
    source.error = error;
    return source;
  }
  /// A file or a pipe that is the job's alone.
  static StdinSource file(ipc::UniqueFd fd) {
    StdinSource source;
    source.kind = ipc::StdinKind::kFile;
    source.descriptors[0] = fd.get();
    source.owned = std::move(fd);
    return source;
  }
  void add(int fd, ipc::StdinPiece bytes) {
    kind = ipc::StdinKind::kPieces;
    piece[pieces] = bytes;
    descriptors[pieces++] = fd;
  }
};

using StdinProvider = std::function<StdinSource(const Job&)>;

}  // namespace enjoin
