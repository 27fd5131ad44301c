#include <cerrno>
#include <cstring>
#include <string>
#include <unistd.h>

#include <sys/prctl.h>

#include "enjoin/error.h"
#include "worker/worker.h"
#include "worker/worker_main.h"

namespace enjoin {

int worker_program(int argc, char** argv) {
  // After exec, for exec makes a process open to its owner again: jobs of the same user must not
  // reach our memory and descriptors through /proc.
  ::prctl(PR_SET_DUMPABLE, 0);
  std::string complaint;
  try {
    if (argc != 2) throw Error("this program is started by enjoin, not by hand");
    Worker worker(worker_start_from(argv[1]));
    worker.run();
    return 0;
  } catch (const std::exception& error) {
    complaint = std::string("enjoin-worker: ") + error.what() + '\n';
  }
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, complaint.data(), complaint.size());
  return 255;
}

}  // namespace enjoin
