#include "runner/team/process_sight.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "ipc/unique_fd.h"

namespace enjoin {
namespace {

// False: there is no such file.
bool read_text(const std::string& path, std::string* text) {
  const ipc::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  char bytes[4096];
  text->clear();
  for (ssize_t got = 0; (got = ::read(file.get(), bytes, sizeof bytes)) > 0;) {
    text->append(bytes, static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace

std::optional<ProcessSight> see_process(pid_t pid) {
  std::string text;
  if (!read_text("/proc/" + std::to_string(pid) + "/stat", &text)) return std::nullopt;
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  ProcessSight sight;
  unsigned long long user = 0;
  unsigned long long system = 0;
  const int read = std::sscanf(text.c_str() + name_end + 1,
                               " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
                               &sight.state, &user, &system);
  if (read != 3) return std::nullopt;
  sight.cpu_ticks = user + system;
  return sight;
}

bool has_living_child(pid_t pid) {
  const std::string number = std::to_string(pid);
  std::string text;
  if (!read_text("/proc/" + number + "/task/" + number + "/children", &text)) {
    return see_process(pid).has_value();  // a kernel without this file
  }
  char* at = text.data();
  for (char* end = nullptr;; at = end) {
    const long child = std::strtol(at, &end, 10);
    if (end == at) return false;
    const std::optional<ProcessSight> sight = see_process(static_cast<pid_t>(child));
    if (sight && sight->state != 'Z' && sight->state != 'X') return true;
  }
}

}  // namespace enjoin
