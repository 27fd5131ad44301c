#include "support/death.h"

#include <fstream>
#include <poll.h>
#include <stdexcept>

namespace enjoin::test {
namespace {

std::vector<pid_t> children_of(pid_t parent, const std::string& name) {
  const std::string number = std::to_string(parent);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  std::vector<pid_t> found;
  for (pid_t pid = 0; file >> pid;) {
    std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
    std::string called;
    std::getline(comm, called);
    if (called == name) found.push_back(pid);
  }
  return found;
}

}  // namespace

RunTree RunTree::of(pid_t supervisor, std::size_t workers) {
  constexpr int kGuardTurns = 6'000;  // a minute
  for (int turn = 0; turn < kGuardTurns; ++turn) {
    const std::vector<pid_t> keepers = children_of(supervisor, "enjoin-keeper");
    if (keepers.size() == 1) {
      RunTree tree{supervisor, keepers[0], children_of(keepers[0], "enjoin-worker")};
      if (tree.workers.size() >= workers) return tree;
    }
    ::poll(nullptr, 0, 10);
  }
  throw std::runtime_error("there are no workers");
}

void Victims::kill(const RunTree& tree) const {
  std::vector<pid_t> pids;
  if (group) pids.push_back(-tree.supervisor);
  if (supervisor) pids.push_back(tree.supervisor);
  if (keeper) pids.push_back(tree.keeper);
  if (workers) pids.insert(pids.end(), tree.workers.begin(), tree.workers.end());
  for (const int number : {SIGSTOP, SIGKILL}) {
    for (const pid_t pid : pids) ::kill(pid, number);
  }
}

}  // namespace enjoin::test
