// What admission asks of this machine, from /proc.

#include <cerrno>
#include <charconv>
#include <fcntl.h>
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

class LinuxMachine final : public Machine {
 public:
  double load() override {
    const std::string text = text_of("/proc/stat").value_or("");
    const double tasks = static_cast<double>(number_after(text, "procs_running ") +
                                             number_after(text, "procs_blocked "));
    return tasks < 1 ? 0 : tasks - 1;
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
