#include "runner/pipeline/command_output.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/wait.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"
#include "runner/team/own_helpers.h"
#include "worker/spawn.h"

namespace enjoin {
namespace {

constexpr int kSignalCheckMs = 50;
constexpr std::size_t kReadBytes = 64 * 1024;

bool is_told_to_stop() {
  sigset_t pending;
  ::sigpending(&pending);
  return ::sigismember(&pending, SIGINT) == 1 || ::sigismember(&pending, SIGTERM) == 1 ||
         ::sigismember(&pending, SIGHUP) == 1;
}

/// The running command; killed if nobody waited for its end.
class RunningCommand {
 public:
  explicit RunningCommand(Child child) : child_(std::move(child)) {}
  ~RunningCommand() {
    if (child_.pid < 0) return;
    ::kill(-child_.pid, SIGKILL);
    wait();
  }
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  int wait() {
    int status = 0;
    while (::waitpid(child_.pid, &status, 0) < 0 && errno == EINTR) {
    }
    child_.pid = -1;
    return status;
  }

 private:
  Child child_;
};

Child start(const std::vector<std::string>& argv, int out) {
  ProgramFinder programs;
  const char* const path = programs.find(argv.front().c_str());
  if (path == nullptr) throw Error(argv.front() + " is not found");
  const ipc::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  SpawnRequest request;
  request.path = path;
  request.argv = words.data();
  request.environment = environ;
  request.stdio[0] = null.get();
  request.stdio[1] = out;
  Child child;
  if (const int error = spawn(request, &child); error != 0) {
    throw system_error("cannot start " + argv.front(), error);
  }
  note_own_helper(child.pid);
  return child;
}

std::string read_all(int fd) {
  std::string text;
  for (;;) {
    pollfd watched{fd, POLLIN, 0};
    const int ready = ::poll(&watched, 1, kSignalCheckMs);
    if (is_told_to_stop()) throw Error("it was stopped, as we are told to stop");
    if (ready <= 0) continue;
    const std::size_t size = text.size();
    text.resize(size + kReadBytes);
    const ssize_t got = ::read(fd, text.data() + size, kReadBytes);
    text.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) throw system_error("cannot read what it writes", errno);
  }
}

}  // namespace

std::string run_for_output(const std::vector<std::string>& argv) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
  const ipc::UniqueFd reader(ends[0]);
  ipc::UniqueFd writer(ends[1]);
  RunningCommand command(start(argv, writer.get()));
  writer.reset();
  std::string text = read_all(reader.get());
  const int status = command.wait();
  if (WIFSIGNALED(status)) {
    throw Error("it was ended by signal " + std::to_string(WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) != 0) {
    throw Error("it ended with exit status " + std::to_string(WEXITSTATUS(status)));
  }
  return text;
}

}  // namespace enjoin
