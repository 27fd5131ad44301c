// A Pool with real worker processes, as a host uses it: results, exceptions, large values, event
// loops, hosts of several threads. What it does when workers die:
// library_pool_deaths_process_test.cc.

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <numeric>
#include <poll.h>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>

#include "enjoin/pool.h"

using namespace enjoin;

namespace {

struct Totals {
  std::map<std::string, int> words;
  template <class A>
  void archive(A& a) {
    a(words);
  }
};

int square(int x) {
  return x * x;
}
ENJOIN_FUNCTION(square);
Totals count_words(const std::vector<std::string>& words) {
  Totals totals;
  for (const std::string& word : words) ++totals.words[word];
  return totals;
}
std::vector<char> reversed(std::vector<char> bytes) {
  return {bytes.rbegin(), bytes.rend()};
}
int refuse(int x) {
  if (x % 100 == 7) throw std::invalid_argument("not " + std::to_string(x));
  return x;
}

std::vector<int> numbers(int count) {
  std::vector<int> made(static_cast<std::size_t>(count));
  std::iota(made.begin(), made.end(), 0);
  return made;
}

}  // namespace

TEST_CASE("pool of processes: map, imap and reduce give what a loop would") {
  Pool pool({.size = 2});
  const std::vector<int> inputs = numbers(20'000);
  long sum = 0;
  for (const int y : pool.map(square, inputs)) sum += y % 7;
  long expected = 0;
  for (const int x : inputs) expected += square(x) % 7;
  CHECK(sum == expected);
  std::vector<int> seen(inputs.size());
  for (auto& [index, y] : pool.imap_unordered(square, inputs)) {
    REQUIRE(y == square(static_cast<int>(index)));
    ++seen[index];
  }
  CHECK(std::count(seen.begin(), seen.end(), 1) == 20'000);
  CHECK(pool.reduce(std::plus<long>(), square, numbers(10), 0L) == 285);
}

TEST_CASE("pool of processes: classes of one's own, lambdas and large values travel") {
  Pool pool({.size = 2});
  const Totals totals = pool.submit<count_words>(std::vector<std::string>{"a", "b", "a"}).get();
  CHECK(totals.words == std::map<std::string, int>{{"a", 2}, {"b", 1}});
  CHECK(pool.submit([](std::string_view a, int n) { return std::string(a) + std::to_string(n); },
                    "x", 5)
            .get() == "x5");
  for (const std::size_t size : {std::size_t{60}, std::size_t{20'000}, std::size_t{5'000'000}}) {
    std::vector<char> bytes(size, 'a');
    bytes.front() = 'z';
    const std::vector<char> back = pool.submit<reversed>(bytes).get();
    REQUIRE(back.size() == size);
    CHECK(back.back() == 'z');
  }
}

TEST_CASE("pool of processes: an exception is its own call's, with type and text") {
  Pool pool({.size = 2});
  int refused = 0;
  std::vector<Future<int>> futures = pool.submit_each<refuse>(numbers(1000));
  for (Future<int>& future : futures) {
    try {
      (void)future.get();
    } catch (const RemoteError& e) {
      CHECK(e.type() == "std::invalid_argument");
      ++refused;
    }
  }
  CHECK(refused == 10);
}

TEST_CASE("pool of processes: a host drives it from its own poll loop") {
  Pool pool({.size = 2});
  const int fd = pool.fd();
  std::vector<Future<int>> futures = pool.submit_each(square, numbers(500));
  std::size_t ended = 0;
  while (ended < futures.size()) {
    pollfd poll{fd, POLLIN, 0};
    REQUIRE(::poll(&poll, 1, 20'000) == 1);
    ended += pool.step();
  }
  CHECK(ended == 500);
  CHECK(futures.back().get() == 499 * 499);
}

TEST_CASE("pool of processes: several threads of a host share one, and have one each") {
  Pool shared({.size = 2});
  std::atomic<long> sum{0};
  std::vector<std::thread> hosts;
  for (int t = 0; t < 3; ++t) {
    hosts.emplace_back([&] {
      Pool own({.size = 1});
      for (int i = 0; i < 100; ++i)
        sum += shared.submit(square, 2).get() - own.submit(square, 1).get();
    });
  }
  for (std::thread& host : hosts) host.join();
  CHECK(sum.load() == 900);
}

TEST_CASE("pool of processes: a future that was used up or moved throws instead of crashing") {
  Pool pool({.size = 1});
  Future<int> future = pool.submit(square, 3);
  Future<int> moved = std::move(future);
  CHECK_THROWS_AS(future.wait(), Error);
  CHECK_FALSE(future.cancel());
  CHECK(moved.get() == 9);
  CHECK_FALSE(moved.valid());
  CHECK_THROWS_AS(moved.get(), Error);
  CHECK_THROWS_AS(Future<int>().ready(), Error);
  CHECK_THROWS_AS(Future<int>().number(), Error);
}
