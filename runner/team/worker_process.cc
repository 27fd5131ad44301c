#include "runner/team/worker_process.h"

#include <climits>
#include <cstdlib>
#include <unistd.h>

#include <sys/auxv.h>
#include <sys/socket.h>

#include "worker/worker_exit.h"

namespace enjoin {
namespace {

std::string own_executable() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size > 0) return {path, static_cast<std::size_t>(size)};
  const auto* name = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));  // no /proc
  return name != nullptr ? name : "enjoin";
}

bool executable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

WorkerExecutable::WorkerExecutable() {
  if (const char* chosen = std::getenv("ENJOIN_WORKER"); chosen != nullptr && *chosen != '\0') {
    path_ = chosen;
    return;
  }
  const std::string self = own_executable();
  const std::string folder = self.substr(0, self.rfind('/') + 1);
  for (const char* place : {"../libexec/enjoin/enjoin-worker", "enjoin-worker"}) {
    if (executable(folder + place)) {
      path_ = folder + place;
      return;
    }
  }
  path_ = self;
}

WorkerEnd end_of(const KeeperAnswer& answer) {
  if (answer.ended_well()) return WorkerEnd::kLeft;
  const bool condemned =
      answer.signaled == 0 && (answer.code == kWorkerCondemned || answer.code == kWorkerSawDamage);
  return condemned ? WorkerEnd::kCondemned : WorkerEnd::kDied;
}

void WorkerProcess::wake() const {
  const char byte = 1;
  ::send(socket.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace enjoin
