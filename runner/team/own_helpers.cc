#include "runner/team/own_helpers.h"

#include <algorithm>
#include <vector>

#include <sys/wait.h>

namespace enjoin {
namespace {

std::vector<pid_t> noted;

bool is_child(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

void note_own_helper(pid_t pid) {
  std::erase_if(noted, [](pid_t other) { return !is_child(other); });
  noted.push_back(pid);
}

bool is_own_helper(pid_t pid) {
  return std::find(noted.begin(), noted.end(), pid) != noted.end();
}

}  // namespace enjoin
