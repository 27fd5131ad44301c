#include "runner/mechanisms.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <boost/version.hpp>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "ipc/segment.h"
#include "ipc/unique_fd.h"
#include "runner/team/worker_process.h"
#include "worker/cpu_quota.h"
#include "worker/isolation.h"
#include "worker/shell_choice.h"

namespace enjoin {
namespace {

std::string yes_or(bool works, const char* otherwise) {
  return works ? "yes" : otherwise;
}

bool has_pidfd_wait() {
  const ipc::UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self) return false;
  // Not a child of its own: a kernel that knows P_PIDFD says ECHILD, others EINVAL.
  siginfo_t info{};
  return ::waitid(static_cast<idtype_t>(3), static_cast<id_t>(self.get()), &info,
                  WEXITED | WNOHANG) != 0 &&
         errno == ECHILD;
}

bool has_tmpfile(const char* folder) {
  return static_cast<bool>(ipc::UniqueFd(::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)));
}

}  // namespace

std::string describe_mechanisms() {
  utsname system{};
  ::uname(&system);
  const char* chosen = std::getenv("TMPDIR");
  const char* folder = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
  std::string text = fmt::format("enjoin {}\n", ENJOIN_VERSION);
  const auto line = [&text](const char* name, const std::string& value) {
    text += fmt::format("  {:<28} {}\n", name, value);
  };
  line("compiler", __VERSION__);
  line("Boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                            BOOST_VERSION % 100));
  line("kernel", fmt::format("{} (5.4 or later is needed)", system.release));
  line("usable CPUs", std::to_string(usable_cpus()));
  line("worker program", WorkerExecutable().path());
  line("shell", choose_shell());
  line("memfd with seals", yes_or(static_cast<bool>(ipc::UniqueFd(::memfd_create(
                                      "enjoin-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING))),
                                  "no: enjoin cannot run"));
  line("read-only job table (seal)",
       yes_or(ipc::has_future_write_seal(), "no: workers map it read-only themselves"));
  line("pidfd and waitid(P_PIDFD)", yes_or(has_pidfd_wait(), "no: enjoin cannot run"));
  line("unnamed output files",
       yes_or(has_tmpfile(folder), "no: made and unlinked") + fmt::format(" ({})", folder));
  line("list of children in /proc",
       yes_or(::access("/proc/self/task", R_OK) == 0, "no: leftovers cannot be found"));
  line("pid namespaces (--isolate)", describe_isolation());
  return text;
}

}  // namespace enjoin
