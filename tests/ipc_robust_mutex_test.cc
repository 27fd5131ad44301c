#include <cstring>
#include <thread>
#include <type_traits>
#include <unistd.h>

#include <boost/interprocess/sync/scoped_lock.hpp>
#include <doctest/doctest.h>

#include "ipc/robust_mutex.h"

using namespace enjoin;
using namespace enjoin::ipc;
using std::chrono::milliseconds;

namespace {

struct Lock {
  Lock() { RobustMutex::initialise(storage); }
  LockStorage storage;
};

template <typename F>
void in_thread(F&& work) {
  std::thread(std::forward<F>(work)).join();
}

// A thread that ends with a robust lock is for the lock what a killed process is.
void let_a_holder_die(Lock& lock) {
  in_thread([&] { RobustMutex(lock.storage).lock(); });
}

}  // namespace

TEST_CASE("robust mutex: a second taker finds it busy until it is given back") {
  Lock lock;
  RobustMutex mutex(lock.storage);
  REQUIRE(mutex.acquire() == LockAnswer::kOk);
  in_thread([&] {
    RobustMutex other(lock.storage);
    CHECK(other.try_acquire() == LockAnswer::kBusy);
    CHECK(other.acquire_for(milliseconds(1)) == LockAnswer::kBusy);
    CHECK_FALSE(other.try_lock());
  });
  mutex.unlock();
  in_thread([&] {
    RobustMutex other(lock.storage);
    CHECK(other.acquire_for(milliseconds(1)) == LockAnswer::kOk);
    other.unlock();
  });
}

TEST_CASE("robust mutex: the next taker is told of a dead owner, the one after is not") {
  Lock lock;
  let_a_holder_die(lock);
  RobustMutex mutex(lock.storage);
  REQUIRE(mutex.acquire() == LockAnswer::kOwnerDied);
  CHECK(mutex.owner_died());
  mutex.unlock();
  REQUIRE(mutex.acquire() == LockAnswer::kOk);
  CHECK_FALSE(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("robust mutex: every way of taking reports a dead owner") {
  Lock lock;
  RobustMutex mutex(lock.storage);
  let_a_holder_die(lock);
  REQUIRE(mutex.acquire_for(milliseconds(1)) == LockAnswer::kOwnerDied);
  mutex.unlock();
  let_a_holder_die(lock);
  REQUIRE(mutex.try_acquire() == LockAnswer::kOwnerDied);
  mutex.unlock();
  let_a_holder_die(lock);
  REQUIRE(mutex.try_lock());
  CHECK(mutex.owner_died());
  mutex.unlock();
  let_a_holder_die(lock);
  mutex.lock();
  CHECK(mutex.owner_died());
  mutex.unlock();
}

TEST_CASE("robust mutex: Boost's scoped_lock holds it and gives it back") {
  Lock lock;
  RobustMutex mutex(lock.storage);
  {
    boost::interprocess::scoped_lock<RobustMutex> hold(mutex);
    CHECK(hold.owns());
    in_thread([&] { CHECK(RobustMutex(lock.storage).try_acquire() == LockAnswer::kBusy); });
  }
  boost::interprocess::scoped_lock<RobustMutex> again(mutex, boost::interprocess::try_to_lock);
  CHECK(again.owns());
}

TEST_CASE("robust mutex: Boost's scoped_lock takes it over from a dead owner") {
  Lock lock;
  let_a_holder_die(lock);
  RobustMutex mutex(lock.storage);
  boost::interprocess::scoped_lock<RobustMutex> hold(mutex);
  CHECK(mutex.owner_died());
}

TEST_CASE("robust mutex: threads count under it without losing one") {
  Lock lock;
  int count = 0;
  const auto add = [&] {
    RobustMutex mutex(lock.storage);
    for (int i = 0; i < 20'000; ++i) {
      mutex.lock();
      ++count;
      mutex.unlock();
    }
  };
  std::thread first(add);
  std::thread second(add);
  first.join();
  second.join();
  CHECK(count == 40'000);
}

TEST_CASE("robust mutex: bytes that are no lock are broken or busy, never a hang") {
  Lock lock;
  std::memset(static_cast<void*>(&lock.storage), 0xff, sizeof lock.storage);
  const LockAnswer got = RobustMutex(lock.storage).acquire_for(milliseconds(20));
  CHECK((got == LockAnswer::kBroken || got == LockAnswer::kBusy));
}

TEST_CASE("robust mutex: who scribbles on a held lock leads its holder nowhere") {
  Lock lock;
  RobustMutex mutex(lock.storage);
  REQUIRE(mutex.acquire() == LockAnswer::kOk);
  // The C library's lock would write to both places when it is given back.
  lock.storage.before = reinterpret_cast<void*>(0x10);
  lock.storage.next = reinterpret_cast<void*>(0x20);
  mutex.unlock();
  CHECK(mutex.owner() == 0);
  REQUIRE(mutex.acquire() == LockAnswer::kOk);
  lock.storage.word.store(12345);
  mutex.unlock();
  CHECK(lock.storage.word.load() == 12345);  // damage stays for whoever looks for it
  CHECK(mutex.try_acquire() == LockAnswer::kBusy);
}

TEST_CASE("robust mutex: any bytes at all are taken, busy or broken") {
  Lock lock;
  RobustMutex mutex(lock.storage);
  for (std::uint32_t bit = 0; bit < 32; ++bit) {
    for (const std::uint32_t more : {0U, 1U << 31, 1U << 30, 3U << 30, 12345U}) {
      lock.storage.word.store((1U << bit) | more);
      const LockAnswer got = mutex.acquire_for(milliseconds(0));
      if (got == LockAnswer::kOk || got == LockAnswer::kOwnerDied) mutex.unlock();
      CHECK(lock.storage.word.load() != static_cast<std::uint32_t>(::gettid()));
    }
  }
}

TEST_CASE("robust mutex: several are given back in any order, and all are healed") {
  Lock locks[3];
  for (int first = 0; first < 3; ++first) {
    in_thread([&] {
      for (Lock& lock : locks) RobustMutex(lock.storage).lock();
      RobustMutex(locks[first].storage).unlock();
      // The others are freed by the kernel when the thread ends.
    });
    for (int i = 0; i < 3; ++i) {
      RobustMutex mutex(locks[i].storage);
      CHECK(mutex.try_acquire() == (i == first ? LockAnswer::kOk : LockAnswer::kOwnerDied));
      mutex.unlock();
    }
  }
}
