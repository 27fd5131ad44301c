// A host with a heap of ARGV[1] MiB, of which ARGV[2] are dirty, and 100 threads: has an Executor
// and a Pool of processes started several times, before there is all that and after, and prints
// what one start with one job took (the best of them).

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>

#include "enjoin/executor.h"
#include "enjoin/pool.h"

namespace {

constexpr int kThreads = 100;
constexpr int kStarts = 5;
constexpr int kNoMemory = 77;

int twice(int x) {
  return 2 * x;
}
ENJOIN_FUNCTION(twice);

void start_executor() {
  enjoin::Executor executor({.cpus = 2});
  enjoin::Command job;
  job.argv = {"true"};
  executor.add(job);
  if (!executor.wait_all()) throw enjoin::Error("a job did not succeed");
}

void start_pool() {
  enjoin::Pool pool({.size = 2});
  if (pool.submit(twice, 4).get() != 8) throw enjoin::Error("a wrong result");
}

double best_ms(void (*start)()) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int count = 0; count < kStarts; ++count) {
    const Clock::time_point began = Clock::now();
    start();
    best = std::min(best, std::chrono::duration<double, std::milli>(Clock::now() - began).count());
  }
  return best;
}

void measure(const char* host) {
  const double executor = best_ms(start_executor);
  const double pool = best_ms(start_pool);
  std::printf("%s host: an executor and a job %.2f ms, a pool and a job %.2f ms\n", host, executor,
              pool);
}

bool make_heap(std::size_t size, std::size_t dirty) {
  void* const heap = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (heap == MAP_FAILED) return false;
  ::madvise(heap, size, MADV_NOHUGEPAGE);  // many page tables, as a heap that grew bit by bit has
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (std::size_t at = 0; at < std::min(dirty, size); at += page) {
    static_cast<volatile char*>(heap)[at] = 1;
  }
  return true;
}

/// They wait, and end with this object.
class IdleThreads {
 public:
  IdleThreads() {
    for (int count = 0; count < kThreads; ++count) {
      threads_.emplace_back([this] {
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [this] { return end_; });
      });
    }
  }
  ~IdleThreads() {
    {
      const std::lock_guard lock(mutex_);
      end_ = true;
    }
    ended_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  IdleThreads(const IdleThreads&) = delete;
  IdleThreads& operator=(const IdleThreads&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

int main(int argc, char** argv) {
  enjoin::worker_main(argc, argv);
  if (argc != 3) return 2;
  const auto mebibytes = [](const char* text) {
    return static_cast<std::size_t>(std::strtoull(text, nullptr, 10)) << 20;
  };
  try {
    measure("small");
    if (!make_heap(mebibytes(argv[1]), mebibytes(argv[2]))) return kNoMemory;
    const IdleThreads idle;
    measure("big");
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return 0;
}
