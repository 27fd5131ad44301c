// Shared objects in the hands of a pool's workers, which die, are cancelled and are replaced.

#include <chrono>
#include <csignal>
#include <mutex>
#include <numeric>
#include <set>
#include <span>
#include <unistd.h>

#include <doctest/doctest.h>

#include "enjoin/pool.h"
#include "enjoin/shared.h"

using namespace enjoin;
using namespace enjoin::shared;

namespace pool_shared {

/// Takes what is there and adds it up; dies the first time that it has got `bad`, with it.
long drain(Queue<int> items, Counter bad_ones, int bad) {
  long sum = 0;
  while (const std::optional<int> item = items.get()) {
    if (*item == bad && bad_ones.add(1) == 1) ::raise(SIGKILL);
    sum += *item;
    items.task_done();
  }
  return sum;
}

int meet(Barrier barrier, Event there) {
  there.set();
  return static_cast<int>(barrier.wait());
}

int die_with_permit(Semaphore semaphore) {
  semaphore.acquire();
  ::raise(SIGKILL);
  return 0;
}

int hold_for_ever(Lock lock, Event held) {
  lock.lock();
  held.set();
  for (;;) ::pause();
}

int touch(Counter counter, Lock lock) {
  const std::scoped_lock hold(lock);
  counter.add(1);
  return ::getpid();
}

/// Writes a line in pieces, and dies in the middle of one.
int write_lines(Lock lock, Buffer text, int lines, bool dies) {
  for (int i = 0; i < lines; ++i) {
    const Acquired how = lock.lock();
    std::uint64_t& used = text.as<std::uint64_t>()[0];
    const std::span<char> at = text.as<char>().subspan(sizeof used);
    if (how == Acquired::kOwnerDied && used % 2 == 1) --used;  // half a pair: taken back
    at[used++] = '<';
    if (dies && i == lines / 2) ::raise(SIGKILL);
    at[used++] = '>';
    lock.unlock();
  }
  return lines;
}

}  // namespace pool_shared

using namespace pool_shared;

TEST_CASE("pool shared: an item whose taker died is taken by another, and join() ends") {
  Memory memory;
  Queue<int> items(memory, {.most = 64, .finish = Finish::kByTaskDone});
  Counter bad_ones(memory);
  Pool pool({.size = 2, .on_death = OnDeath::kRetry, .shared = &memory});
  std::vector<Future<long>> sums;
  for (int i = 0; i < 2; ++i) sums.push_back(pool.submit<drain>(items, bad_ones, 7));
  for (int i = 1; i <= 20; ++i) CHECK(items.put(i));
  items.join();
  items.close();
  long sum = 0;
  for (Future<long>& part : sums) sum += part.get();
  // What the dead one had added up died with it; all else is there, the bad one included.
  CHECK(bad_ones.load() == 2);
  CHECK(pool.workers_lost() == 1);
  CHECK(sum >= 7);
  CHECK(sum <= 210);
  CHECK(items.unfinished() == 0);
  CHECK(items.lost() == 0);
}

TEST_CASE("pool shared: a barrier breaks for those who wait when a party's worker is killed") {
  Memory memory;
  Barrier barrier(memory, 3);
  Event first_there(memory);
  Event second_there(memory);
  Pool pool({.size = 2, .shared = &memory});
  Future<int> first = pool.submit<meet>(barrier, first_there);
  Future<int> second = pool.submit<meet>(barrier, second_there);
  first_there.wait();
  second_there.wait();
  CHECK(first.cancel());  // its worker is killed
  CHECK(second.get() == static_cast<int>(Met::kBroken));
  CHECK_THROWS_AS(first.get(), JobCanceled);
  barrier.reset();
  Event others_there(memory);
  std::vector<Future<int>> parties;
  for (int i = 0; i < 2; ++i) parties.push_back(pool.submit<meet>(barrier, others_there));
  CHECK(barrier.wait() != Met::kBroken);
  for (Future<int>& party : parties) CHECK(party.get() != static_cast<int>(Met::kBroken));
}

TEST_CASE("pool shared: permits of dead workers come back") {
  Memory memory;
  Semaphore semaphore(memory, 2);
  Pool pool({.size = 2, .shared = &memory});
  for (int i = 0; i < 4; ++i) {
    CHECK_THROWS_AS(pool.submit<die_with_permit>(semaphore).get(), WorkerDied);
  }
  semaphore.acquire();
  semaphore.acquire();
  CHECK_FALSE(semaphore.try_acquire());
}

TEST_CASE("pool shared: a lock is had again after a call that held it was killed for its time") {
  Memory memory;
  Lock lock(memory);
  Event held(memory);
  Pool pool({.size = 1, .timeout = std::chrono::milliseconds(50), .shared = &memory});
  Future<int> holder = pool.submit<hold_for_ever>(lock, held);
  CHECK_THROWS_AS(holder.get(), JobTimedOut);
  CHECK(held.is_set());
  CHECK(lock.lock() == Acquired::kOwnerDied);
  lock.unlock();
  CHECK(lock.lock() == Acquired::kAcquired);
  lock.unlock();
}

TEST_CASE("pool shared: a memory outlives any number of workers that ended in order") {
  Memory memory;
  Counter counter(memory);
  Lock lock(memory);
  Pool pool({.size = 2, .jobs_per_worker = 1, .shared = &memory});
  constexpr int kCalls = 300;  // each by a process of its own, more than the memory has places for
  std::set<int> pids;
  std::vector<Future<int>> calls;
  for (int i = 0; i < kCalls; ++i) calls.push_back(pool.submit<touch>(counter, lock));
  for (Future<int>& call : calls) pids.insert(call.get());
  CHECK(counter.load() == kCalls);
  CHECK(pids.size() == kCalls);
  CHECK(pool.workers_lost() == 0);
}

TEST_CASE("pool shared: what a lock guards is mended by who is told that its holder died") {
  Memory memory;
  Lock lock(memory);
  Buffer text = memory.buffer(64 * 1024);
  text.as<std::uint64_t>()[0] = 0;
  Pool pool({.size = 4, .shared = &memory});
  constexpr int kLines = 200;
  std::vector<Future<int>> calls;
  for (int i = 0; i < 12; ++i) {
    calls.push_back(pool.submit<write_lines>(lock, text, kLines, i % 4 == 0));
  }
  int whole = 0;
  int died = 0;
  for (Future<int>& call : calls) {
    try {
      whole += call.get();
    } catch (const WorkerDied& death) {
      CHECK(death.signal() == SIGKILL);
      ++died;
    }
  }
  CHECK(died == 3);
  CHECK(whole == 9 * kLines);
  std::uint64_t used = text.as<std::uint64_t>()[0];
  if (lock.lock() == Acquired::kOwnerDied && used % 2 == 1) --used;
  lock.unlock();
  CHECK(used == 2 * (9 * kLines + 3 * (kLines / 2)));
  const std::span<char> at = text.as<char>().subspan(sizeof used);
  bool in_pairs = true;
  for (std::uint64_t i = 0; i < used; ++i) in_pairs = in_pairs && at[i] == (i % 2 == 0 ? '<' : '>');
  CHECK(in_pairs);
}
