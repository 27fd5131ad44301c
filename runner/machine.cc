// What admission asks of this machine, from /proc.

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include "ipc/unique_fd.h"
#include "runner/admission.h"

namespace enjoin {
namespace {

std::optional<std::string> text_of(const std::string& path) {
  const ipc::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return {};
  constexpr std::size_t most = 1 << 20;
  std::string text;
  char block[8192];
  while (text.size() < most) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) break;
    text.append(block, static_cast<std::size_t>(got));
  }
  return text;
}

// The number behind `name` at the start of a line; 0 where there is none.
std::uint64_t number_after(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string_view::npos; ++at) {
    if (at != 0 && text[at - 1] != '\n') continue;
    const std::size_t digit = text.find_first_of("0123456789", at + name.size());
    std::uint64_t value = 0;
    if (digit != std::string_view::npos) {
      std::from_chars(text.data() + digit, text.data() + text.size(), value);
    }
    return value;
  }
  return 0;
}

// The next word of a line, taken off it.
std::string_view take_word(std::string_view* line) {
  const std::size_t begin = line->find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  const std::size_t end = std::min(line->find(' ', begin), line->size());
  const std::string_view word = line->substr(begin, end - begin);
  line->remove_prefix(end);
  return word;
}

// Of a process, from the line whose second word is its name, in parentheses; ' ': it is gone.
char state_of(const char* pid) {
  char path[40];
  std::snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
  const ipc::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  char line[128];  // a name has 15 bytes at most
  const ssize_t got = file ? ::read(file.get(), line, sizeof line) : -1;
  if (got <= 0) return ' ';
  const std::string_view text(line, static_cast<std::size_t>(got));
  const std::size_t end = text.rfind(") ");
  return end == std::string_view::npos || end + 2 >= text.size() ? ' ' : text[end + 2];
}

class LinuxMachine final : public Machine {
 public:
  // One by one, for /proc/stat counts a container's neighbours and every thread of a process.
  double load() override {
    const std::unique_ptr<DIR, int (*)(DIR*)> processes(::opendir("/proc"), &::closedir);
    if (!processes) return 0;
    const pid_t ours = ::getpid();
    double busy = 0;
    while (const dirent* const entry = ::readdir(processes.get())) {
      const pid_t pid = std::atoi(entry->d_name);
      if (pid <= 0 || pid == ours) continue;
      const char state = state_of(entry->d_name);
      if (state == 'R' || state == 'D') ++busy;
    }
    return busy;
  }

  std::uint64_t free_memory() override {
    return number_after(text_of("/proc/meminfo").value_or(""), "MemAvailable:") * 1024;
  }

  Swapped swapped() override {
    const std::string text = text_of("/proc/vmstat").value_or("");
    return {number_after(text, "pswpin "), number_after(text, "pswpout ")};
  }

  std::map<std::string, std::chrono::milliseconds> disks_busy() override {
    constexpr int words_before = 9;  // of the ten numbers behind a name, the last is what we want
    std::map<std::string, std::chrono::milliseconds> busy;
    const std::string text = text_of("/proc/diskstats").value_or("");
    for (std::string_view rest = text; !rest.empty();) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      take_word(&line);
      take_word(&line);
      const std::string name(take_word(&line));
      for (int i = 0; i < words_before; ++i) take_word(&line);
      const std::string_view word = take_word(&line);
      std::int64_t value = 0;
      std::from_chars(word.data(), word.data() + word.size(), value);
      busy[name] = std::chrono::milliseconds(value);
    }
    return busy;
  }

  std::optional<std::string> read_file(const std::string& path) override { return text_of(path); }
};

}  // namespace

Machine& Machine::of_linux() {
  static LinuxMachine machine;
  return machine;
}

}  // namespace enjoin
