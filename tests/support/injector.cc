#include "support/injector.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <poll.h>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace enjoin::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kBound{30};

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// ---- the filter --------------------------------------------------------------------------------

// Calls that tell who somebody is: exec makes another program of a process. prctl is the first that
// a fresh one makes, while it may still be looked at (PR_SET_DUMPABLE).
constexpr long kTelling[] = {SYS_execve, SYS_execveat, SYS_prctl};

class Filter {
 public:
  explicit Filter(const FaultClass* kind) {
    std::set<long> numbers(std::begin(kTelling), std::end(kTelling));
    for (const FaultClass& one : fault_classes()) {
      if (kind != nullptr && kind != &one) continue;
      for (const FaultClass::Call& call : one.calls) numbers.insert(call.number);
    }
    constexpr std::uint32_t arch_at = offsetof(seccomp_data, arch);
    constexpr std::uint32_t number_at = offsetof(seccomp_data, nr);
    add(BPF_LD | BPF_W | BPF_ABS, arch_at);
    jump_if(kArchitecture, 1, 0);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    add(BPF_LD | BPF_W | BPF_ABS, number_at);
    for (const long number : numbers) {
      jump_if(static_cast<std::uint32_t>(number), 0, 1);
      add(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }
  /// The listener, or -1.
  int install() const {
    const sock_fprog program{static_cast<unsigned short>(code_.size()),
                             const_cast<sock_filter*>(code_.data())};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                      SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  }

 private:
  void add(int code, std::uint32_t value) {
    code_.push_back({static_cast<std::uint16_t>(code), 0, 0, value});
  }
  void jump_if(std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
    code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, yes, no, value});
  }
  std::vector<sock_filter> code_;
};

// A number that a forked child hands to us without a system call, which the filter might stop.
class SharedNumber {
 public:
  SharedNumber()
      : word_(static_cast<std::atomic<int>*>(
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (static_cast<void*>(word_) == MAP_FAILED) throw std::runtime_error("no shared page");
    word_->store(kNothing);
  }
  SharedNumber(const SharedNumber&) = delete;
  SharedNumber& operator=(const SharedNumber&) = delete;
  ~SharedNumber() { ::munmap(word_, 4096); }

  static constexpr int kNothing = -2;
  void give(int number) { word_->store(number); }
  int wait() const {
    const auto until = Clock::now() + kBound;
    while (word_->load() == kNothing && Clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return word_->load();
  }

 private:
  std::atomic<int>* word_;
};

// ---- who is who --------------------------------------------------------------------------------

std::string link_of(pid_t pid, const char* name) {
  char path[PATH_MAX];
  const std::string link = "/proc/" + std::to_string(pid) + '/' + name;
  const ssize_t size = ::readlink(link.c_str(), path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : "";
}

std::string text_of(pid_t pid, const char* name) {
  std::ifstream file("/proc/" + std::to_string(pid) + '/' + name);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

pid_t parent_of(pid_t pid) {
  const std::string stat = text_of(pid, "stat");
  const std::size_t end = stat.rfind(')');
  return end == std::string::npos ? 0 : std::atoi(stat.c_str() + std::min(end + 4, stat.size()));
}

class Roles {
 public:
  explicit Roles(pid_t supervisor) : supervisor_(supervisor) { known_[supervisor] = Role::kJob; }

  Role of(pid_t pid) {
    const auto found = known_.find(pid);
    if (found == known_.end()) return known_[pid] = inherited(pid);
    if (renewed_.erase(pid) != 0) return found->second = look(pid, found->second);
    return found->second;
  }
  void on_exec(pid_t pid) {
    static_cast<void>(of(pid));
    renewed_.insert(pid);
  }
  std::string describe() const {
    std::string text;
    for (const auto& [pid, role] : known_) {
      const std::string call = text_of(pid, "syscall");
      if (call.empty()) continue;
      text += std::to_string(pid) + ' ' + std::string(name_of(role)) + " in call " +
              call.substr(0, call.find(' ', call.find(' ') + 1)) + "; ";
    }
    return text;
  }

 private:
  // Forked, and not yet another program.
  Role inherited(pid_t pid) {
    const pid_t parent = parent_of(pid);
    const auto found = known_.find(parent);
    if (found == known_.end()) return Role::kJob;
    // The keeper forks workers of itself; all others fork in order to exec.
    return found->second == Role::kKeeper ? Role::kWorker : found->second;
  }
  // After an exec, or after one that failed.
  Role look(pid_t pid, Role before) {
    const std::string program = link_of(pid, "exe");
    const std::string name = program.substr(program.rfind('/') + 1);
    if (pid == supervisor_ && name == "enjoin") return Role::kSupervisor;
    if (before == Role::kJob) return Role::kJob;
    if (name == "enjoin-worker") {
      const std::string line = text_of(pid, "cmdline");
      return line.find("keep") != std::string::npos ? Role::kKeeper : Role::kWorker;
    }
    return name == "enjoin" ? before : Role::kJob;
  }

  pid_t supervisor_;
  std::map<pid_t, Role> known_;
  std::set<pid_t> renewed_;
};

// ---- the run -----------------------------------------------------------------------------------

std::string shown(const seccomp_data& call, pid_t pid) {
  std::string text = "call " + std::to_string(call.nr) + '(';
  for (int i = 0; i < 4; ++i) {
    char word[32];
    std::snprintf(word, sizeof word, "%s%#llx", i == 0 ? "" : ", ",
                  static_cast<unsigned long long>(call.args[i]));
    text += word;
  }
  text += ") of " + std::to_string(pid);
  const std::string target =
      call.args[0] < 1024 ? link_of(pid, ("fd/" + std::to_string(call.args[0])).c_str()) : "";
  return target.empty() ? text : text + " [" + target + ']';
}

class Run {
 public:
  Run(const Fault& fault, Running running, int listener, Faulted* result)
      : fault_(fault),
        running_(std::move(running)),
        roles_(running_.pid()),
        listener_(listener),
        pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, running_.pid(), 0))),
        result_(result) {
    ::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes_);
    request_.resize(std::max<std::size_t>(sizes_.seccomp_notif, sizeof(seccomp_notif)));
    answer_.resize(std::max<std::size_t>(sizes_.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
  }

  void serve() {
    auto until = Clock::now() + kBound;
    bool ended = false;
    bool users = true;
    while (!ended || users) {
      pollfd watched[2] = {{listener_.get(), POLLIN, 0}, {ended ? -1 : pidfd_.get(), POLLIN, 0}};
      if (!users) watched[0].fd = -1;
      ::poll(watched, 2, ended ? 5 : 1000);
      if ((watched[0].revents & POLLIN) != 0) answer_one();
      if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) users = false;
      if (!ended && watched[1].revents != 0) {
        result_->ran = running_.wait();
        ended = true;
        until = Clock::now() + std::chrono::seconds(5);
      }
      if (ended) reap_adopted();
      if (Clock::now() < until) continue;
      if (!ended) {
        result_->hung = true;
        result_->call += "; at the end: " + roles_.describe();
        ::kill(running_.pid(), SIGKILL);
        until = Clock::now() + std::chrono::seconds(5);
      } else if (!kill_left()) {
        return;
      }
    }
  }

 private:
  void answer_one() {
    std::fill(request_.begin(), request_.end(), std::byte{0});
    std::fill(answer_.begin(), answer_.end(), std::byte{0});
    auto& request = *reinterpret_cast<seccomp_notif*>(request_.data());
    auto& answer = *reinterpret_cast<seccomp_notif_resp*>(answer_.data());
    if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return;
    answer.id = request.id;
    if (fails(static_cast<pid_t>(request.pid), request.data)) {
      answer.error = -fault_.kind->error;
    } else {
      answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }

  bool fails(pid_t pid, const seccomp_data& call) {
    const Role role = roles_.of(pid);
    const bool fails = matches(role, call) && is_due();
    if (fails && result_->injected++ == 0) {
      result_->call = shown(call, pid);
      result_->was_message = call.nr == SYS_write && call.args[0] == STDERR_FILENO;
    }
    if (fails && is_removal(call.nr)) result_->removal_failed = true;
    if (!fails && (call.nr == SYS_execve || call.nr == SYS_execveat)) roles_.on_exec(pid);
    return fails;
  }

  bool matches(Role role, const seccomp_data& call) const {
    if (fault_.kind == nullptr) return count(role, call), false;
    if (role != fault_.role) return false;
    // Where nothing can be said any more, nothing can be judged either.
    if (fault_.lasting && call.nr == SYS_write && call.args[0] == STDERR_FILENO) return false;
    return is_of(*fault_.kind, call);
  }

  static bool is_removal(long number) {
#ifdef SYS_unlink
    if (number == SYS_unlink || number == SYS_rmdir) return true;
#endif
    return number == SYS_unlinkat;
  }

  void count(Role role, const seccomp_data& call) const {
    std::vector<std::size_t>& counts = result_->counted[role];
    counts.resize(fault_classes().size());
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (is_of(fault_classes()[i], call)) ++counts[i];
    }
  }

  static bool is_of(const FaultClass& kind, const seccomp_data& call) {
    std::uint64_t arguments[6];
    std::copy(std::begin(call.args), std::end(call.args), arguments);
    return std::any_of(kind.calls.begin(), kind.calls.end(), [&](const FaultClass::Call& one) {
      return one.number == call.nr && (one.counts == nullptr || one.counts(arguments));
    });
  }

  bool is_due() {
    const std::size_t number = ++result_->matching;
    if (fault_.nth == 0) return false;
    return fault_.lasting ? number >= fault_.nth : number == fault_.nth;
  }

  static void reap_adopted() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  // What outlived the program is ours by now. False: there is nothing more.
  bool kill_left() {
    const pid_t self = ::getpid();
    std::istringstream children(
        text_of(self, ("task/" + std::to_string(self) + "/children").c_str()));
    bool any = false;
    for (pid_t pid = 0; children >> pid;) {
      any = true;
      std::string line = text_of(pid, "cmdline");
      std::replace(line.begin(), line.end(), '\0', ' ');
      result_->left.push_back(std::to_string(pid) + ": " + line);
      ::kill(pid, SIGKILL);
    }
    return any;
  }

  const Fault& fault_;
  Running running_;
  Roles roles_;
  ipc::UniqueFd listener_;
  ipc::UniqueFd pidfd_;
  Faulted* result_;
  seccomp_notif_sizes sizes_{};
  std::vector<std::byte> request_;
  std::vector<std::byte> answer_;
};

int take_descriptor(pid_t pid, int number) {
  const ipc::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), number, 0));
}

}  // namespace

Faulted run_with_fault(const Sandbox& box, const std::vector<std::string>& arguments,
                       const RunOptions& options, const Fault& fault) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const Filter filter(fault.kind);
  SharedNumber shared;
  RunOptions with_filter = options;
  with_filter.before_exec = [&] {
    if (options.before_exec) options.before_exec();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody would answer its calls any more
    shared.give(filter.install());
  };
  Running running = box.start(arguments, with_filter);
  const int number = shared.wait();
  const int listener = number < 0 ? -1 : take_descriptor(running.pid(), number);
  if (listener < 0) throw std::runtime_error("no system call can be made to fail here");
  Faulted result;
  Run(fault, std::move(running), listener, &result).serve();
  return result;
}

bool can_inject() {
  static const bool allowed = [] {
    if (kArchitecture != 0) {
      try {
        const Sandbox box;
        const Fault none;
        if (run_with_fault(box, {"--version"}, {}, none).ran.status == 0) return true;
      } catch (const std::runtime_error&) {
      }
    }
    std::fprintf(stderr,
                 "\n*** SKIPPED: this machine does not let system calls be made to fail ***\n"
                 "*** (seccomp's user notification, Linux 5.9, x86-64 or aarch64)      ***\n\n");
    return false;
  }();
  return allowed;
}

}  // namespace enjoin::test
