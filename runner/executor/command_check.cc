#include "runner/executor/command_check.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <string_view>

#include <sys/resource.h>

#include "enjoin/error.h"
#include "runner/executor/frame_socket.h"

namespace enjoin {
namespace {

[[noreturn]] void refuse(const Command& command, const std::string& why) {
  throw Error("cannot add the job " + name_of(command) + ": " + why);
}

void check_text(const Command& command, std::string_view what, const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    refuse(command, std::string(what) + " holds a NUL byte");
  }
}

void check_texts(const Command& command, std::string_view what,
                 const std::vector<std::string>& texts) {
  for (const std::string& text : texts) check_text(command, what, text);
}

}  // namespace

std::string name_of(const Command& command) {
  constexpr std::size_t kMost = 60;
  if (!command.name.empty()) return command.name;
  const std::string& text = command.argv.empty() ? command.shell_line : command.argv.front();
  if (text.empty()) return "without a command";
  return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

void check_command(const Command& command) {
  if (command.argv.empty() == command.shell_line.empty()) {
    refuse(command, "one of argv and shell_line is needed, and only one");
  }
  if (!command.argv.empty() && command.argv.front().empty()) refuse(command, "argv[0] is empty");
  if (!command.shell_line.empty() && (command.shell.empty() || command.shell.front().empty())) {
    refuse(command, "a shell_line needs a shell");
  }
  check_texts(command, "argv", command.argv);
  check_texts(command, "shell", command.shell);
  check_texts(command, "environment", command.environment);
  check_text(command, "shell_line", command.shell_line);
  check_text(command, "name", command.name);
  check_text(command, "folder", command.folder);
  check_text(command, "stdout_path", command.stdout_path);
  check_text(command, "stderr_path", command.stderr_path);
  if (const auto* file = std::get_if<InputFile>(&command.input)) {
    check_text(command, "its input's path", file->path);
    if (file->path.empty()) refuse(command, "the path of its input is empty");
  }
  for (const std::string& change : command.environment) {
    if (change.empty() || change.front() == '=') {
      refuse(command, "a change of the environment has no name: '" + change + "'");
    }
  }
  for (const CommandLimit& limit : command.limits) {
    if (limit.resource < 0 || limit.resource >= static_cast<int>(RLIM_NLIMITS)) {
      refuse(command, "there is no limit of number " + std::to_string(limit.resource));
    }
  }
  if (command.nice < -40 || command.nice > 40) refuse(command, "nice is out of range");
  if (command.timeout.count() < 0) refuse(command, "its timeout is negative");
}

void check_numbers(const JobOptions& options) {
  if (options.retry_delay.count() < 0 || options.expected.count() < 0) {
    throw Error("cannot add a job: a time of its options is negative");
  }
  if (!std::isfinite(options.retry_backoff) || options.retry_backoff < 0) {
    throw Error("cannot add a job: retry_backoff is no factor");
  }
}

CommandDescriptors copy_descriptors(const Command& command) {
  CommandDescriptors result;
  const auto copy = [&](int ours, int target) {
    const int fd = ::fcntl(ours, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return false;
    result.copies.emplace_back(fd);
    result.targets.push_back(target);
    return true;
  };
  if (command.descriptors.size() > FrameSocket::kMostDescriptors - 3) {
    refuse(command, "it has too many descriptors");
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  for (const auto& [ours, target] : command.descriptors) {
    if (target < 0 || static_cast<rlim_t>(target) >= files.rlim_max) {
      refuse(command, "a job can have no descriptor " + std::to_string(target));
    }
    if (std::count(result.targets.begin(), result.targets.end(), target) > 0) {
      refuse(command, "descriptor " + std::to_string(target) + " is given twice");
    }
    if (!copy(ours, target)) {
      const int error = errno;
      throw system_error("cannot add the job " + name_of(command) + ": descriptor " +
                             std::to_string(ours) + " of the host",
                         error);
    }
  }
  if (command.output != Output::kInherit && command.output != Output::kConsole) return result;
  for (const int target : {0, 1, 2}) {
    if (target == 0 && command.output == Output::kInherit) continue;
    // One that the host has closed is /dev/null in the job.
    const bool named =
        std::find(result.targets.begin(), result.targets.end(), target) != result.targets.end();
    if (!named && !copy(target, target) && errno != EBADF) {
      throw system_error("cannot add the job " + name_of(command), errno);
    }
  }
  return result;
}

}  // namespace enjoin
