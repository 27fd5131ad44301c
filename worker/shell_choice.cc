#include "worker/shell_choice.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include "enjoin/error.h"
#include "ipc/unique_fd.h"

namespace enjoin {
namespace {

// The names under which GNU parallel knows a shell that started it.
// clang-format off
constexpr auto kKnownShells = std::to_array<std::string_view>({
    "ash", "bash", "csh", "dash", "fdsh", "fish", "fizsh", "ksh", "ksh93", "lksh", "mksh", "pdksh",
    "posh", "rbash", "rc", "rush", "rzsh", "sash", "sh", "static-sh", "tcsh", "yash", "zsh",
});
// clang-format on

// A chain of ancestors that is longer is a loop of recycled numbers.
constexpr int kMaxAncestors = 1000;

std::string read_start(const std::string& path) {
  std::string content(4096, '\0');
  const ipc::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  const ssize_t size = ::read(file.get(), content.data(), content.size());
  content.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return content;
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// The absolute path of the program `name`, or nothing.
std::string find_program(std::string_view name) {
  if (name.empty()) return {};
  std::string file(name);
  if (name.find('/') != name.npos) return ::access(file.c_str(), X_OK) == 0 ? file : std::string();
  const char* variable = std::getenv("PATH");
  std::string_view path = variable == nullptr ? "/usr/bin:/bin" : variable;
  while (!path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(folder.size() + 1, path.size()));
    if (!folder.starts_with('/')) continue;
    file.assign(folder).append("/").append(name);
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

/// The parent of `pid`; 0 where there is none to be seen.
pid_t parent_of(pid_t pid) {
  const std::string stat = read_start("/proc/" + std::to_string(pid) + "/stat");
  // pid (name) state ppid; the name may hold anything.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == stat.npos || name_end + 4 >= stat.size()) return 0;
  pid_t parent = 0;
  std::from_chars(stat.data() + name_end + 4, stat.data() + stat.size(), parent);
  return parent;
}

/// The shell that process `pid` is, judged by the name it was started with; empty for none.
std::string shell_of(pid_t pid) {
  const std::string proc = "/proc/" + std::to_string(pid);
  const std::string command = read_start(proc + "/cmdline");
  std::string_view name = base_name(std::string_view(command).substr(0, command.find('\0')));
  name = name.substr(0, name.find(' '));
  std::string program;
  if (name == "-sh") {
    // A login shell that was told to be sh: which one shows its file.
    std::array<char, 4096> target;
    const ssize_t size = ::readlink((proc + "/exe").c_str(), target.data(), target.size());
    if (size > 0) program.assign(target.data(), static_cast<std::size_t>(size));
    name = base_name(program);
  } else if (name.starts_with('-')) {
    name.remove_prefix(1);
  }
  if (std::find(kKnownShells.begin(), kKnownShells.end(), name) == kKnownShells.end()) return {};
  return find_program(program.empty() ? name : std::string_view(program));
}

}  // namespace

std::string choose_shell() {
  if (const char* wanted = std::getenv("PARALLEL_SHELL"); wanted != nullptr && *wanted != '\0') {
    std::string shell = find_program(wanted);
    if (shell.empty()) {
      throw Error(std::string("the shell '") + wanted +
                  "' is not found; PARALLEL_SHELL names it: set it to a shell's path, or unset it");
    }
    return shell;
  }
  pid_t pid = ::getppid();
  for (int i = 0; pid > 0 && i < kMaxAncestors; ++i) {
    if (std::string shell = shell_of(pid); !shell.empty()) return shell;
    pid = parent_of(pid);
  }
  const char* shell = std::getenv("SHELL");
  return shell != nullptr && *shell != '\0' ? shell : "/bin/sh";
}

}  // namespace enjoin
