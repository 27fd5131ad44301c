#include "runner/team/oom_watch.h"

#include <algorithm>
#include <charconv>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

#include "ipc/unique_fd.h"
#include "worker/job_watch.h"

namespace enjoin {
namespace {

constexpr std::size_t kMostReadings = 64;

bool read_file(const std::string& path, std::string* text) {
  const ipc::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  text->clear();
  char chunk[8192];
  for (ssize_t got = 0; (got = ::read(file.get(), chunk, sizeof chunk)) > 0;) {
    text->append(chunk, static_cast<std::size_t>(got));
  }
  return !text->empty();
}

std::optional<std::uint64_t> oom_kills(const std::string& path) {
  std::string text;
  if (!read_file(path, &text)) return std::nullopt;
  constexpr std::string_view key = "\noom_kill ";
  text.insert(0, 1, '\n');
  const std::size_t at = text.find(key);
  if (at == text.npos) return std::nullopt;
  std::uint64_t count = 0;
  std::from_chars(text.data() + at + key.size(), text.data() + text.size(), count);
  return count;
}

// Lines of /proc/self/cgroup: "4:memory:/a" for the old kind of cgroups, "0::/a" for the new. The
// counter of the old kind is of one cgroup without those below; that of the machine is better where
// we are at the root, which jobs can only leave downwards.
std::string find_counter() {
  std::string text;
  read_file("/proc/self/cgroup", &text);
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t kind = line.find(':') + 1;
    const std::size_t path = line.find(':', kind) + 1;
    if (kind == 0 || path == 0) continue;
    const std::string_view controllers = line.substr(kind, path - kind - 1);
    const std::string group(line.substr(path));
    if (group == "/") continue;
    std::string file;
    if (controllers == "memory") file = "/sys/fs/cgroup/memory" + group + "/memory.oom_control";
    if (controllers.empty()) file = "/sys/fs/cgroup" + group + "/memory.events";
    if (!file.empty() && oom_kills(file)) return file;
  }
  return oom_kills("/proc/vmstat") ? "/proc/vmstat" : "";
}

}  // namespace

void OomWatch::begin() {
  if (!readings_.empty()) return;
  path_ = find_counter();
  readings_.push_back({monotonic_ns(), read().value_or(0)});
}

std::optional<std::uint64_t> OomWatch::read() const {
  return path_.empty() ? std::nullopt : oom_kills(path_);
}

bool OomWatch::killed_within(std::uint64_t span_ns) {
  const std::optional<std::uint64_t> count = read();
  if (!count || readings_.empty()) return false;
  const std::uint64_t now = monotonic_ns();
  std::uint64_t before = readings_.front().count;
  for (const Reading& reading : readings_) {
    if (reading.at_ns + span_ns <= now) before = reading.count;
  }
  if (readings_.size() == kMostReadings) readings_.erase(readings_.begin());
  readings_.push_back({now, *count});
  return *count > before;
}

}  // namespace enjoin
