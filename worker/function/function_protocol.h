#pragma once

// What the host of a Pool and its workers agree on, beside ipc/layout.h: how a call of a function
// lies in a job's slot, and how its end lies in a result record.
//
// The job (ipc::JobSlot)
//   values, columns  the function's id: the low and the high half (detail::Function)
//   flags            kCallInLog
//   payload          the arguments, as ArchiveWriter left them, one behind the other. With
//                    kCallInLog a LogSpan: they lie in the pool's argument log.
//   timeout_ns       of this call; 0: none. Who notices is the worker's side.
//   seq              the call's number in its pool, from 1: for people
//
// The worker starts the slot (ClaimQueue::try_start), copies or reads the arguments, releases the
// slot, runs the function, records. A call that has started and has no record when its worker dies
// failed with it.
//
// The record (ipc::ResultRecord)
//   ticket, handle, attempt  as in the slot
//   kind             kExited, always
//   code             a CallEnd
//   flags            kResultInLog
//   payload          by CallEnd: the result's archive, or a thrown exception (write_thrown). With
//                    kResultInLog a LogSpan: it lies in the worker's result log.
//   payload_size     bytes of the payload field that count
//
// The logs are unnamed files (memfd) that only grow; each value begins at a multiple of kLogAlign.
// The argument log is one a pool: the host writes it, workers read it (pread). A result log is one
// a worker: that worker writes it, the host reads it. In both the host gives the space of a value
// back when it is done with it (fallocate, punching a hole), so a writer's offset only goes up.
//
// A worker whose ring of results is full tells the host (Bells::tell_supervisor), announces itself
// idle, looks again, and waits for its bell; the host rings idle workers that it has made room for.

#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/layout.h"

namespace enjoin {

/// Bits of ipc::JobSlot::flags, above those of command jobs.
inline constexpr std::uint16_t kCallInLog = 0x100;
/// Bits of ipc::ResultRecord::flags, above those of command jobs.
inline constexpr std::uint16_t kResultInLog = 0x1000;

inline constexpr std::uint64_t kLogAlign = 4096;
/// Arguments longer than this go to the log, shorter ones to the arena; results longer than
/// ipc::kInlinePayload go to the log.
inline constexpr std::uint64_t kArenaMost = 16U << 10;

/// Where a value lies in a log.
struct LogSpan {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
static_assert(sizeof(LogSpan) <= ipc::kInlinePayload);

/// Where the value behind one that ends at `end` begins.
constexpr std::uint64_t next_in_log(std::uint64_t end) {
  return (end + kLogAlign - 1) / kLogAlign * kLogAlign;
}

/// How a call ended; ipc::ResultRecord::code.
enum class CallEnd : std::int32_t {
  kReturned = 0,  ///< payload: the result
  kThrew,         ///< payload: a thrown exception
  kUnknown,       ///< this program knows no function of this id; no payload
  kBadArguments,  ///< they could not be read; payload: the exception that this threw
  kBadResult,     ///< it could not be written; payload: the exception that this threw
};

/// An exception on its way: two strings.
struct Thrown {
  std::string type;  ///< demangled; "" where it is not known
  std::string text;  ///< what(), or what is known of it
};

/// The exception that is being handled: to be called in a catch block.
Thrown current_thrown();
std::string write_thrown(const Thrown& thrown);
/// Of any bytes: what cannot be read is left empty.
Thrown read_thrown(std::string_view bytes);

}  // namespace enjoin
