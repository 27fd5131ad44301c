#include <cstdlib>
#include <fcntl.h>
#include <string_view>

#include <sys/prctl.h>

#include "ipc/unique_fd.h"
#include "runner/serve/serve.h"
#include "worker/worker_main.h"

// enjoin-executor: the process that a host of the library has beside it. Not for people.
int main(int argc, char** argv) {
  std::string_view called = argc > 0 ? argv[0] : "";
  called.remove_prefix(called.rfind('/') + 1);
  if (called == enjoin::kKeeperName) return enjoin::worker_program(argc, argv);
  const int socket = argc == 2 ? std::atoi(argv[1]) : -1;
  if (socket < 3 || ::fcntl(socket, F_SETFD, FD_CLOEXEC) != 0) return 255;
  ::prctl(PR_SET_DUMPABLE, 0);  // jobs of the same user must not reach our memory and descriptors
  return enjoin::serve(enjoin::ipc::UniqueFd(socket));
}
