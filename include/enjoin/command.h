#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace enjoin {

/// What becomes of processes that outlive a job which ended by itself.
enum class AfterJob : std::uint8_t {
  kKill,    ///< they are killed
  kFail,    ///< they are killed, and the job counts as failed
  kKeep,    ///< they run on
  kReport,  ///< they run on, and JobReport::left_processes says so
};

/// Where a job's stdin comes from.
struct NoInput {};  ///< /dev/null
struct InputBytes {
  std::string bytes;
};
struct InputFile {
  std::string path;  ///< relative to Command::folder
};
using Input = std::variant<NoInput, InputBytes, InputFile>;

/// Where its stdout and stderr go. None of these is ever a pipe to the host that the host could
/// block by not reading, but for kLines.
enum class Output : std::uint8_t {
  kCapture,  ///< JobReport::out and JobReport::err
  kMerge,    ///< both in JobReport::out, in the order in which they were written
  kLines,    ///< JobHandlers::on_line, a line at a time while it runs, in the order of each stream
  kInherit,  ///< the host's own stdout and stderr
  /// The host's own stdin, stdout, stderr, and the foreground of its terminal, if that is its
  /// controlling terminal: for one job at a time, which the caller sees to by a limit of 1.
  kConsole,
  kDiscard,
};

/// A limit of setrlimit(2) for one job.
struct CommandLimit {
  int resource = 0;         ///< RLIMIT_…
  std::uint64_t value = 0;  ///< in the resource's own unit
};

/// One command: all that is executed, and how. Sane as it stands, with `argv` or `shell_line` set.
struct Command {
  std::vector<std::string> argv = {};  ///< executed as it is; argv[0] is found in the job's PATH
  std::string shell_line = {};         ///< instead of argv: for `shell -c`
  std::vector<std::string> shell = {"/bin/sh"};
  std::string name = {};    ///< for messages; empty: made of the command
  std::string folder = {};  ///< must be there; empty: the host's at the time the Executor was made
  /// NAME=VALUE sets, NAME alone takes away; the last counts. The rest is the host's environment as
  /// it was when the Executor was made.
  std::vector<std::string> environment = {};
  Input input = NoInput{};
  Output output = Output::kCapture;
  /// Instead of capturing: emptied or made as by a shell's `>`, relative to `folder`. Both may be
  /// one file.
  std::string stdout_path = {};
  std::string stderr_path = {};
  /// Descriptors of the host that become others in the job: {host's, job's}. Copies are made when
  /// the job is added, and kept until it ends. They win over all of the above.
  std::vector<std::pair<int, int>> descriptors = {};
  std::uint64_t most_output = 64 << 20;  ///< bytes kept of each captured stream; 0: no cap
  std::vector<CommandLimit> limits = {};
  int nice = 0;
  std::chrono::nanoseconds timeout{0};  ///< then its whole tree is ended; 0: none
  AfterJob after = AfterJob::kKill;
};

}  // namespace enjoin
