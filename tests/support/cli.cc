#include "support/cli.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace enjoin::test {
namespace {

namespace fs = std::filesystem;

constexpr int kGuardMs = 60'000;  // an end for a test that hangs, no measure of speed
constexpr const char* kGnuParallel = "/usr/bin/parallel";

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(what);
}

// A file without a name: programs may write to it for as long as they like, and nobody must pump.
ipc::UniqueFd nameless_file(const std::string& folder) {
  ipc::UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) {
    std::string path = folder + "/capture.XXXXXX";
    file.reset(::mkostemp(path.data(), O_CLOEXEC));
    ::unlink(path.c_str());
  }
  if (!file) give_up("cannot make a file in " + folder);
  return file;
}

std::string text_of(int fd) {
  std::string text;
  char chunk[1 << 16];
  ::lseek(fd, 0, SEEK_SET);
  while (true) {
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got <= 0) return text;
    text.append(chunk, static_cast<std::size_t>(got));
  }
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// In the forked child, of a test that may itself run under nohup or from a script's `&`.
void reset_signals() {
  for (int number = 1; number < 32; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

// ---- Fifo --------------------------------------------------------------------------------------

// Opened for both, so that neither side waits for the other's open.
Fifo::Fifo(std::string path) : path_(std::move(path)) {
  if (::mkfifo(path_.c_str(), 0600) != 0) give_up("cannot make the pipe " + path_);
  fd_.reset(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
}

std::string Fifo::wait_line() {
  while (true) {
    if (std::optional<std::string> line = try_line()) return *line;
    pollfd watched{fd_.get(), POLLIN, 0};
    if (::poll(&watched, 1, kGuardMs) <= 0) give_up("no line came through " + path_);
  }
}

std::optional<std::string> Fifo::try_line() {
  pollfd watched{fd_.get(), POLLIN, 0};
  while (pending_.find('\n') == std::string::npos && ::poll(&watched, 1, 0) > 0) {
    char chunk[4096];
    const ssize_t got = ::read(fd_.get(), chunk, sizeof chunk);
    if (got > 0) pending_.append(chunk, static_cast<std::size_t>(got));
  }
  const std::size_t end = pending_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end + 1);
  return line;
}

void Fifo::write(std::string_view text) {
  if (::write(fd_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    give_up("cannot write to " + path_);
  }
}

bool Fifo::is_full() const {
  pollfd watched{fd_.get(), POLLOUT, 0};
  return ::poll(&watched, 1, 0) == 0;
}

void Fifo::wait_full() const {
  for (int turn = 0; turn < kGuardMs / 5; ++turn) {
    if (is_full()) return;
    ::poll(nullptr, 0, 5);
  }
  give_up(path_ + " does not fill");
}

// ---- Running -----------------------------------------------------------------------------------

Running::Running(Running&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)) {}

Running::~Running() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Running::signal(int number) const {
  ::kill(pid_, number);
}

bool Running::has_ended() const {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return info.si_pid == pid_;
}

// The program writes at the place where our descriptor stands, so that must not move.
std::string Running::err_so_far(std::size_t from) const {
  std::string text;
  char chunk[1 << 14];
  while (true) {
    const ssize_t got =
        ::pread(err_.get(), chunk, sizeof chunk, static_cast<off_t>(from + text.size()));
    if (got <= 0) return text;
    text.append(chunk, static_cast<std::size_t>(got));
  }
}

void Running::wait_stopped() const {
  int status = 0;
  if (::waitpid(pid_, &status, WUNTRACED) != pid_ || !WIFSTOPPED(status)) {
    give_up("the program did not stop");
  }
}

Ran Running::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return {text_of(out_.get()), text_of(err_.get()),
          WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)};
}

// ---- Sandbox -----------------------------------------------------------------------------------

Sandbox::Sandbox(Parallel parallel) {
  const char* base = std::getenv("TMPDIR");
  folder_ = std::string(base != nullptr ? base : "/tmp") + "/enjoin-test.XXXXXX";
  if (::mkdtemp(folder_.data()) == nullptr) give_up("cannot make a folder like " + folder_);
  for (const char* name : {"/here", "/tmp", "/home", "/home/.parallel", "/bin"}) {
    fs::create_directory(folder_ + name);
  }
  std::ofstream(folder_ + "/home/.parallel/will-cite");
  fs::create_symlink(ENJOIN_PROGRAM, folder_ + "/bin/enjoin");
  fs::create_symlink(parallel == Parallel::kGnu ? kGnuParallel : ENJOIN_PROGRAM,
                     folder_ + "/bin/parallel");
}

Sandbox::~Sandbox() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Running Sandbox::launch(const std::string& program, std::vector<std::string> words,
                        const RunOptions& options) const {
  std::vector<std::string> environment = options.environment;
  for (const std::string& usual :
       {"PATH=" + folder_ + "/bin:/usr/local/bin:/usr/bin:/bin", "HOME=" + folder_ + "/home",
        "TMPDIR=" + folder_ + "/tmp", std::string("SHELL=/bin/bash"), std::string("LC_ALL=C.UTF-8"),
        std::string("TERM=dumb")}) {
    const std::string name = usual.substr(0, usual.find('=') + 1);
    const bool given =
        std::any_of(options.environment.begin(), options.environment.end(),
                    [&](const std::string& other) { return other.starts_with(name); });
    if (!given) environment.push_back(usual);
  }
  const ipc::UniqueFd input = nameless_file(folder_);
  if (::pwrite(input.get(), options.input.data(), options.input.size(), 0) < 0) {
    give_up("cannot write the input");
  }
  Running running;
  running.out_ = nameless_file(folder_);
  running.err_ = nameless_file(folder_);
  const std::string work = folder_ + "/here";
  std::vector<char*> argv = pointers_to(words);
  std::vector<char*> envp = pointers_to(environment);
  running.pid_ = ::fork();
  if (running.pid_ < 0) give_up("cannot fork");
  if (running.pid_ == 0) {
    reset_signals();
    ::setsid();
    ::dup2(input.get(), STDIN_FILENO);
    ::dup2(running.out_.get(), STDOUT_FILENO);
    ::dup2(running.err_.get(), STDERR_FILENO);
    if (::chdir(work.c_str()) != 0) ::_exit(127);
    if (options.before_exec) options.before_exec();
    ::execve(program.c_str(), argv.data(), envp.data());
    ::_exit(127);
  }
  return running;
}

Running Sandbox::start(const std::vector<std::string>& arguments, const RunOptions& options) const {
  std::vector<std::string> words{"enjoin"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return launch(ENJOIN_PROGRAM, std::move(words), options);
}

Running Sandbox::start_shell(const std::string& script, const RunOptions& options) const {
  return launch("/bin/bash", {"bash", "-c", script}, options);
}

Ran Sandbox::enjoin(const std::vector<std::string>& arguments, const RunOptions& options) const {
  return start(arguments, options).wait();
}

Ran Sandbox::shell(const std::string& script, const RunOptions& options) const {
  return start_shell(script, options).wait();
}

std::string Sandbox::path(std::string_view name) const {
  return folder_ + "/here/" + std::string(name);
}

void Sandbox::write(std::string_view name, std::string_view text) const {
  std::ofstream(path(name), std::ios::binary) << text;
}

std::string Sandbox::read(std::string_view name) const {
  std::ifstream file(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool Sandbox::has(std::string_view name) const {
  return ::access(path(name).c_str(), F_OK) == 0;
}

Fifo Sandbox::fifo(std::string_view name) const {
  return Fifo(path(name));
}

std::vector<std::string> Sandbox::left_in_tmp() const {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ + "/tmp")) {
    names.push_back(entry.path().filename());
  }
  return names;
}

// ---- the rest ----------------------------------------------------------------------------------

bool have_gnu_parallel() {
  static const bool there = [] {
    if (::access(kGnuParallel, X_OK) == 0) return true;
    std::fprintf(stderr,
                 "\n*** %s is not installed: NOTHING IS COMPARED WITH IT ***\n"
                 "*** (Debian: apt-get install parallel)                ***\n\n",
                 kGnuParallel);
    return false;
  }();
  return there;
}

void wait_gone(pid_t pid) {
  const ipc::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) return;
  pollfd watched{pidfd.get(), POLLIN, 0};
  if (::poll(&watched, 1, kGuardMs) <= 0) {
    give_up("process " + std::to_string(pid) + " lives on");
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string sorted_lines(const std::string& text) {
  std::vector<std::string> lines = lines_of(text);
  std::sort(lines.begin(), lines.end());
  std::string joined;
  for (const std::string& line : lines) joined += line + '\n';
  return joined;
}

}  // namespace enjoin::test
