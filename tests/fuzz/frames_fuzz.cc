// libFuzzer target: what a host and its executor say to each other. The bytes of the input come
// through the socket of a host that has gone mad: each frame is read as every message there is, and
// taken by a schedule, of which jobs are then started and ended.

#include <string>
#include <unistd.h>

#include <sys/socket.h>

#include "enjoin/error.h"
#include "fuzz_input.h"
#include "runner/executor/frame_socket.h"
#include "runner/serve/schedule.h"

namespace enjoin {
namespace {

using test::require;

/// What was read is written as it came.
template <typename Message>
void try_as(const std::string& body) {
  Message message{};
  if (unpack(body, &message)) require(pack(message) == body);
}

void try_all(const std::string& body) {
  try_as<SetupMessage>(body);
  try_as<AddLimitMessage>(body);
  try_as<AddStageMessage>(body);
  try_as<AddJobMessage>(body);
  try_as<AddNeedMessage>(body);
  try_as<CancelMessage>(body);
  try_as<AnswerMessage>(body);
  StartedMessage started;
  static_cast<void>(unpack(body, &started));
  EndedMessage ended;
  static_cast<void>(unpack(body, &ended));
  RefusedMessage refused;
  static_cast<void>(unpack(body, &refused));
}

void turn(Schedule* schedule, std::uint64_t* turns) {
  const Schedule::TimePoint now{std::chrono::seconds((*turns)++)};
  for (int at = 0; at < 4; ++at) {
    const std::optional<Job> job = schedule->next(now);
    if (!job) break;
    JobResult result;
    result.job = *job;
    result.outcome = Exited{static_cast<int>(job->id.seq % 3 == 0 ? 1 : 0)};
    if (*turns % 2 == 0) static_cast<void>(schedule->on_end(result, now));
  }
  static_cast<void>(schedule->take_refused());
  static_cast<void>(schedule->take_cancels());
  static_cast<void>(schedule->take_unrun());
}

}  // namespace
}  // namespace enjoin

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace enjoin;
  int ends[2];
  if (size > 64 * 1024 || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 0;
  FrameSocket socket{ipc::UniqueFd(ends[0])};
  {
    const ipc::UniqueFd host(ends[1]);
    if (::write(host.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  }
  Schedule schedule({.cpus = 2, .keep_going = size % 2 == 0}, 0);
  std::uint64_t turns = 0;
  SocketFrame frame;
  try {
    while (socket.take(&frame) == FrameSocket::Got::kFrame) {
      try_all(frame.body);
      schedule.take(std::move(frame));
      frame = {};
      turn(&schedule, &turns);
    }
  } catch (const Error&) {
    // Damage: the host is told.
  }
  return 0;
}
