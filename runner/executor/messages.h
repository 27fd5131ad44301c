#pragma once

// What the frames of protocol.h say: a struct for each kind that has more than an id, written by
// one side and read by the other with the same code. `descriptors` beside a struct are those that
// come with its frame.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "enjoin/command.h"
#include "enjoin/executor.h"
#include "runner/executor/protocol.h"

namespace enjoin {

/// HostFrame::kSetup. Descriptors: the host's own pidfd, or none where the kernel has none.
struct SetupMessage {
  std::uint32_t host_pid = 0;
  std::uint64_t signal_mask = 0;  ///< for the jobs: what the host had blocked, bit n-1 for signal n
  ExecutorOptions options;        ///< scratch_folder and helpers as they are to be used
  std::vector<std::string> environment;  ///< of the jobs
};

/// HostFrame::kAddLimit.
struct AddLimitMessage {
  LimitId id{};
  LimitOptions options;
};

/// HostFrame::kAddStage.
struct AddStageMessage {
  StageId id{};
  StageOptions options;
};

/// HostFrame::kAddJob. Descriptors: one for each of `targets`, the number that it has in the job.
/// Those of Output::kInherit and kConsole are among them. `command.descriptors` and
/// `options.handlers` do not travel.
struct AddJobMessage {
  JobId id{};
  Command command;
  JobOptions options;
  std::vector<std::int32_t> targets;
};

/// HostFrame::kAddNeed. Comes too late where `job` has started: then nothing is done.
struct AddNeedMessage {
  JobId job{};
  JobId on{};
};

/// HostFrame::kCancel, kCancelAll (job 0).
struct CancelMessage {
  JobId job{};
  Stop how = Stop::kLadder;
};

/// HostFrame::kAnswer. To a job that asked for none, or had its answer: nothing is done.
struct AnswerMessage {
  JobId job{};
  Answer answer = Answer::kGoOn;
};

/// ExecutorFrame::kStarted. Descriptors, for Output::kLines only: the reading ends of stdout's and
/// stderr's pipe. Told for each attempt.
struct StartedMessage {
  JobId job{};
  std::uint32_t attempt = 1;
};

/// A part of a file, whose descriptor comes with the frame.
struct FilePart {
  bool there = false;  ///< false: the text is in the report
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// ExecutorFrame::kEnded: the last word on a job, which no frame about it follows. Descriptors: of
/// `out`, then of `err`, where they are there.
struct EndedMessage {
  JobReport report;
  FilePart out;
  FilePart err;
};

/// ExecutorFrame::kRefused: exactly one of the ids is set. A job is dropped by it, as by kEnded.
struct RefusedMessage {
  JobId job{};
  StageId stage{};
  std::string text;
};

// kHello: one u32; kCloseStage: StageId; kSkip: JobId; kSetCpus: u32; kFailed: a string.

/// The body of a frame. Throws Error where it is larger than a frame may be.
std::string pack(const SetupMessage& message);
std::string pack(const AddLimitMessage& message);
std::string pack(const AddStageMessage& message);
std::string pack(const AddJobMessage& message);
std::string pack(const AddNeedMessage& message);
std::string pack(const CancelMessage& message);
std::string pack(const AnswerMessage& message);
std::string pack(const StartedMessage& message);
std::string pack(const EndedMessage& message);
std::string pack(const RefusedMessage& message);
std::string pack(JobId job);
std::string pack(StageId stage);
std::string pack(std::uint32_t number);
std::string pack(std::string_view text);

/// False: the body is not what pack() makes. What it says is not checked beyond that: ids, targets
/// and sizes are the reader's to judge.
[[nodiscard]] bool unpack(std::string_view body, SetupMessage* message);
[[nodiscard]] bool unpack(std::string_view body, AddLimitMessage* message);
[[nodiscard]] bool unpack(std::string_view body, AddStageMessage* message);
[[nodiscard]] bool unpack(std::string_view body, AddJobMessage* message);
[[nodiscard]] bool unpack(std::string_view body, AddNeedMessage* message);
[[nodiscard]] bool unpack(std::string_view body, CancelMessage* message);
[[nodiscard]] bool unpack(std::string_view body, AnswerMessage* message);
[[nodiscard]] bool unpack(std::string_view body, StartedMessage* message);
[[nodiscard]] bool unpack(std::string_view body, EndedMessage* message);
[[nodiscard]] bool unpack(std::string_view body, RefusedMessage* message);
[[nodiscard]] bool unpack(std::string_view body, JobId* job);
[[nodiscard]] bool unpack(std::string_view body, StageId* stage);
[[nodiscard]] bool unpack(std::string_view body, std::uint32_t* number);
[[nodiscard]] bool unpack(std::string_view body, std::string* text);

}  // namespace enjoin
