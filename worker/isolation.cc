#include "worker/isolation.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "worker/job_init.h"

namespace enjoin {
namespace {

// Of linux/mount.h, which does not go together with sys/mount.h.
constexpr unsigned kCloneTree = 1;        // OPEN_TREE_CLONE
constexpr unsigned kRecursive = 0x8000;   // AT_RECURSIVE
constexpr unsigned kTreeToMove = 4;       // MOVE_MOUNT_F_EMPTY_PATH
constexpr unsigned kCloexec = O_CLOEXEC;  // OPEN_TREE_CLOEXEC
constexpr int kNamespaces = CLONE_NEWPID | CLONE_NEWNS;
constexpr int kAsVfork = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;

std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.empty() ? "." : path.c_str(), resolved) != nullptr ? resolved : "";
}

bool is_below(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

bool may_mount() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  return (data[0].effective >> CAP_SYS_ADMIN & 1) != 0;
}

// Of the powers that the new user namespace gives over itself, only the one that is needed; exec
// takes it from everybody but a user whose number is 0.
void keep_only_mounting() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  data[0].effective = data[0].permitted = 1U << CAP_SYS_ADMIN;
  ::syscall(SYS_capset, &header, data);
}

int write_file(const char* path, const std::string& text) {
  const ipc::UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  const ssize_t wrote = ::write(file.get(), text.data(), text.size());
  return wrote == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

// Returns 0 or errno. Each number stands for itself in it, so nothing looks different to the job.
int enter_user_namespace() {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  // Those who are closed to their own user may not write the files below.
  const int dumpable = ::prctl(PR_GET_DUMPABLE);
  ::prctl(PR_SET_DUMPABLE, 1);
  int error = ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
  if (error == 0) error = write_file("/proc/self/setgroups", "deny");
  if (error == 0) error = write_file("/proc/self/uid_map", uid + ' ' + uid + " 1\n");
  if (error == 0) error = write_file("/proc/self/gid_map", gid + ' ' + gid + " 1\n");
  ::prctl(PR_SET_DUMPABLE, dumpable);
  if (error == 0) keep_only_mounting();
  return error;
}

struct ChildStart {
  const SpawnRequest* request = nullptr;  // null: a trial, which ends before any program
  const JobView* view = nullptr;
  char* const* argv = nullptr;
  int program = -1;
  int socket = -1;
  IsolationStep step = IsolationStep::kNone;
  int error = 0;
};

// In the child, which shares our memory and runs on a stack of its own while we stand still: only
// system calls, no allocation, no locks.
__attribute__((no_sanitize("address", "undefined"))) int child_main(void* argument) {
  auto& start = *static_cast<ChildStart*>(argument);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // and all that is in the namespace goes with this process
  start.error = start.view->enter(&start.step);
  if (start.error != 0) ::_exit(127);
  start.step = IsolationStep::kPrivileges;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    start.error = errno;
    ::_exit(127);
  }
  if (start.request == nullptr) ::_exit(0);
  ::setsid();  // and so without a terminal to read from, to type into or to be stopped by
  start.step = IsolationStep::kInit;
  for (int target = 0; target < 3; ++target) {
    const int source = start.request->stdio[target];
    if (source >= 0 && ::dup2(source, target) < 0) {
      start.error = errno;
      ::_exit(127);
    }
  }
  ::fcntl(start.socket, F_SETFD, 0);
  ::syscall(SYS_execveat, start.program, "", start.argv, start.request->environment, AT_EMPTY_PATH);
  start.error = errno;
  ::_exit(127);
}

alignas(64) char child_stack[64 * 1024];

int start_child(ChildStart* start, Child* child) {
  int pidfd = -1;
  const pid_t pid = ::clone(child_main, child_stack + sizeof child_stack,
                            kNamespaces | kAsVfork | SIGCHLD, start, &pidfd);
  if (pid < 0) {
    start->step = IsolationStep::kNamespaces;
    return start->error = errno;
  }
  child->pid = pid;
  child->pidfd.reset(pidfd);
  return start->error;
}

void reap(Child* child) {
  while (::waitpid(child->pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  *child = Child{};
}

const char* what_is_missing(IsolationStep step) {
  switch (step) {
    case IsolationStep::kUserNamespace:
      return "making a user namespace";
    case IsolationStep::kNamespaces:
      return "making pid and mount namespaces";
    case IsolationStep::kMounts:
      return "changing mounts in a namespace";
    case IsolationStep::kShow:
      return "showing a folder below /tmp in a namespace";
    case IsolationStep::kTmp:
      return "mounting a private /tmp";
    case IsolationStep::kProc:
      return "mounting /proc for a new pid namespace (containers that hide parts of it forbid it)";
    case IsolationStep::kPrivileges:
      return "no_new_privs";
    case IsolationStep::kInit:
    case IsolationStep::kNone:
      break;
  }
  return "starting a process";
}

struct TrialResult {
  IsolationStep step = IsolationStep::kNone;
  int error = 0;
};

TrialResult try_in_this_process() {
  TrialResult result;
  if (!may_mount()) {
    result.error = enter_user_namespace();
    if (result.error != 0) return {IsolationStep::kUserNamespace, result.error};
  }
  const JobView view("", "");
  ChildStart start{.view = &view};
  Child child;
  result.error = start_child(&start, &child);
  result.step = start.step;
  if (child.pid > 0) reap(&child);
  return result;
}

// In a child: who enters a user namespace cannot leave it.
TrialResult run_trial() {
  TrialResult result{IsolationStep::kInit, EIO};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {IsolationStep::kInit, errno};
  const ipc::UniqueFd from(ends[0]);
  ipc::UniqueFd to(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return {IsolationStep::kInit, errno};
  if (pid == 0) {
    const TrialResult found = try_in_this_process();
    ::_exit(::write(to.get(), &found, sizeof found) == sizeof found ? 0 : 1);
  }
  to.reset();
  Child child{.pid = pid, .pidfd = {}, .init = {}};
  TrialResult read_back;
  if (::read(from.get(), &read_back, sizeof read_back) == sizeof read_back) result = read_back;
  reap(&child);
  return result;
}

}  // namespace

// ---- what the job sees -------------------------------------------------------------------------

JobView::JobView(const std::string& folder, const std::string& input_folder)
    : tmp_(real_path("/tmp")), folder_(real_path(folder)) {
  moves_ = !folder.empty() || is_below_tmp(folder_);
  if (tmp_.empty()) return;
  show(folder_);
  if (!input_folder.empty()) show(real_path(input_folder));
  const char* const scratch = std::getenv("TMPDIR");
  if (scratch == nullptr || *scratch == '\0') return;
  const std::string path = real_path(scratch);
  if (!is_below_tmp(path) || is_shown(path)) return;
  make(path);
}

bool JobView::is_below_tmp(const std::string& path) const {
  return !tmp_.empty() && is_below(path, tmp_);
}

bool JobView::is_shown(const std::string& path) const {
  return std::any_of(shown_.begin(), shown_.end(), [&](const Shown& other) {
    return path == other.path || is_below(path, other.path);
  });
}

void JobView::show(const std::string& path) {
  if (!is_below_tmp(path) || is_shown(path)) return;
  std::erase_if(shown_, [&](const Shown& other) { return is_below(other.path, path); });
  shown_.push_back({path});
  make(path);
}

void JobView::make(const std::string& path) {
  for (std::size_t end = tmp_.size(); end != path.npos;) {
    end = path.find('/', end + 1);
    std::string part = path.substr(0, end);
    if (std::find(made_.begin(), made_.end(), part) == made_.end()) made_.push_back(part);
  }
}

__attribute__((no_sanitize("address", "undefined"))) int JobView::enter(IsolationStep* step) const {
  *step = IsolationStep::kMounts;
  // What is mounted outside later is seen inside, not the other way round.
  if (::mount("none", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return errno;
  *step = IsolationStep::kShow;
  for (const Shown& shown : shown_) {
    shown.tree = static_cast<int>(
        ::syscall(SYS_open_tree, AT_FDCWD, shown.path.c_str(), kCloneTree | kCloexec | kRecursive));
    if (shown.tree < 0) return errno;
  }
  *step = IsolationStep::kTmp;
  if (!tmp_.empty() &&
      ::mount("enjoin-job", tmp_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0) {
    return errno;
  }
  for (const std::string& folder : made_) {
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return errno;
  }
  *step = IsolationStep::kShow;
  for (const Shown& shown : shown_) {
    if (::syscall(SYS_move_mount, shown.tree, "", AT_FDCWD, shown.path.c_str(), kTreeToMove) != 0) {
      return errno;
    }
  }
  // Where we are is the hidden one still.
  if (moves_ && ::chdir(folder_.c_str()) != 0) return errno;
  *step = IsolationStep::kProc;
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return errno;
  }
  return 0;
}

// ---- starting ----------------------------------------------------------------------------------

Isolation::Isolation() : program_(::open("/proc/self/exe", O_PATH | O_CLOEXEC)) {
  if (!program_) throw system_error("cannot isolate jobs: /proc/self/exe", errno);
  if (may_mount()) return;
  if (const int error = enter_user_namespace(); error != 0) {
    throw system_error("cannot isolate jobs: no user namespace", error);
  }
  entered_user_namespace_ = true;
}

int Isolation::spawn(const SpawnRequest& request, const JobView& view, Child* child) const {
  if (view.is_all_of_tmp()) return EBUSY;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  Child started;
  started.init.reset(ends[0]);
  ipc::UniqueFd far_end(ends[1]);
  std::string word = init_word(request, far_end.get());
  char name[] = "enjoin-worker";
  std::vector<char*> argv{name, word.data(), const_cast<char*>(request.path)};
  for (char* const* at = request.argv; *at != nullptr; ++at) argv.push_back(*at);
  argv.push_back(nullptr);
  ChildStart start{&request, &view, argv.data(), program_.get(), far_end.get()};
  int error = start_child(&start, &started);
  // The kernel allows no more namespaces for now: as if it allowed no more processes.
  if (error == ENOSPC && start.step == IsolationStep::kNamespaces) error = EAGAIN;
  far_end.reset();
  if (error == 0) {
    const std::optional<InitReport> report = read_init(started, InitWait::kYes);
    error = report ? report->error : EIO;
  }
  if (error != 0) {
    if (started.pid > 0) reap(&started);
    return error;
  }
  *child = std::move(started);
  return 0;
}

// ---- the trial ---------------------------------------------------------------------------------

void try_isolation() {
  const TrialResult found = run_trial();
  if (found.error == 0) return;
  throw Error(
      std::string("--isolate=pid cannot be had here: ") + what_is_missing(found.step) + ": " +
      std::strerror(found.error) +
      ". It needs root with CAP_SYS_ADMIN, or user namespaces for everybody (in a container,"
      " the right to make them; see user.max_user_namespaces,"
      " kernel.unprivileged_userns_clone and"
      " kernel.apparmor_restrict_unprivileged_userns). Without --isolate, jobs run as"
      " ordinary processes");
}

std::string describe_isolation() {
  const TrialResult found = run_trial();
  if (found.error == 0) {
    return may_mount() ? "yes" : "yes, in a user namespace";
  }
  return std::string("no: ") + what_is_missing(found.step) + ": " + std::strerror(found.error);
}

}  // namespace enjoin
