#include "worker/process_tree.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/wait.h>

#include "ipc/unique_fd.h"

namespace enjoin {
namespace {

bool read_file(const char* path, std::string* text) {
  const ipc::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  text->clear();
  char chunk[4096];
  while (true) {
    const ssize_t got = ::read(file.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    text->append(chunk, static_cast<std::size_t>(got));
  }
}

template <typename Visit>
void each_number_in(const char* folder, Visit&& visit) {
  DIR* listing = ::opendir(folder);
  if (listing == nullptr) return;
  while (const dirent* entry = ::readdir(listing)) {
    pid_t number = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, number).ptr == end && number > 0) visit(number);
  }
  ::closedir(listing);
}

// "S 123 …": the state and the parent. They stand behind the name in parentheses, which may itself
// hold anything. Empty where there is no such process.
std::string state_and_parent(pid_t pid) {
  std::string text;
  if (!read_file(("/proc/" + std::to_string(pid) + "/stat").c_str(), &text)) return {};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= text.size()) return {};
  return text.substr(name_end + 2);
}

pid_t parent_of(pid_t pid) {
  const std::string text = state_and_parent(pid);
  return text.empty() ? 0 : static_cast<pid_t>(std::atoi(text.c_str() + 2));
}

}  // namespace

bool is_stopped(pid_t pid) {
  return state_and_parent(pid).starts_with('T');
}

std::vector<pid_t> list_children() {
  std::vector<pid_t> children;
  bool listed = false;
  each_number_in("/proc/self/task", [&](pid_t thread) {
    std::string text;
    const std::string path = "/proc/self/task/" + std::to_string(thread) + "/children";
    if (!read_file(path.c_str(), &text)) return;
    listed = true;
    const char* at = text.c_str();
    char* next = nullptr;
    for (long pid = std::strtol(at, &next, 10); next != at; pid = std::strtol(at, &next, 10)) {
      children.push_back(static_cast<pid_t>(pid));
      at = next;
    }
  });
  if (!listed) {
    const pid_t self = ::getpid();
    each_number_in("/proc", [&](pid_t pid) {
      if (parent_of(pid) == self) children.push_back(pid);
    });
  }
  return children;
}

bool group_outlives(pid_t leader) {
  for (const pid_t pid : list_children()) {
    if (pid == leader || ::getpgid(pid) != leader) continue;
    if (!state_and_parent(pid).starts_with('Z')) return true;
  }
  return false;
}

bool reap_ended_children() {
  while (true) {
    const pid_t got = ::waitpid(-1, nullptr, WNOHANG);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    return got == 0;
  }
}

SweepAnswer kill_children(std::chrono::milliseconds limit,
                          const std::function<bool(pid_t)>& spare) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (true) {
    bool any = false;
    for (const pid_t pid : list_children()) {
      if (spare && spare(pid)) continue;
      any = true;
      // Ours and not reaped, so the number is still its own.
      ::kill(pid, SIGKILL);
    }
    if (!any) return SweepAnswer::kClean;
    for (const pid_t pid : list_children()) {
      if (!spare || !spare(pid)) ::waitpid(pid, nullptr, WNOHANG);
    }
    if (std::chrono::steady_clock::now() > until) return SweepAnswer::kEscaped;
    const timespec pause{0, 200'000};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace enjoin
