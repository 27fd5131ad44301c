#include <atomic>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/shared.h"

using namespace enjoin;
using namespace enjoin::shared;
using namespace std::chrono_literals;

namespace {

template <typename T>
T through_archive(const T& value) {
  ArchiveWriter to;
  to(value);
  ArchiveReader from(to.view());
  return from.read<T>();
}

void in_threads(int count, const auto& run) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&run, i] { run(i); });
  for (std::thread& thread : threads) thread.join();
}

struct Pair {
  std::uint64_t left = 0;
  std::uint64_t right = 0;
  unsigned char odd = 0;
};

}  // namespace

TEST_CASE("shared memory: buffers do not overlap, and their room is used again") {
  Memory memory({.size_bytes = 1 << 20, .processes = 4});
  const std::size_t before = memory.used_bytes();
  Buffer small = memory.buffer(100);
  Buffer large = memory.buffer(900'000);
  CHECK(small.size_bytes() == 100);
  CHECK(large.bytes().size() == 900'000);
  CHECK(large.as<std::uint64_t>().size() == 112'500);
  const bool apart = small.data() + 100 <= large.data() || large.data() + 900'000 <= small.data();
  CHECK(apart);
  CHECK_THROWS_WITH(static_cast<void>(memory.buffer(900'000)),
                    doctest::Contains("has no room for 900000 bytes"));
  memory.give_back(large);
  CHECK(!large);
  memory.give_back(small);
  CHECK(memory.used_bytes() == before);
  Buffer all = memory.buffer(memory.size_bytes() - 64);
  CHECK(all.size_bytes() > 1'000'000);
}

TEST_CASE("shared memory: what is asked for wrongly is told") {
  CHECK_THROWS_AS(Memory({.processes = 0}), Error);
  CHECK_THROWS_AS(Memory({.processes = 100'000}), Error);
  Memory memory({.size_bytes = 1 << 16});
  CHECK_THROWS_AS(static_cast<void>(memory.buffer(~std::size_t{0})), Error);
  CHECK_THROWS_AS(Barrier(memory, 0), Error);
  CHECK_THROWS_AS(Queue<int>(memory, {.most = 0}), Error);
  Lock nothing;
  CHECK(!nothing);
  CHECK_THROWS_AS(nothing.lock(), Error);
}

TEST_CASE("shared memory: a handle that travels is the same object") {
  Memory memory;
  Counter counter(memory, 5);
  Counter same = through_archive(counter);
  CHECK(same == counter);
  same.add(2);
  CHECK(counter.load() == 7);
  CHECK(!through_archive(Lock()));
  CHECK(through_archive(memory).used_bytes() == memory.used_bytes());
  const std::vector<Buffer> buffers{memory.buffer(10), memory.buffer(20)};
  CHECK(through_archive(buffers)[1] == buffers[1]);
}

TEST_CASE("shared memory: a handle of another kind, or of memory that is gone, is refused") {
  ArchiveWriter to;
  {
    Memory memory;
    to(Counter(memory));
    ArchiveReader from(to.view());
    CHECK_THROWS_WITH(from.read<Lock>(), doctest::Contains("another was expected"));
  }
  ArchiveReader from(to.view());
  CHECK_THROWS_WITH(from.read<Counter>(), doctest::Contains("PoolOptions::shared"));
}

TEST_CASE("shared memory: an object keeps its memory") {
  std::optional<Counter> counter;
  {
    Memory memory;
    counter.emplace(memory, 3);
  }
  CHECK(counter->add(1) == 4);
}

TEST_CASE("shared lock: one at a time, in scoped_lock as well") {
  Memory memory;
  Lock lock(memory);
  int plain = 0;
  in_threads(4, [&](int) {
    for (int i = 0; i < 1000; ++i) {
      const std::scoped_lock hold(lock);
      ++plain;
    }
  });
  CHECK(plain == 4000);
  CHECK(lock.lock() == Acquired::kAcquired);
  CHECK(!lock.owner_died());
  std::thread other([&] {
    CHECK(!lock.try_lock());
    CHECK(!lock.try_lock_for(1ms));
    CHECK_THROWS_AS(lock.unlock(), Error);
  });
  other.join();
  lock.unlock();
}

TEST_CASE("shared lock: who would wait for itself is told") {
  Memory memory;
  Lock lock(memory);
  lock.lock();
  CHECK_THROWS_WITH(lock.lock(), doctest::Contains("would wait for ever"));
  lock.unlock();
  CHECK_THROWS_AS(lock.unlock(), Error);
}

TEST_CASE("shared semaphore: never more at once than there are permits") {
  Memory memory;
  Semaphore slots(memory, 3);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  in_threads(6, [&](int) {
    for (int i = 0; i < 200; ++i) {
      const Permit permit(slots);
      const int now = ++inside;
      for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      --inside;
    }
  });
  CHECK(most <= 3);
  CHECK(slots.free() == 3);
  CHECK(slots.held() == 0);
  CHECK_THROWS_AS(slots.release(), Error);
  slots.add(1);
  for (int i = 0; i < 4; ++i) CHECK(slots.try_acquire());
  CHECK(!slots.try_acquire());
  CHECK(!slots.try_acquire_for(1ms));
}

TEST_CASE("shared event: all who wait go on") {
  Memory memory;
  Event ready(memory);
  CHECK(!ready.wait_for(1ms));
  std::thread waiter([&] { ready.wait(); });
  ready.set();
  waiter.join();
  CHECK(ready.wait_for(0ms));
  ready.clear();
  CHECK(!ready.is_set());
}

TEST_CASE("shared counter: no addition is lost") {
  Memory memory;
  Counter counter(memory, -1);
  in_threads(4, [&](int) {
    for (int i = 0; i < 1000; ++i) counter.add(2);
  });
  CHECK(counter.load() == 7999);
  std::int64_t expected = 1;
  CHECK(!counter.compare_exchange(expected, 5));
  CHECK(expected == 7999);
  CHECK(counter.compare_exchange(expected, 5));
  counter.store(9);
  CHECK(counter.add(-10) == -1);
}

TEST_CASE("shared value: no reader sees half a change") {
  Memory memory;
  Value<Pair> value(memory, {1, 1, 1});
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::thread reader([&] {
    while (!done) {
      const Pair seen = value.load();
      if (seen.left != seen.right || seen.odd != (seen.left & 0xff)) ++torn;
    }
  });
  in_threads(3, [&](int) {
    for (int i = 0; i < 500; ++i) {
      value.update([](Pair old) {
        return Pair{old.left + 1, old.right + 1, static_cast<unsigned char>(old.left + 1)};
      });
    }
  });
  done = true;
  reader.join();
  CHECK(torn == 0);
  CHECK(value.load().left == 1501);
  value.store({7, 7, 7});
  CHECK(through_archive(value).load().right == 7);
}

TEST_CASE("shared value: a change that throws changes nothing and holds nothing") {
  Memory memory;
  Value<int> value(memory, 3);
  CHECK_THROWS_AS(value.update([](int) -> int { throw Error("no"); }), Error);
  CHECK(value.load() == 3);
  CHECK(value.update([](int old) { return old + 1; }) == 4);
}

TEST_CASE("shared barrier: nobody passes before all have come") {
  Memory memory;
  Barrier barrier(memory, 3);
  std::atomic<int> come{0};
  std::atomic<int> early{0};
  in_threads(3, [&](int) {
    for (int round = 1; round <= 100; ++round) {
      ++come;
      if (barrier.wait() != Met::kPassed || come < 3 * round) ++early;
      if (barrier.wait() != Met::kPassed) ++early;
    }
  });
  CHECK(early == 0);
  CHECK(barrier.waiting() == 0);
}

TEST_CASE("shared barrier: who does not wait long enough breaks it, until it is reset") {
  Memory memory;
  Barrier barrier(memory, 2);
  CHECK(barrier.wait_for(1ms) == Met::kTimedOut);
  CHECK(barrier.broken());
  CHECK(barrier.wait() == Met::kBroken);
  barrier.reset();
  CHECK(!barrier.broken());
  Met got = Met::kPassed;
  std::thread waiter([&] { got = barrier.wait(); });
  while (barrier.waiting() == 0) std::this_thread::yield();
  barrier.reset();
  waiter.join();
  CHECK(got == Met::kBroken);
  std::thread other([&] { got = barrier.wait(); });
  CHECK(barrier.wait() == Met::kPassed);
  other.join();
  CHECK(got == Met::kPassed);
}

TEST_CASE("shared queue: items come in order, small and large") {
  Memory memory;
  const std::size_t before = memory.used_bytes();
  Queue<std::string> queue(memory, {.most = 4, .item_bytes = 32});
  const std::size_t own = memory.used_bytes();
  CHECK(own > before);
  CHECK(queue.put("small"));
  CHECK(queue.put(std::string(5000, 'x')));
  CHECK(queue.put(""));
  CHECK(queue.size() == 3);
  CHECK(queue.get() == "small");
  CHECK(queue.get() == std::string(5000, 'x'));
  CHECK(queue.get() == "");
  CHECK(queue.try_get() == std::nullopt);
  CHECK(queue.unfinished() == 0);
  CHECK(memory.used_bytes() == own);
}

TEST_CASE("shared queue: it is full with those that are not finished") {
  Memory memory;
  Queue<int> queue(memory, {.most = 2, .finish = Finish::kByTaskDone});
  CHECK(queue.put(1));
  CHECK(queue.put(2));
  CHECK(!queue.try_put(3));
  CHECK(!queue.try_put_for(3, 1ms));
  CHECK(queue.get() == 1);
  CHECK(queue.get() == 2);
  CHECK(!queue.try_put(3));
  CHECK(!queue.join_for(1ms));
  queue.task_done();
  CHECK(queue.try_put(3));
  queue.task_done();
  CHECK_THROWS_WITH(queue.task_done(), doctest::Contains("task_done"));
  CHECK(queue.get() == 3);
  queue.task_done();
  queue.join();
}

TEST_CASE("shared queue: closed, it gives what is left and then nothing") {
  Memory memory;
  Queue<int> queue(memory);
  CHECK(queue.put(1));
  queue.close();
  CHECK(queue.closed());
  CHECK(!queue.put(2));
  CHECK(queue.get() == 1);
  CHECK(queue.get() == std::nullopt);
  CHECK(queue.get() == std::nullopt);
}

TEST_CASE("shared queue: many put, many take, each item once") {
  Memory memory;
  Queue<int> queue(memory, {.most = 8});
  std::atomic<long> sum{0};
  std::vector<std::thread> takers;
  for (int i = 0; i < 3; ++i) {
    takers.emplace_back([&] {
      while (const auto item = queue.get()) sum += *item;
    });
  }
  in_threads(3, [&](int thread) {
    for (int i = 1; i <= 500; ++i) queue.put(thread * 1000 + i);
  });
  queue.join();
  queue.close();
  for (std::thread& taker : takers) taker.join();
  CHECK(sum == 3 * 500 * 501 / 2 + 500 * 3000);
}
