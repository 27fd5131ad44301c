#pragma once

// What a host (include/enjoin/executor.h) and its executor process say to each other, over one
// SOCK_STREAM socket pair: frames, each a FrameHeader and its body. Descriptors come with the first
// byte of their frame (SCM_RIGHTS), in order. Both are of one build; the host checks the version
// that the first frame (kHello) says. Strings and vectors in bodies: a u32 of the size, then the
// bytes (executor/frame_text.h: one writer and one reader, which trusts nothing).
// Whoever of the two dies lets the socket hang up: the executor then ends all jobs and leaves.

#include <cstdint>

namespace enjoin {

inline constexpr std::uint32_t kExecutorProtocol = 1;
/// The executor's first argument is the number of its end of the socket: this one, or where a
/// make's jobserver has that (seldom: 3 and 4 are usual), one of the next two. 0 and 1 are
/// /dev/null, 2 is the host's stderr; it has no other descriptors, but for the pipe of a make's
/// jobserver where it is to use one. All signals are blocked, and those ignored that the host
/// ignores; its folder, umask and limits are the host's.
inline constexpr int kExecutorSocket = 9;

struct FrameHeader {
  std::uint32_t size = 0;  ///< of the body
  std::uint16_t kind = 0;  ///< HostFrame or ExecutorFrame
  std::uint16_t descriptors = 0;
};

/// From the host.
enum class HostFrame : std::uint16_t {
  kSetup = 1,   ///< once, first: options, the host's environment, signal mask, limits, folder
  kAddLimit,    ///< id, name, slots
  kAddStage,    ///< id, name, needs, most running, allow_failure
  kCloseStage,  ///< id
  kAddJob,      ///< id, Command, JobOptions; with the descriptors of Command::descriptors, stdio
  kAddNeed,     ///< job, on
  kCancel,      ///< job, Stop
  kCancelAll,   ///< Stop
  kSkip,        ///< job
  kAnswer,      ///< job, Answer
  kSetCpus,     ///< number
};

/// From the executor.
enum class ExecutorFrame : std::uint16_t {
  kHello = 1,  ///< version
  kStarted,    ///< job, attempt. Output::kLines: with the reading ends of its pipes
  /// JobReport. What was captured is in the frame where it is little (kMostInline), else it comes
  /// as descriptors of files, with their sizes.
  kEnded,
  kRefused,  ///< job or stage, text: it could not be added (a ring of needs, …); the job is dropped
  kFailed,  ///< text: the executor cannot go on; it ends all jobs as lost, and leaves
};

inline constexpr std::uint32_t kMostInline = 64 * 1024;
inline constexpr std::uint32_t kMostFrame = 64 << 20;  ///< a larger one is damage

}  // namespace enjoin
