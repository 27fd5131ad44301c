#pragma once

// How a job comes to its stdin where the supervisor has data for it (--pipe, --pipepart, --tty),
// and to other descriptors that it is given (JobRecipe::descriptors).
//
// Before it starts the job, its worker sends a request over its socket to the supervisor and waits
// for the answer, which carries descriptors. So data goes to whoever runs the job, nothing of it
// lies in shared memory, and a job that is run again (another attempt, a dead worker) just asks
// again. Plain jobs ask for nothing.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ipc/unique_fd.h"

namespace enjoin::ipc {

/// What a worker sends: the job, as it stands in its slot.
struct StdinRequest {
  std::uint64_t ticket = 0;
  std::uint32_t handle = 0;
  std::uint32_t magic = kMagic;
  static constexpr std::uint32_t kMagic = 0x6e696473;
};

enum class StdinKind : std::uint32_t {
  kNone,         ///< nothing: /dev/null
  kFile,         ///< the one descriptor is the stdin: a file at its offset, or a pipe
  kPieces,       ///< the worker feeds the pieces, one after the other, into a pipe
  kFailed,       ///< the supervisor cannot give it: `error`
  kDescriptors,  ///< no stdin, but `pieces` descriptors that the job asked for
};

/// Bytes of a descriptor that can be read at offsets.
struct StdinPiece {
  static constexpr std::uint64_t kToEnd = ~std::uint64_t{0};
  std::uint64_t offset = 0;
  std::uint64_t length = 0;  ///< kToEnd: all that follows
};

/// What the supervisor answers; it comes with one descriptor (kFile) or one for each piece.
struct StdinAnswer {
  static constexpr std::size_t kMostPieces = 3;
  static constexpr std::size_t kMostDescriptors = 200;  ///< the kernel takes 253 a message
  std::uint64_t ticket = 0;
  StdinKind kind = StdinKind::kNone;
  std::int32_t error = 0;
  std::uint32_t pieces = 0;
  std::uint32_t reserved = 0;
  std::array<StdinPiece, kMostPieces> piece{};

  /// Descriptors that come with it.
  std::size_t descriptors() const { return kind == StdinKind::kFile ? 1 : pieces; }
};

using StdinDescriptors = std::array<UniqueFd, StdinAnswer::kMostPieces>;

/// Sends without blocking; 0 or errno. `descriptors` stay the caller's.
int send_stdin_request(int socket, const StdinRequest& request);
int send_stdin_answer(int socket, const StdinAnswer& answer, const int* descriptors);

enum class TicketRead : std::uint8_t {
  kTaken,    ///< a whole message was read
  kNothing,  ///< none is there now
  kOther,    ///< something else was there (a wake-up), and is gone
  kClosed,   ///< the other side is gone
};
/// Take one message without blocking.
TicketRead try_read_stdin_request(int socket, StdinRequest* request);
/// `descriptors` has room for all that may come.
TicketRead try_read_stdin_answer(int socket, StdinAnswer* answer, std::span<UniqueFd> descriptors);

}  // namespace enjoin::ipc
