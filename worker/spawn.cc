#include "worker/spawn.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace enjoin {
namespace {

struct ChildStart {
  const SpawnRequest* request;
  pid_t parent;
  int error = 0;
};

// In the child, which shares our memory and runs on a stack of its own while we stand still: only
// system calls, no allocation, no locks. We have no signal handlers but one that only raises a
// bell, and exec resets it.
__attribute__((no_sanitize("address", "undefined"))) int child_main(void* argument) {
  auto& start = *static_cast<ChildStart*>(argument);
  const SpawnRequest& request = *start.request;
  if (request.own_group) ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != start.parent) ::_exit(127);  // it died before the line above
  if (request.foreground >= 0) {                  // SIGTTOU is blocked
    ::tcsetpgrp(request.foreground, ::getpid());
    ::signal(SIGTSTP, SIG_IGN);  // the child's own
  }
  for (int target = 0; target < 3; ++target) {
    if (request.stdio[target] < 0) continue;
    if (::dup2(request.stdio[target], target) < 0) goto failed;
  }
  for (const DescriptorPlace& place : request.descriptors) {
    if (::dup2(place.from, place.to) < 0) goto failed;
  }
  if (request.folder != nullptr && ::chdir(request.folder) != 0) goto failed;
  if (request.open_files != nullptr) ::setrlimit(RLIMIT_NOFILE, request.open_files);
  for (const ResourceLimit& limit : request.limits) {
    const rlimit wanted{limit.value, limit.value};
    if (::setrlimit(static_cast<__rlimit_resource>(limit.resource), &wanted) != 0) goto failed;
  }
  if (request.nice) {
    const int now = ::getpriority(PRIO_PROCESS, 0);
    ::setpriority(PRIO_PROCESS, 0, now + *request.nice);
  }
  if (request.ignored_signal != 0) ::signal(request.ignored_signal, SIG_IGN);  // the child's own
  // The raw call: glibc's hides its own two real-time signals from the mask.
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &request.signal_mask, nullptr,
            sizeof request.signal_mask);
  ::execve(request.path, request.argv, request.environment);
failed:
  start.error = errno;
  ::_exit(127);
}

alignas(64) char child_stack[64 * 1024];

}  // namespace

int spawn(const SpawnRequest& request, Child* child) {
  ChildStart start{&request, ::getpid()};
  int pidfd = -1;
  const pid_t pid = ::clone(child_main, child_stack + sizeof child_stack,
                            CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &start, &pidfd);
  if (pid < 0) return errno;
  if (start.error != 0) {
    ::close(pidfd);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return start.error;
  }
  child->pid = pid;
  child->pidfd.reset(pidfd);  // clone makes it close-on-exec
  return 0;
}

JobEnvironment::JobEnvironment(char** inherited, std::uint32_t slot, std::uint32_t parallel_pid,
                               Marks marks)
    : is_plain_(marks == Marks::kNone) {
  std::snprintf(slot_, sizeof slot_, "PARALLEL_JOBSLOT=%u", slot);
  std::snprintf(pid_, sizeof pid_, "PARALLEL_PID=%u", parallel_pid);
  for (char** entry = inherited; *entry != nullptr; ++entry) {
    const bool ours = std::strncmp(*entry, "PARALLEL_SEQ=", 13) == 0 ||
                      std::strncmp(*entry, "PARALLEL_JOBSLOT=", 17) == 0 ||
                      std::strncmp(*entry, "PARALLEL_PID=", 13) == 0;
    if (!ours || is_plain_) words_.push_back(*entry);
  }
  if (!is_plain_) words_.insert(words_.end(), {seq_, slot_, pid_});
  words_.push_back(nullptr);
}

char* const* JobEnvironment::for_job(std::uint64_t seq) {
  if (is_plain_) return words_.data();
  std::snprintf(seq_, sizeof seq_, "PARALLEL_SEQ=%llu", static_cast<unsigned long long>(seq));
  return words_.data();
}

char* const* JobEnvironment::for_job(std::uint64_t seq, std::span<const char* const> changes) {
  char* const* const all = for_job(seq);
  if (changes.empty()) return all;
  const auto names = [](const char* change, const char* word) {
    const std::size_t size = std::strcspn(change, "=");
    return std::strncmp(word, change, size) == 0 && (word[size] == '=' || word[size] == '\0');
  };
  changed_.clear();
  for (char* const* word = all; *word != nullptr; ++word) {
    const bool stays = std::none_of(changes.begin(), changes.end(),
                                    [&](const char* change) { return names(change, *word); });
    if (stays) changed_.push_back(*word);
  }
  for (std::size_t at = 0; at < changes.size(); ++at) {
    const auto later = changes.subspan(at + 1);
    const bool is_last = std::none_of(
        later.begin(), later.end(), [&](const char* change) { return names(change, changes[at]); });
    if (is_last && std::strchr(changes[at], '=') != nullptr) {
      changed_.push_back(const_cast<char*>(changes[at]));
    }
  }
  changed_.push_back(nullptr);
  return changed_.data();
}

void JobEnvironment::set(std::string_view name, std::string_view value) {
  std::string text(name);
  text += '=';
  const std::string_view key = text;
  const auto same = [&](const char* word) {
    return word != nullptr && std::strncmp(word, key.data(), key.size()) == 0;
  };
  const std::size_t end = words_.size() - 1;
  std::size_t place = 0;
  while (place < end && !same(words_[place])) ++place;
  if (place == end) words_.push_back(nullptr);
  const auto own = std::find_if(settings_.begin(), settings_.end(),
                                [place](const Setting& old) { return old.place == place; });
  Setting& setting = own == settings_.end() ? settings_.emplace_back() : *own;
  text += value;
  setting.text = std::move(text);
  setting.place = place;
  words_[place] = setting.text.data();
}

const char* ProgramFinder::find(const char* name) {
  if (std::strchr(name, '/') != nullptr) return name;
  if (!path_.empty() && name_ == name) return path_.c_str();
  const char* folders = std::getenv("PATH");
  std::string_view rest = folders != nullptr ? folders : kDefaultPath;
  while (true) {
    const std::size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    path_.assign(folder.empty() ? "." : folder);
    path_ += '/';
    path_ += name;
    if (::access(path_.c_str(), X_OK) == 0) {
      name_ = name;
      return path_.c_str();
    }
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  forget();
  return nullptr;
}

void ProgramFinder::forget() {
  name_.clear();
  path_.clear();
}

}  // namespace enjoin
