#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <unistd.h>

#include <sys/prctl.h>

#include "enjoin/error.h"
#include "worker/job_init.h"
#include "worker/keeper.h"
#include "worker/privilege.h"
#include "worker/term_safe.h"
#include "worker/worker.h"
#include "worker/worker_main.h"

namespace enjoin {
namespace {

constexpr char kWorkerName[] = "enjoin-worker";  // as long as the keeper's

KeeperStart keeper_start_from(int argc, char** argv) {
  KeeperStart start;
  bool good = argc >= 4;
  const auto read = [&good](const char* word, int* number) {
    const char* const end = word + std::strlen(word);
    good = std::from_chars(word, end, *number).ptr == end && end != word;
  };
  if (good) read(argv[1], &start.socket);
  if (good) read(argv[2], &start.worker_group);
  if (good) read(argv[3], &start.held);
  if (!good) throw Error("this program is started by enjoin, not by hand");
  start.temp_names.assign(argv + 4, argv + argc);
  return start;
}

// What `ps` shows of a process that became a worker without an exec: its number.
void show_worker(std::uint32_t number, int argc, char** argv) {
  ::prctl(PR_SET_NAME, kWorkerName);
  if (std::strlen(argv[0]) == sizeof kWorkerName - 1) {
    std::memcpy(argv[0], kWorkerName, sizeof kWorkerName);
  }
  for (int i = 1; i < argc; ++i) std::memset(argv[i], 0, std::strlen(argv[i]));
  std::to_chars(argv[1], argv[1] + 10, number);  // the link gave it that much room
}

}  // namespace

int worker_program(int argc, char** argv) {
  // After exec, for exec makes a process open to its owner again: jobs of the same user must not
  // reach our memory and descriptors through /proc.
  ::prctl(PR_SET_DUMPABLE, 0);
  std::string complaint;
  try {
    if (is_job_init(argc, argv)) return job_init(argv);
    if (const char* const reason = reason_to_refuse(Privilege::of_process())) throw Error(reason);
    Keeper keeper(keeper_start_from(argc, argv));
    ::prctl(PR_SET_NAME, kKeeperName);
    WorkerStart start;
    if (keeper.run(&start) == Keeper::Role::kKeeper) return 0;
    show_worker(start.id.number + 1, argc, argv);
    Worker worker(start);
    return worker.run();
  } catch (const ipc::DamagedMemory&) {
    return kWorkerSawDamage;
  } catch (const std::exception& error) {
    complaint = term_safe_lines(std::string("enjoin-worker: ") + error.what()) + '\n';
  }
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, complaint.data(), complaint.size());
  return 255;
}

}  // namespace enjoin
