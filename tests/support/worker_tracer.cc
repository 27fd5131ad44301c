#include "support/worker_tracer.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <fcntl.h>
#include <map>
#include <memory>
#include <stdexcept>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ipc/unique_fd.h"
#include "support/traced_worker.h"
#include "worker/process_tree.h"

#if defined(__x86_64__)
#include <elf.h>

#include <sys/uio.h>
#include <sys/user.h>
#endif

namespace enjoin::test {

std::string to_string(const Moment& moment) {
  static constexpr const char* names[] = {"before a store", "store",          "lock",
                                          "call",           "birth of a job", "step"};
  char text[100];
  std::snprintf(text, sizeof text, "%s at %#llx%s", names[static_cast<int>(moment.kind)],
                static_cast<unsigned long long>(moment.place),
                moment.holds_lock ? ", lock held" : "");
  return moment.call < 0 ? text
                         : text + std::string(", system call ") + std::to_string(moment.call);
}

#if !defined(__x86_64__)

TracedRun trace_team(const TraceSpec&, const std::function<void()>&) {
  TracedRun run;
  run.end = TracedRun::End::kForbidden;
  return run;
}

#else

namespace {

constexpr std::chrono::seconds kSweepLimit{5};
constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                          PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

std::string file_text(const std::string& path) {
  const ipc::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(4096, '\0');
  const ssize_t got = file ? ::read(file.get(), text.data(), text.size()) : 0;
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

pid_t parent_of(pid_t pid) {
  const std::string stat = file_text("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = stat.rfind(')');
  return end == std::string::npos ? 0 : std::atoi(stat.c_str() + end + 4);
}

// A program that was just exec'd finds no vDSO: each look at a clock is then a system call.
void hide_vdso(pid_t pid) {
  user_regs_struct registers{};
  ::ptrace(PTRACE_GETREGS, pid, nullptr, &registers);
  auto at = registers.rsp;
  const auto word = [pid](unsigned long long address) {
    return static_cast<unsigned long>(
        ::ptrace(PTRACE_PEEKDATA, pid, reinterpret_cast<void*>(address), nullptr));
  };
  at += 8 * (word(at) + 2);       // argc, argv, nullptr
  while (word(at) != 0) at += 8;  // environment
  for (at += 8; word(at) != AT_NULL; at += 16) {
    if (word(at) != AT_SYSINFO_EHDR) continue;
    ::ptrace(PTRACE_POKEDATA, pid, reinterpret_cast<void*>(at), AT_IGNORE);
  }
}

volatile std::sig_atomic_t time_is_over = 0;
void on_alarm(int) {
  time_is_over = 1;
}

// Ends a wait that lasts too long.
class Alarm {
 public:
  explicit Alarm(std::chrono::seconds limit) {
    time_is_over = 0;
    struct sigaction action {};
    action.sa_handler = on_alarm;  // without SA_RESTART
    ::sigaction(SIGALRM, &action, &before_);
    ::alarm(static_cast<unsigned>(limit.count()));
  }
  ~Alarm() {
    ::alarm(0);
    ::sigaction(SIGALRM, &before_, nullptr);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  struct sigaction before_ {};
};

[[noreturn]] void be_team(int go, const std::function<void()>& body) {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char byte = 0;
  if (::read(go, &byte, 1) != 1) ::_exit(1);
  try {
    body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(2);
  }
  ::_exit(0);
}

// The processes of one run. The team's and the keeper's are followed, the victim is watched, all
// others go on by themselves as soon as it is clear what they are.
class Family {
 public:
  Family(const TraceSpec& spec, TracedRun* run) : spec_(spec), run_(run), next_(spec.victim) {}

  void start(const std::function<void()>& body) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    const ipc::UniqueFd far(pipe[0]);
    const ipc::UniqueFd near(pipe[1]);
    team_ = ::fork();
    if (team_ == 0) be_team(far.get(), body);
    if (team_ < 0) throw std::runtime_error("fork failed");
    if (::ptrace(PTRACE_SEIZE, team_, nullptr, kOptions) != 0) {
      run_->end = TracedRun::End::kForbidden;
      ::kill(team_, SIGKILL);
    }
    roles_[team_] = Role::kTeam;
    [[maybe_unused]] const ssize_t said = ::write(near.get(), "", 1);
  }

  // Until none is left.
  void follow() {
    const Alarm alarm(spec_.patience);
    while (true) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, __WALL);
      if (pid < 0 && errno == ECHILD) return;
      if (pid < 0 && time_is_over != 0) {
        run_->left_processes = team_ended_;
        if (!team_ended_) run_->end = TracedRun::End::kHang;
        return end_all();
      }
      if (pid < 0) continue;
      if (WIFSTOPPED(status)) {
        on_stop(pid, status);
      } else {
        on_end(pid, status);
      }
    }
  }

 private:
  enum class Role : std::uint8_t { kTeam, kStarting, kKeeper };

  void on_end(pid_t pid, int status) {
    if (pid == team_) {
      run_->status = status;
      team_ended_ = true;
    }
    if (victim_ && pid == victim_->pid()) victim_.reset();
    roles_.erase(pid);
  }

  void on_stop(pid_t pid, int status) {
    if (victim_ && pid == victim_->pid()) {
      victim_->on_stop(status);
      if (victim_->killed()) on_kill();
      return;
    }
    const int event = status >> 16;
    const int signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_EXEC) return on_exec(pid);
    if (event == PTRACE_EVENT_STOP && roles_.find(pid) == roles_.end()) return on_birth(pid);
    if (pid == team_ && event == 0 && signal == kLetGo && victim_ && victim_->held()) {
      victim_->let_go();
    }
    const bool group_stop = event == PTRACE_EVENT_STOP && (signal == SIGSTOP || signal == SIGTSTP ||
                                                           signal == SIGTTIN || signal == SIGTTOU);
    ::ptrace(group_stop ? PTRACE_LISTEN : PTRACE_CONT, pid, nullptr, event == 0 ? signal : 0);
  }

  void on_birth(pid_t pid) {
    const auto parent = roles_.find(parent_of(pid));
    if (parent != roles_.end() && parent->second == Role::kKeeper) return on_worker(pid);
    // A keeper's starter leaves at once: what it made may be ours already.
    const bool starting =
        parent == roles_.end() ? parent_of(pid) == ::getpid() : parent->second != Role::kKeeper;
    if (starting) {
      roles_[pid] = Role::kStarting;
      ::ptrace(PTRACE_CONT, pid, nullptr, 0);
      return;
    }
    ::ptrace(PTRACE_DETACH, pid, nullptr, 0);  // a job
  }

  // A worker is exec'd, or forked by a keeper that is.
  void on_exec(pid_t pid) {
    const std::string line = file_text("/proc/" + std::to_string(pid) + "/cmdline");
    const std::string word = line.substr(std::min(line.size(), line.find('\0') + 1));
    const bool keeper = line.rfind("enjoin-keeper", 0) == 0 ||
                        word.rfind("(enjoin-keeper)", 0) == 0;  // a pool's: the host's program
    const bool ours = keeper || line.rfind("enjoin-worker", 0) == 0;
    if (!ours) {
      roles_.erase(pid);
      ::ptrace(PTRACE_DETACH, pid, nullptr, 0);
      return;
    }
    if (spec_.slow_time) hide_vdso(pid);
    const bool worker = !keeper && word.find_first_not_of("0123456789,-") == word.find('\0');
    if (worker) {
      roles_.erase(pid);
      return on_worker(pid);
    }
    roles_[pid] = Role::kKeeper;
    ::ptrace(PTRACE_CONT, pid, nullptr, 0);
  }

  void on_worker(pid_t pid) {
    if (next_ == 0 && !victim_ && !done_) {
      victim_ = std::make_unique<TracedWorker>(pid, spec_, run_);
      ::ptrace(PTRACE_SYSCALL, pid, nullptr, 0);
      return;
    }
    if (next_ > 0) --next_;
    ::ptrace(PTRACE_DETACH, pid, nullptr, 0);
  }

  void on_kill() {
    victim_.reset();
    done_ = !spec_.next_too || run_->kills >= 2;
  }

  // The tracees die with SIGKILL wherever they stand; jobs are our descendants.
  void end_all() {
    victim_.reset();
    static_cast<void>(kill_children(kSweepLimit));
  }

  const TraceSpec& spec_;
  TracedRun* run_;
  unsigned next_;
  pid_t team_ = -1;
  bool team_ended_ = false;
  bool done_ = false;
  std::map<pid_t, Role> roles_;
  std::unique_ptr<TracedWorker> victim_;
};

}  // namespace

TracedRun trace_team(const TraceSpec& spec, const std::function<void()>& body) {
  TracedRun run;
  if (::geteuid() != 0) {
    run.end = TracedRun::End::kForbidden;
    return run;
  }
  int adopted = 0;
  ::prctl(PR_GET_CHILD_SUBREAPER, &adopted);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what outlives the team comes to us
  Family family(spec, &run);
  family.start(body);
  family.follow();
  ::prctl(PR_SET_CHILD_SUBREAPER, adopted);
  return run;
}

#endif

}  // namespace enjoin::test
