// A plug-in that has a pool of processes: its host knows nothing of enjoin, so its workers are a
// program of the plug-in's own, which loads it as well (pool_plugin_worker.cc).

#include <numeric>
#include <vector>

#include "enjoin/pool.h"

namespace {

int square(int x) {
  return x * x;
}
ENJOIN_FUNCTION(square);

}  // namespace

/// The sum of the squares of 0 … count - 1.
extern "C" long plugin_sum(const char* worker_program, int count) {
  enjoin::Pool pool({.size = 2, .worker_program = worker_program});
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return pool.reduce(std::plus<long>(), square, numbers, 0L);
}

extern "C" void plugin_worker_main(int argc, char** argv) {
  enjoin::worker_main(argc, argv);
}
