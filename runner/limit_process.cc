#include "runner/limit_process.h"

#include <cerrno>
#include <csignal>
#include <unistd.h>

#include <sys/wait.h>

#include "enjoin/error.h"
#include "runner/team/own_helpers.h"
#include "worker/shell_choice.h"

namespace enjoin {

LimitProcess::~LimitProcess() {
  if (child_.pid <= 0) return;
  ::kill(-child_.pid, SIGKILL);
  while (::waitpid(child_.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void LimitProcess::start() {
  const std::string shell = choose_shell();
  const char* const words[] = {shell.c_str(), "-c", command_.c_str(), nullptr};
  SpawnRequest request;
  request.path = shell.c_str();
  request.argv = const_cast<char* const*>(words);
  request.environment = environ;
  request.signal_mask = signal_mask_;
  if (const int error = spawn(request, &child_); error != 0) {
    throw system_error("cannot start --limit's command", error);
  }
  note_own_helper(child_.pid);
}

std::optional<int> LimitProcess::take_status() {
  if (child_.pid <= 0) return {};
  int status = 0;
  const pid_t got = ::waitpid(child_.pid, &status, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) return {};
  child_.pid = -1;
  child_.pidfd.reset();
  if (got < 0) return 1;  // swept away with a dead worker's processes: not now
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace enjoin
