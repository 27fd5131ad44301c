// What a program left behind.

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "support/neighbours.h"
#include "worker/process_tree.h"

namespace enjoin::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kGuard = 30s;

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // a process may vanish while it is read of: this does not throw then
  return text.str();
}

std::set<std::string> mounts_now() {
  const std::vector<std::string> lines = lines_of(file_text("/proc/self/mountinfo"));
  return {lines.begin(), lines.end()};
}

// Other programs of this machine come and go: only names that say that they are ours count.
std::set<std::string> own_names_in(const std::string& folder, int depth, const std::string& mark) {
  std::set<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied,
                                           error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (at.depth() >= depth) at.disable_recursion_pending();
    const std::string name = at->path().filename();
    if (name.find("enjoin") != name.npos || name.find(mark) != name.npos) names.insert(at->path());
  }
  return names;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const std::string name = at->path().filename();
    pid_t pid = 0;
    const char* const end = name.data() + name.size();
    if (std::from_chars(name.data(), end, pid).ptr == end && pid > 0) pids.push_back(pid);
  }
  return pids;
}

struct Stat {
  char state = 0;  // 0: there is no such process
  pid_t parent = 0;
};

Stat stat_of(pid_t pid) {
  const std::string text = file_text("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == text.npos || name_end + 4 >= text.size()) return {};
  return {text[name_end + 2], static_cast<pid_t>(std::atoi(text.c_str() + name_end + 4))};
}

std::string described(pid_t pid) {
  std::string command = file_text("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(command.begin(), command.end(), '\0', ' ');
  return "process " + std::to_string(pid) + " (" + command.substr(0, 200) + ")";
}

void add_new(const std::string& what, const std::set<std::string>& before,
             const std::set<std::string>& now, std::set<std::string>* found) {
  for (const std::string& one : now) {
    if (!before.contains(one)) found->insert(what + one);
  }
}

}  // namespace

Traces::Traces(const Sandbox& box) : box_(&box) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) < 0) random = static_cast<std::uint64_t>(::getpid());
  mark_ = "ENJOIN_TEST_MARK=" + std::to_string(random);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  children_ = list_children();
  const std::string value = mark_.substr(mark_.find('=') + 1);
  shared_memory_ = own_names_in("/dev/shm", 1, value);
  cgroups_ = own_names_in("/sys/fs/cgroup", 4, value);
  mounts_ = mounts_now();
}

Traces::~Traces() {
  kill_left();
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

std::vector<pid_t> Traces::processes() const {
  const std::vector<pid_t> all = all_processes();
  std::map<pid_t, Stat> stats;
  for (const pid_t pid : all) stats[pid] = stat_of(pid);
  const pid_t self = ::getpid();
  const auto descends = [&](pid_t pid) {
    for (int steps = 0; pid > 1 && steps < 1000; ++steps) {
      if (std::find(children_.begin(), children_.end(), pid) != children_.end()) return false;
      const auto at = stats.find(pid);
      if (at == stats.end()) return false;
      if (at->second.parent == self) return true;
      pid = at->second.parent;
    }
    return false;
  };
  std::vector<pid_t> found;
  for (const pid_t pid : all) {
    const Stat stat = stats[pid];
    if (pid == self || stat.state == 0 || stat.state == 'Z' || stat.state == 'X') continue;
    if (descends(pid) ||
        file_text("/proc/" + std::to_string(pid) + "/environ").find(mark_) != std::string::npos) {
      found.push_back(pid);
    }
  }
  return found;
}

std::set<std::string> Traces::all(bool with_processes) const {
  std::set<std::string> found;
  if (with_processes) {
    for (const pid_t pid : processes()) found.insert(described(pid));
  }
  for (const std::string& name : box_->left_in_tmp()) found.insert("a file in TMPDIR: " + name);
  const std::string value = mark_.substr(mark_.find('=') + 1);
  add_new("", shared_memory_, own_names_in("/dev/shm", 1, value), &found);
  add_new("a cgroup: ", cgroups_, own_names_in("/sys/fs/cgroup", 4, value), &found);
  add_new("a mount: ", mounts_, mounts_now(), &found);
  return found;
}

std::set<std::string> Traces::wait_none(bool with_processes,
                                        std::chrono::milliseconds* after) const {
  const auto began = std::chrono::steady_clock::now();
  while (true) {
    std::set<std::string> found = all(with_processes);
    const auto spent = std::chrono::steady_clock::now() - began;
    if (after != nullptr) *after = std::chrono::duration_cast<std::chrono::milliseconds>(spent);
    if (found.empty() || spent > kGuard) return found;
    std::this_thread::sleep_for(5ms);
  }
}

void Traces::kill_left() const {
  static_cast<void>(kill_children(kGuard, [this](pid_t pid) {
    return std::find(children_.begin(), children_.end(), pid) != children_.end();
  }));
}

}  // namespace enjoin::test
