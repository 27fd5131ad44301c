#include <atomic>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "enjoin/shared.h"
#include "ipc/shared/hooks.h"
#include "support/forked.h"

using namespace enjoin;
using namespace enjoin::shared;
using enjoin::test::Forked;

namespace {

// A child that does something, says so, and then stands still until it is killed.
class Stuck {
 public:
  Stuck(Memory& memory, const std::function<void()>& run)
      : done_(memory), child_([&] {
          run();
          done_.set();
          for (;;) ::pause();
          return 0;
        }) {
    done_.wait();
  }
  void kill() { child_.kill(); }
  const Forked& child() const { return child_; }

 private:
  Event done_;
  Forked child_;
};

}  // namespace

TEST_CASE("shared objects: forked processes have them in common") {
  Memory memory;
  Lock lock(memory);
  Counter counter(memory);
  Value<std::uint64_t> plain(memory, 0);
  Buffer buffer = memory.buffer(sizeof(std::uint64_t));
  buffer.as<std::uint64_t>()[0] = 0;
  std::vector<Forked> children;
  for (int i = 0; i < 4; ++i) {
    children.emplace_back([&] {
      for (int turn = 0; turn < 1000; ++turn) {
        counter.add();
        plain.update([](std::uint64_t old) { return old + 1; });
        const std::scoped_lock hold(lock);
        ++buffer.as<std::uint64_t>()[0];
      }
      return 0;
    });
  }
  for (Forked& child : children) CHECK(child.wait() == 0);
  CHECK(counter.load() == 4000);
  CHECK(plain.load() == 4000);
  CHECK(buffer.as<std::uint64_t>()[0] == 4000);
}

TEST_CASE("shared objects: mapped a second time they lie elsewhere and are the same") {
  Memory memory;
  Queue<std::string> names(memory);
  Counter lengths(memory);
  ArchiveWriter handles;
  handles(names, lengths);
  // What a worker program does, which inherits nothing but the descriptor.
  Forked worker([&] {
    const int fd = ::fcntl(memory_fd(memory), F_DUPFD_CLOEXEC, 0);
    names = {};
    lengths = {};
    memory = Memory({.size_bytes = 4096});
    attach_memory(ipc::UniqueFd(fd));
    ArchiveReader from(handles.view());
    auto my_names = from.read<Queue<std::string>>();
    auto my_lengths = from.read<Counter>();
    while (const auto name = my_names.get()) {
      my_lengths.add(static_cast<std::int64_t>(name->size()));
    }
    leave_memories();
    return 0;
  });
  for (const char* name : {"a", "bb", "ccc"}) CHECK(names.put(name));
  CHECK(names.put(std::string(1000, 'd')));
  names.close();
  CHECK(worker.wait() == 0);
  CHECK(lengths.load() == 1006);
}

TEST_CASE("shared objects: descriptors of something else are refused") {
  CHECK_THROWS_AS(attach_memory(ipc::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC))), Error);
}

TEST_CASE("shared lock: the next one is told that its holder died, once") {
  Memory memory;
  Lock lock(memory);
  Stuck holder(memory, [&] { lock.lock(); });
  CHECK(!lock.try_lock());
  Acquired got = Acquired::kAcquired;
  bool told = false;
  std::thread waiter([&] {
    got = lock.lock();
    told = lock.owner_died();
    lock.unlock();
  });
  holder.kill();
  waiter.join();
  CHECK(got == Acquired::kOwnerDied);
  CHECK(told);
  CHECK(lock.deaths() == 1);
  CHECK(lock.lock() == Acquired::kAcquired);
  CHECK(!lock.owner_died());
  lock.unlock();
}

TEST_CASE("shared lock: a dead holder whom nobody has reaped is dead") {
  Memory memory;
  Lock lock(memory);
  Stuck holder(memory, [&] { lock.lock(); });
  holder.child().kill_unreaped();
  CHECK(lock.lock() == Acquired::kOwnerDied);
  lock.unlock();
}

TEST_CASE("shared lock: a death that is told is put in order at once") {
  Memory memory;
  Lock lock(memory);
  Stuck holder(memory, [&] { lock.lock(); });
  const pid_t pid = holder.child().pid();
  worker_died(memory, pid);  // too early: it lives
  CHECK(!lock.try_lock());
  holder.kill();
  worker_died(memory, pid);
  CHECK(lock.try_lock());
  CHECK(lock.owner_died());
  lock.unlock();
}

TEST_CASE("shared lock: a child that is forked while its parent holds it does not hold it") {
  Memory memory;
  Lock lock(memory);
  lock.lock();
  Forked child([&] {
    if (lock.try_lock()) return 1;
    try {
      lock.unlock();
    } catch (const Error&) {
      return 0;
    }
    return 2;
  });
  CHECK(child.wait() == 0);
  lock.unlock();
}

TEST_CASE("shared semaphore: permits of a dead process come back") {
  Memory memory;
  Semaphore slots(memory, 3);
  Stuck holder(memory, [&] {
    slots.acquire();
    slots.acquire();
  });
  CHECK(slots.free() == 1);
  slots.acquire();
  holder.kill();
  slots.acquire();
  slots.acquire();
  CHECK(slots.held() == 3);
  CHECK(!slots.try_acquire());
}

TEST_CASE("shared barrier: it breaks when a party dies") {
  Memory memory;
  Barrier barrier(memory, 3);
  Stuck party(memory, [&] { static_cast<void>(barrier.wait_for(std::chrono::nanoseconds(0))); });
  barrier.reset();
  Met got = Met::kPassed;
  std::thread waiter([&] { got = barrier.wait(); });
  party.kill();
  waiter.join();
  CHECK(got == Met::kBroken);
  CHECK(barrier.wait() == Met::kBroken);
}

TEST_CASE("shared barrier: it breaks too when a process dies that was given it and never came") {
  Memory memory;
  Barrier barrier(memory, 2);
  ArchiveWriter to;
  to(barrier);
  Stuck party(memory, [&] {
    ArchiveReader from(to.view());
    from.read<Barrier>();
  });
  party.kill();
  CHECK(barrier.wait() == Met::kBroken);
}

TEST_CASE("shared barrier: who ends in order, or is no party, breaks nothing") {
  Memory memory;
  Barrier barrier(memory, 2);
  Lock other(memory);
  Forked leaver([&] {
    if (barrier.wait() != Met::kPassed) return 1;
    leave_memories();
    return 0;
  });
  CHECK(barrier.wait() == Met::kPassed);
  CHECK(leaver.wait() == 0);
  Stuck stranger(memory, [&] { other.lock(); });
  stranger.kill();
  Stuck former(memory, [&] {
    static_cast<void>(barrier.wait_for(std::chrono::nanoseconds(0)));
    barrier.leave();
    barrier.reset();
  });
  former.kill();
  CHECK(memory.look_for_dead() == 2);
  CHECK(!barrier.broken());
}

TEST_CASE("shared value: the old one stays when its changer dies") {
  Memory memory;
  Value<int> value(memory, 1);
  Forked changer([&] {
    value.update([](int) -> int { ::_exit(5); });
    return 0;
  });
  CHECK(changer.wait() == 5);
  CHECK(value.load() == 1);
  CHECK(value.update([](int old) { return old + 1; }) == 2);
}

TEST_CASE("shared queue: an unfinished item of a dead process comes back, first") {
  Memory memory;
  Queue<std::string> queue(memory, {.item_bytes = 16});
  const std::size_t before = memory.used_bytes();
  CHECK(queue.put(std::string(100, 'a')));
  CHECK(queue.put("b"));
  CHECK(queue.put("c"));
  Stuck taker(memory, [&] { static_cast<void>(queue.get()); });
  CHECK(queue.size() == 2);
  CHECK(queue.unfinished() == 3);
  taker.kill();
  CHECK(memory.look_for_dead() == 1);
  CHECK(queue.get() == std::string(100, 'a'));
  CHECK(queue.get() == "b");
  CHECK(queue.get() == "c");
  queue.task_done();
  queue.join();
  memory.look_for_dead();
  CHECK(memory.used_bytes() <= before + 64 + 128);  // the event of Stuck
}

TEST_CASE("shared queue: who waits at its end gets what a dying one had") {
  Memory memory;
  Queue<int> queue(memory);
  CHECK(queue.put(1));
  Stuck taker(memory, [&] { static_cast<void>(queue.get()); });
  queue.close();
  std::optional<int> got;
  std::thread waiter([&] { got = queue.get(); });
  taker.kill();
  waiter.join();
  CHECK(got == 1);
}

TEST_CASE("shared queue: an item that kills all who take it is given up") {
  Memory memory;
  Queue<int> queue(memory, {.most_deaths = 2});
  CHECK(queue.put(1));
  CHECK(queue.put(2));
  for (int turn = 0; turn < 2; ++turn) {
    Forked taker([&] { return queue.get() == 1 ? 0 : 1; });
    CHECK(taker.wait() == 0);
    memory.look_for_dead();
  }
  CHECK(queue.lost() == 1);
  CHECK(queue.get() == 2);
  queue.task_done();
  queue.join();
}

TEST_CASE("shared queue: random deaths lose no item") {
  Memory memory;
  constexpr int kItems = 300;
  Queue<int> queue(memory, {.most = 16, .most_deaths = 0});
  Buffer done = memory.buffer(kItems * sizeof(std::uint32_t));
  for (std::uint32_t& count : done.as<std::uint32_t>()) count = 0;
  const auto take = [&] {
    while (const auto item = queue.get()) {
      std::atomic_ref(done.as<std::uint32_t>()[static_cast<std::size_t>(*item)]).fetch_add(1);
    }
    leave_memories();
    return 0;
  };
  std::vector<Forked> takers;
  takers.emplace_back(take);
  for (int i = 0; i < kItems; ++i) {
    if (i % 30 == 0) takers.emplace_back(take);
    CHECK(queue.put(i));
    if (i % 30 == 29) takers.back().kill();
  }
  queue.join();
  queue.close();
  CHECK(takers.front().wait() == 0);
  int lost = 0;
  int again = 0;
  for (const std::uint32_t count : done.as<std::uint32_t>()) {
    lost += count == 0;
    again += count > 1;
  }
  CHECK(lost == 0);
  CHECK(again <= kItems / 30);
}

TEST_CASE("shared memory: places of dead processes are used again") {
  Memory memory({.size_bytes = 1 << 16, .processes = 2});
  Lock lock(memory);
  for (int i = 0; i < 5; ++i) {
    Forked child([&] {
      lock.lock();
      return 0;  // holding it
    });
    CHECK(child.wait() == 0);
  }
  CHECK(lock.lock() == Acquired::kOwnerDied);
  lock.unlock();
  Stuck other(memory, [&] { lock.try_lock(); });
  Forked third([&] {
    try {
      lock.try_lock();
    } catch (const Error& error) {
      return std::string(error.what()).find("MemoryOptions::processes") == std::string::npos ? 2
                                                                                             : 3;
    }
    return 1;
  });
  CHECK(third.wait() == 3);
}

TEST_CASE("shared print: lines of several processes are never mixed") {
  Memory memory;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const ipc::UniqueFd reading(ends[0]);
  std::vector<Forked> children;
  {
    const ipc::UniqueFd writing(ends[1]);
    for (int i = 0; i < 4; ++i) {
      children.emplace_back([&, i] {
        ::dup2(writing.get(), STDOUT_FILENO);
        for (int turn = 0; turn < 20; ++turn) {
          print(memory, std::string(6000, static_cast<char>('a' + i)));
        }
        return 0;
      });
    }
  }
  std::string all;
  char part[4096];
  for (ssize_t got = 0; (got = ::read(reading.get(), part, sizeof part)) > 0;) {
    all.append(part, static_cast<std::size_t>(got));
  }
  for (Forked& child : children) CHECK(child.wait() == 0);
  std::map<std::string, int> lines;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\n', at);
    ++lines[all.substr(at, end - at)];
    at = end + 1;
  }
  CHECK(lines.size() == 4);
  for (const auto& [line, count] : lines) {
    CHECK(line == std::string(6000, line[0]));
    CHECK(count == 20);
  }
}
