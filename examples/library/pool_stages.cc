// The end of docs/library/guide.md: a pool whose second step waits for the first, a failure that
// harms one job only, and a worker that dies.

#include <csignal>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "enjoin/pool.h"

static int square(int x) {
  return x * x;
}
ENJOIN_FUNCTION(square);

static std::string describe(int x) {
  if (x == 4) std::raise(SIGKILL);  // as the kernel does it when memory is short
  return "it was " + std::to_string(x);
}
ENJOIN_FUNCTION(describe);

int main(int argc, char** argv) {
  enjoin::worker_main(argc, argv);  // first: workers are this program, run again
  enjoin::Pool pool({.workers = enjoin::Workers::kProcesses, .size = 2});

  const std::vector<int> squares = pool.map(square, std::vector{1, 2, 3});  // joined: all are there
  std::printf("sum: %d\n", std::accumulate(squares.begin(), squares.end(), 0));

  for (auto& text : pool.submit_each(describe, squares)) {
    try {
      std::printf("%s\n", text.get().c_str());
    } catch (const enjoin::WorkerDied&) {
      std::printf("one job died; the pool goes on\n");
    }
  }
}
