// A Pool of functions, as library_pool.py holds it against others.
//
//   function_pool map PLACEMENT JOBS               int -> int on two workers, results collected
//   function_pool futures PLACEMENT JOBS           the same with a Future each
//   function_pool roundtrip PLACEMENT one|two ROUNDS   one worker, one call at a time; one: all on
//                                                  one core; two: on any of two
//   function_pool start PLACEMENT WORKERS [fork]   made, one call each, joined
//   function_pool wait PLACEMENT WORKERS JOBS      calls that wait a millisecond each
//   function_pool compute PLACEMENT WORKERS JOBS   calls that compute about 0.4 ms each
//   function_pool allocate PLACEMENT WORKERS JOBS  calls that allocate and free all the time
//   function_pool kill processes JOBS              one call in the middle kills its worker
//   function_pool large PLACEMENT JOBS             1 MB there, 1 MB back
//
// PLACEMENT: processes or threads. Prints JSON: seconds, jobs a second, and for `kill` how many
// calls failed, how many results were wrong, and the longest time without a result, in seconds.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <thread>

#include "bench/pin.h"
#include "enjoin/pool.h"

namespace {

using Clock = std::chrono::steady_clock;

int add_one(int x) {
  return x + 1;
}
void wait_a_millisecond(int) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}
std::uint64_t compute(int seed) {
  std::uint64_t x = static_cast<std::uint64_t>(seed) + 1;
  for (int i = 0; i < 400'000; ++i) x = x * 6364136223846793005ULL + (x >> 33);
  return x;
}
std::uint64_t allocate(int seed) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 4000; ++i) {
    const std::size_t length = 40 + (static_cast<std::size_t>(seed) + i) % 200;
    const std::vector<std::string> words(8, std::string(length, 'x'));
    sum += words[i % 8].size();
  }
  return sum;
}
int kill_at(int x, int where) {
  if (x == where) std::raise(SIGKILL);
  const Clock::time_point until = Clock::now() + std::chrono::microseconds(10);
  while (Clock::now() < until) {
  }
  return x + 1;
}
std::vector<char> give_back(std::vector<char> bytes) {
  return bytes;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void report(double seconds, double jobs) {
  std::printf("{\"seconds\": %.6f, \"jobs_per_second\": %.0f}\n", seconds, jobs / seconds);
}

void expect(bool good) {
  if (good) return;
  std::fputs("function_pool: wrong results\n", stderr);
  std::exit(1);
}

std::vector<int> numbers(std::size_t count) {
  std::vector<int> made(count);
  std::iota(made.begin(), made.end(), 0);
  return made;
}

void run_map(enjoin::Pool& pool, std::size_t count, bool futures) {
  const std::vector<int> inputs = numbers(count);
  (void)pool.map<add_one>(numbers(100));  // both workers are there
  const Clock::time_point begin = Clock::now();
  std::vector<int> results;
  if (futures) {
    results.reserve(count);
    for (auto& future : pool.submit_each<add_one>(inputs)) results.push_back(future.get());
  } else {
    results = pool.map<add_one>(inputs);
  }
  const double seconds = seconds_since(begin);
  for (std::size_t i = 0; i < count; ++i) expect(results[i] == static_cast<int>(i) + 1);
  report(seconds, static_cast<double>(count));
}

void run_roundtrip(enjoin::Pool& pool, int rounds) {
  for (int i = 0; i < 100; ++i) expect(pool.submit<add_one>(i).get() == i + 1);
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < rounds; ++i) expect(pool.submit<add_one>(i).get() == i + 1);
  report(seconds_since(begin), rounds);
}

template <auto F>
void run_all(enjoin::Pool& pool, std::size_t count) {
  const std::vector<int> inputs = numbers(count);
  const std::vector<int> warm(pool.size());
  for (auto& future : pool.submit_each<F>(warm)) future.get();
  const Clock::time_point begin = Clock::now();
  for (auto& future : pool.submit_each<F>(inputs)) future.get();
  report(seconds_since(begin), static_cast<double>(count));
}

void run_kill(enjoin::Pool& pool, int count) {
  (void)pool.map<add_one>(numbers(100));
  std::vector<enjoin::Future<int>> futures;
  for (int x = 0; x < count; ++x) futures.push_back(pool.submit<kill_at>(x, count / 2));
  Clock::time_point last = Clock::now();
  Clock::duration usual{};
  Clock::duration longest{};
  int died = 0;
  int wrong = 0;
  for (int x = 0; x < count; ++x) {
    try {
      if (futures[static_cast<std::size_t>(x)].get() != x + 1) ++wrong;
    } catch (const enjoin::WorkerDied& e) {
      if (e.signal() == SIGKILL && x == count / 2) ++died;
    }
    const Clock::time_point now = Clock::now();
    Clock::duration& gap = x < count / 3 ? usual : longest;
    gap = std::max(gap, now - last);
    last = now;
  }
  const auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  std::printf("{\"failed\": %d, \"wrong\": %d, \"usual\": %.6f, \"stall\": %.6f}\n", died, wrong,
              seconds(usual), seconds(longest));
}

int usage() {
  std::fputs("usage: function_pool KIND processes|threads NUMBERS…, see the source\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  enjoin::worker_main(argc, argv);
  if (argc < 4) return usage();
  const std::string kind = argv[1];
  const enjoin::Workers workers = std::strcmp(argv[2], "threads") == 0
                                      ? enjoin::Workers::kThreads
                                      : enjoin::Workers::kProcesses;
  const auto number = [&](int at) { return argc > at ? std::strtoul(argv[at], nullptr, 10) : 0; };
  enjoin::PoolOptions options{.workers = workers, .size = 2};
  if (kind == "map" || kind == "futures") {
    enjoin::Pool pool(options);
    run_map(pool, number(3), kind == "futures");
  } else if (kind == "roundtrip" && argc == 5) {
    if (std::strcmp(argv[3], "one") == 0) bench::pin_to(0);
    options.size = 1;
    enjoin::Pool pool(options);
    run_roundtrip(pool, static_cast<int>(number(4)));
  } else if (kind == "start") {
    options.size = static_cast<std::uint32_t>(number(3));
    if (argc > 4) options.start = enjoin::Start::kFork;
    const Clock::time_point begin = Clock::now();
    {
      enjoin::Pool pool(options);
      for (auto& future : pool.submit_each<add_one>(numbers(options.size))) future.get();
      pool.join();
    }
    report(seconds_since(begin), options.size);
  } else if (kind == "kill") {
    enjoin::Pool pool(options);
    run_kill(pool, static_cast<int>(number(3)));
  } else if (kind == "large") {
    enjoin::Pool pool(options);
    const std::vector<std::vector<char>> inputs(number(3), std::vector<char>(1'000'000, 'x'));
    const Clock::time_point begin = Clock::now();
    for (const auto& back : pool.imap<give_back>(inputs, 16)) expect(back.size() == 1'000'000);
    report(seconds_since(begin), static_cast<double>(inputs.size()));
  } else if (argc == 5) {
    options.size = static_cast<std::uint32_t>(number(3));
    enjoin::Pool pool(options);
    if (kind == "wait") run_all<wait_a_millisecond>(pool, number(4));
    if (kind == "compute") run_all<compute>(pool, number(4));
    if (kind == "allocate") run_all<allocate>(pool, number(4));
  } else {
    return usage();
  }
  return 0;
}
