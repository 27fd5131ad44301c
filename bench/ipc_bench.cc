// Micro-benchmarks of what a job's way is made of: lock, queue, result record, wake-up.
// Run build/release/bench/ipc_bench; --benchmark_filter=queue and so on, see --help.
#include <pthread.h>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include "bench/echo_team.h"
#include "bench/pin.h"
#include "ipc/robust_mutex.h"

namespace {

using namespace enjoin::ipc;

/// A page that a child would share, as all locks and queues here are.
void* shared_page() {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) bench::die("mmap");
  return page;
}

void lock_robust(benchmark::State& state) {
  auto* storage = static_cast<LockStorage*>(shared_page());
  RobustMutex::initialise(*storage);
  RobustMutex lock(*storage);
  for (auto _ : state) {
    lock.lock();
    lock.unlock();
  }
  munmap(storage, 4096);
}
BENCHMARK(lock_robust);

// What being robust costs: the same mutex without it.
void lock_plain(benchmark::State& state) {
  auto* mutex = static_cast<pthread_mutex_t*>(shared_page());
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(mutex, &attributes);
  for (auto _ : state) {
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
  }
  munmap(mutex, 4096);
}
BENCHMARK(lock_plain);

/// Publish, claim, start, release and reclaim `range(0)` jobs, all in one process: the work of both
/// ends with no cache line on its way between them.
void queue_one_process(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const TeamMemory memory = TeamMemory::create({.slots = 1024, .workers = 1});
  ClaimPublisher publisher(memory);
  ClaimQueue queue(memory, WorkerId{0, 1});
  const std::string_view payload =
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  std::vector<std::uint64_t> positions(batch);
  NewJob job;
  job.payload = payload;
  for (auto _ : state) {
    std::uint64_t ticket = 0;
    for (std::size_t i = 0; i < batch; ++i) {
      if (publisher.try_publish(job, 0, &ticket) != PublishAnswer::kOk) std::abort();
    }
    std::uint64_t left = 0;
    const std::size_t count = queue.claim(positions, &left);
    for (std::size_t i = 0; i < count; ++i) {
      if (queue.try_start(positions[i])) queue.release(positions[i]);
    }
    publisher.reclaim([](std::uint32_t, std::uint64_t, std::uint64_t) {});
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(queue_one_process)->Arg(1)->Arg(8)->Arg(64)->Arg(256);

/// One worker, one job under way: both sides sleep in between. range(0): cores.
void wake_up_round_trip(benchmark::State& state) {
  cpu_set_t before;
  sched_getaffinity(0, sizeof before, &before);
  const bool two_cores = state.range(0) == 2;
  {
    bench::EchoTeam team(1, 64, 16);
    team.start([&](std::uint32_t) { bench::pin_to(two_cores ? 1 : 0); });
    bench::pin_to(0);
    std::uint64_t id = 0;
    for (auto _ : state) {
      if (!team.try_submit(id++, 0)) std::abort();
      team.wake(1);
      while (team.take([](std::uint64_t) {}) == 0) team.wait_for_result();
    }
    team.finish();
  }
  sched_setaffinity(0, sizeof before, &before);
}
BENCHMARK(wake_up_round_trip)->Arg(1)->Arg(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
