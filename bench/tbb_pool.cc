// A pool of threads that many use: oneTBB, each int -> int a task of its own (grain 1, simple
// partitioner), results collected by place. Two threads, the caller one of them.
//
//   tbb_pool JOBS
//
// Prints jobs a second as JSON. In one process: nothing is copied, nothing survives a crash.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

namespace {

__attribute__((noinline)) int add_one(int x) {
  return x + 1;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 2 ? std::atoi(argv[1]) : 0;
  if (count <= 0) {
    std::fputs("usage: tbb_pool JOBS\n", stderr);
    return 2;
  }
  const tbb::global_control two(tbb::global_control::max_allowed_parallelism, 2);
  std::vector<int> results(static_cast<std::size_t>(count));
  const auto run = [&](int jobs) {
    tbb::parallel_for(
        tbb::blocked_range<int>(0, jobs, 1),
        [&](const tbb::blocked_range<int>& part) {
          for (int i = part.begin(); i < part.end(); ++i) {
            results[static_cast<std::size_t>(i)] = add_one(i);
          }
        },
        tbb::simple_partitioner());
  };
  run(count < 100 ? count : 100);
  const auto begin = std::chrono::steady_clock::now();
  run(count);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (results.back() != count) return 1;
  std::printf("{\"seconds\": %.6f, \"jobs_per_second\": %.0f}\n", took.count(),
              count / took.count());
}
