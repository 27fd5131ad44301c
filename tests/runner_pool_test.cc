// What a Pool promises in either placement, with the workers of a pool of processes played by
// threads on the same memory (tests/support/thread_workers.h), so that nothing is started and
// ThreadSanitizer sees all. Real processes: library_pool_process_test.cc.

#include <algorithm>
#include <atomic>
#include <functional>
#include <numeric>
#include <poll.h>
#include <stdexcept>

#include <doctest/doctest.h>

#include "enjoin/pool.h"
#include "runner/pool/process_pool.h"
#include "runner/pool/thread_pool.h"
#include "support/thread_workers.h"

using namespace enjoin;

namespace {

int square(int x) {
  return x * x;
}
ENJOIN_FUNCTION(square);

long sum_of(const std::vector<long>& values) {
  return std::accumulate(values.begin(), values.end(), 0L);
}
std::vector<int> count_to(int n) {
  std::vector<int> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  return values;
}
std::string join_words(std::string_view a, const std::string& b, char between) {
  return std::string(a) + between + b;
}
int throw_range(int x) {
  if (x % 10 == 3) throw std::out_of_range("no " + std::to_string(x));
  return x;
}
int throw_number(int x) {
  throw x;
}

std::atomic<int> gate{0};
std::atomic<int> calls{0};
void wait_for_gate(int at_least) {
  ++calls;
  while (gate.load() < at_least) std::this_thread::yield();
}
void touch(double) {}

int die_at(int x, int where) {
  if (x == where) test::ThreadWorkers::die(11);
  return x + 1;
}
std::atomic<int> deaths_left{0};
int die_sometimes(int x) {
  if (x == 7 && deaths_left.fetch_sub(1) > 0) test::ThreadWorkers::die(9);
  return x;
}

struct Placement {
  const char* name;
  detail::PoolCore* (*make)(const PoolOptions&);
};
const Placement kPlacements[] = {
    {"threads", [](const PoolOptions& o) -> detail::PoolCore* { return new ThreadPool(o); }},
    {"processes",
     [](const PoolOptions& o) -> detail::PoolCore* {
       return new ProcessPool(o, &test::ThreadWorkers::make);
     }},
};

template <typename Body>
void in_each(const PoolOptions& options, Body&& body) {
  for (const Placement& placement : kPlacements) {
    CAPTURE(placement.name);
    Pool pool(placement.make(options));
    body(pool);
  }
}
template <typename Body>
void in_processes(const PoolOptions& options, Body&& body) {
  Pool pool(kPlacements[1].make(options));
  body(pool);
}

}  // namespace

TEST_CASE("pool: a call's result comes back") {
  in_each({.size = 2}, [](Pool& pool) {
    CHECK(pool.submit(square, 5).get() == 25);
    CHECK(pool.submit<square>(6L).get() == 36);
    CHECK(pool.submit<join_words>("left", "right", '-').get() == "left-right");
    CHECK(pool.submit([](int a, int b) { return a + b; }, 1, 2).get() == 3);
    CHECK(pool.submit([](auto a) { return a * 2; }, 1.5).get() == 3.0);
    pool.submit<touch>(1).get();
  });
}

TEST_CASE("pool: arguments and results of any size travel") {
  in_each({.size = 2}, [](Pool& pool) {
    for (const int size : {0, 1, 15, 16, 17, 1000, 5000, 100'000, 3'000'000}) {
      CAPTURE(size);
      const std::vector<long> values(static_cast<std::size_t>(size), 3);
      CHECK(pool.submit<sum_of>(values).get() == 3L * size);
      const std::vector<int> counted = pool.submit<count_to>(size).get();
      CHECK(counted.size() == static_cast<std::size_t>(size));
      if (size > 0) CHECK(counted.back() == size - 1);
    }
  });
}

TEST_CASE("pool: map gives results in the order of the inputs") {
  in_each({.size = 2}, [](Pool& pool) {
    std::vector<int> inputs(30'000);
    std::iota(inputs.begin(), inputs.end(), 0);
    const std::vector<int> results = pool.map(square, inputs);
    REQUIRE(results.size() == inputs.size());
    for (int i = 0; i < 30'000; ++i) REQUIRE(results[static_cast<std::size_t>(i)] == i * i);
    CHECK(pool.map(square, std::vector<int>{}).empty());
    pool.map<touch>(std::vector<double>{1, 2, 3});
  });
}

TEST_CASE("pool: more calls than the queue holds wait in the host") {
  in_each({.size = 2}, [](Pool& pool) {
    std::vector<int> inputs(50'000);
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] = static_cast<int>(i % 1000);
    std::vector<Future<int>> futures = pool.submit_each(square, inputs);
    long sum = 0;
    for (Future<int>& future : futures) sum += future.get() % 1000;
    CHECK(sum > 0);
    CHECK(pool.pending() == 0);
  });
}

TEST_CASE("pool: large inputs are not all on their way at once") {
  in_processes({.size = 2}, [](Pool& pool) {
    std::uint64_t most = 0;
    int made = 0;
    const auto same = [](std::string text) { return text; };
    for (const std::string& back :
         pool.imap(same, std::vector<std::string>(200, std::string(2'000'000, 'x')))) {
      REQUIRE(back.size() == 2'000'000);
      most = std::max(most, pool.pending());
      ++made;
    }
    CHECK(made == 200);
    CHECK(most < 60);
  });
}

TEST_CASE("pool: imap gives results in order, imap_unordered all of them once") {
  in_each({.size = 2}, [](Pool& pool) {
    int next = 0;
    for (const int y : pool.imap(square, std::vector{0, 1, 2, 3, 4}, 2)) {
      CHECK(y == next * next);
      ++next;
    }
    CHECK(next == 5);
    std::vector<int> seen(2000);
    std::vector<int> inputs(2000);
    std::iota(inputs.begin(), inputs.end(), 0);
    for (auto& [index, y] : pool.imap_unordered(square, inputs, 100)) {
      CHECK(y == static_cast<int>(index * index));
      ++seen[index];
    }
    CHECK(std::count(seen.begin(), seen.end(), 1) == 2000);
  });
}

TEST_CASE("pool: a stream that is left early takes back what has not started") {
  in_each({.size = 2}, [](Pool& pool) {
    std::vector<int> inputs(1000, 2);
    for (const int y : pool.imap(square, inputs)) {
      CHECK(y == 4);
      break;
    }
    for (auto& [index, y] : pool.imap_unordered(square, inputs)) {
      CHECK(y == 4);
      break;
    }
    CHECK(pool.submit(square, 3).get() == 9);
  });
}

TEST_CASE("pool: reduce joins in the order of the inputs") {
  in_each({.size = 2}, [](Pool& pool) {
    const auto text = [](int x) { return std::to_string(x); };
    const auto join = [](std::string all, const std::string& one) { return all + one; };
    CHECK(pool.reduce(join, text, std::vector{1, 2, 3, 4}, std::string("0")) == "01234");
  });
}

TEST_CASE("pool: what a function throws comes back with type and text") {
  in_each({.size = 2}, [](Pool& pool) {
    try {
      pool.submit<throw_range>(3).get();
      FAIL("nothing was thrown");
    } catch (const RemoteError& e) {
      CHECK(e.type() == "std::out_of_range");
      CHECK(std::string(e.what()) == "no 3");
    }
    CHECK_THROWS_AS(pool.submit<throw_number>(1).get(), RemoteError);
    CHECK(pool.submit<throw_range>(4).get() == 4);
    std::vector<int> inputs(100);
    std::iota(inputs.begin(), inputs.end(), 0);
    CHECK_THROWS_WITH_AS(pool.map<throw_range>(inputs), "no 3", RemoteError);
    auto stream = pool.imap<throw_range>(inputs);
    int good = 0;
    int bad = 0;
    for (int i = 0; i < 100; ++i) {
      try {
        good += stream.next().has_value() ? 1 : 0;
      } catch (const RemoteError&) {
        ++bad;
      }
    }
    CHECK(good == 90);
    CHECK(bad == 10);
    CHECK_FALSE(stream.next().has_value());
  });
}

TEST_CASE("pool: what waits can be cancelled") {
  in_each({.size = 1}, [](Pool& pool) {
    gate = 0;
    calls = 0;
    Future<void> running = pool.submit<wait_for_gate>(1);
    while (calls.load() == 0) pool.step();
    Future<void> waiting = pool.submit<wait_for_gate>(1);
    CHECK(waiting.cancel());
    CHECK_FALSE(waiting.cancel());
    CHECK_THROWS_AS(waiting.get(), JobCanceled);
    CHECK_FALSE(running.ready());
    CHECK_FALSE(running.wait_for(std::chrono::milliseconds(1)));
    gate = 1;
    running.get();
    CHECK(calls.load() == 1);
  });
}

TEST_CASE("pool: fd is readable when something has ended, step takes it") {
  in_each({.size = 2}, [](Pool& pool) {
    const int fd = pool.fd();
    for (int i = 0; i < 20; ++i) {
      Future<int> future = pool.submit(square, i);
      std::size_t ended = 0;
      while (ended == 0) {
        pollfd poll{fd, POLLIN, 0};
        REQUIRE(::poll(&poll, 1, 20'000) == 1);
        ended += pool.step();
      }
      CHECK(ended == 1);
      CHECK(future.get() == i * i);
    }
  });
}

TEST_CASE("pool: several threads submit and wait at once") {
  in_each({.size = 2}, [](Pool& pool) {
    std::atomic<long> sum{0};
    std::vector<std::thread> hosts;
    for (int t = 0; t < 4; ++t) {
      hosts.emplace_back([&pool, &sum] {
        for (int i = 0; i < 200; ++i) sum += pool.submit(square, 2).get();
        for (const int y : pool.map(square, std::vector<int>(500, 3))) sum += y;
      });
    }
    for (std::thread& host : hosts) host.join();
    CHECK(sum.load() == 4 * (200 * 4 + 500 * 9));
  });
}

TEST_CASE("pool: a closed pool takes nothing and ends what it has") {
  in_each({.size = 2}, [](Pool& pool) {
    Future<int> future = pool.submit(square, 4);
    pool.close();
    CHECK_THROWS_AS((void)pool.submit(square, 5), Error);
    pool.join();
    CHECK(future.ready());
    CHECK(future.get() == 16);
  });
}

TEST_CASE("pool: a Future outlives its Pool") {
  for (const Placement& placement : kPlacements) {
    CAPTURE(placement.name);
    Future<int> good;
    Future<std::vector<int>> large;
    {
      Pool pool(placement.make({.size = 1}));
      good = pool.submit(square, 7);
      large = pool.submit<count_to>(5000);
    }
    CHECK(good.get() == 49);
    CHECK(large.get().size() == 5000);
  }
}

TEST_CASE("pool: with back-pressure submit waits for room") {
  in_each({.size = 2, .most_pending = 8}, [](Pool& pool) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 1000; ++i) {
      futures.push_back(pool.submit(square, i));
      REQUIRE(pool.pending() <= 8);
    }
    CHECK(futures.back().get() == 999 * 999);
  });
}

TEST_CASE("pool: a worker's death fails the call that it ran and no other") {
  in_processes({.size = 2}, [](Pool& pool) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 1000; ++i) futures.push_back(pool.submit<die_at>(i, 500));
    for (int i = 0; i < 1000; ++i) {
      if (i == 500) continue;
      CHECK(futures[static_cast<std::size_t>(i)].get() == i + 1);
    }
    try {
      futures[500].get();
      FAIL("it came back from the dead");
    } catch (const WorkerDied& e) {
      CHECK(e.signal() == 11);
      CHECK(e.last_lines() == "the last line");
      CHECK(std::string(e.what()).find("call 501 of ") == 0);
    }
    CHECK(pool.workers_lost() == 1);
    CHECK(pool.submit(square, 2).get() == 4);
  });
}

TEST_CASE("pool: with kRetry a call is made again, until it is poison") {
  in_processes({.size = 2, .on_death = OnDeath::kRetry, .most_attempts = 3}, [](Pool& pool) {
    std::vector<int> inputs(100);
    std::iota(inputs.begin(), inputs.end(), 0);
    deaths_left = 2;
    CHECK(pool.map<die_sometimes>(inputs) == inputs);
    CHECK(pool.workers_lost() == 2);
    deaths_left = 100;
    CHECK_THROWS_AS(pool.submit<die_sometimes>(7).get(), WorkerDied);
    CHECK(pool.workers_lost() == 5);
  });
}

TEST_CASE("pool: what cannot travel is refused where it would have to") {
  in_processes({.size = 1}, [](Pool& pool) {
    int captured = 1;
    CHECK_THROWS_AS((void)pool.submit([&captured] { return captured; }), Error);
    CHECK_THROWS_AS((void)pool.submit(
                        +[](int x) { return x; }, 1),
                    Error);
  });
  Pool threads(kPlacements[0].make({.size = 1}));
  CHECK(threads.submit([k = std::make_unique<int>(5)] { return *k; }).get() == 5);
}

TEST_CASE("pool: a failed initializer fails every call with what it threw") {
  Pool pool(kPlacements[0].make({.size = 2, .initializer = call<throw_range>(3)}));
  CHECK_THROWS_WITH_AS(pool.submit(square, 1).get(), "the pool's initializer failed: no 3",
                       RemoteError);
}
