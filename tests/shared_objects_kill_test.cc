#include <array>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "enjoin/shared.h"
#include "ipc/shared/mapped.h"
#include "ipc/unique_fd.h"
#include "support/forked.h"
#include "support/stepper.h"

using namespace enjoin;
using namespace enjoin::shared;

namespace {

constexpr MemoryOptions kSmall{.size_bytes = 1 << 14, .processes = 4};
constexpr std::size_t kNumbers = 8;

// Objects, what a process does with them, and what must hold when it is dead.
template <typename World>
class SharedTrial : public test::Trial {
 public:
  using Act = std::function<void(World&)>;
  struct Acts {
    Act before = {};
    Act operation = {};
    Act verify = {};
  };
  explicit SharedTrial(const Acts& acts) : acts_(acts) {
    if (acts_.before) acts_.before(world_);
  }
  void operation() override { acts_.operation(world_); }
  void repair() override { world_.memory.look_for_dead(); }
  void verify() override {
    world_.memory.look_for_dead();
    acts_.verify(world_);
    // Whatever happened, there is room, and its blocks are in order.
    Buffer rest = world_.memory.buffer(1 << 12);
    world_.memory.give_back(rest);
  }
  std::vector<std::span<const std::byte>> watched() const override {
    const shared::detail::Mapped& mapped = MemoryAccess::mapped(world_.memory);
    const auto* const base = reinterpret_cast<const std::byte*>(&mapped.header());
    return {{base, mapped.header().first_block + (1 << 12)}};
  }

 private:
  Acts acts_;
  mutable World world_;
};

template <typename World>
void sweep(const char* name, const typename SharedTrial<World>::Acts& acts) {
  const auto make = [&] { return std::make_unique<SharedTrial<World>>(acts); };
  const test::Sweep done = test::kill_everywhere(make, 3 * test::kPointsApart);
  if (!done.allowed) {
    MESSAGE("SKIPPED: ptrace is not allowed here, nothing was killed");
    return;
  }
  MESSAGE(std::string(name) << ": " << done.kill_points << " kill points in " << done.instructions
                            << " instructions");
  CHECK(done.kill_points >= 2);
}

struct LockWorld {
  Memory memory{kSmall};
  Lock lock{memory};
  Buffer numbers = memory.buffer(kNumbers * sizeof(std::uint64_t));
  std::uint64_t& left = numbers.as<std::uint64_t>()[0] = 0;
  std::uint64_t& right = numbers.as<std::uint64_t>()[1] = 0;

  void change() {
    ++left;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    ++right;
  }
};

struct QueueWorld {
  Memory memory{kSmall};
  Queue<std::string> queue{memory, {.most = 4, .item_bytes = 16, .most_deaths = 0}};
  std::size_t used = memory.used_bytes();
  // How often each item was finished by the child, by its first letter.
  Buffer numbers = memory.buffer(256);
  std::span<std::uint8_t> begun = numbers.as<std::uint8_t>().subspan(0, 128);
  std::span<std::uint8_t> done = numbers.as<std::uint8_t>().subspan(128, 128);
  std::map<char, int> got;

  QueueWorld() {
    for (std::uint8_t& count : numbers.as<std::uint8_t>()) count = 0;
    used = memory.used_bytes();
  }
  static std::string large(char letter) { return std::string(100, letter); }
  // In the child.
  void take_one() {
    const std::optional<std::string> item = queue.try_get();
    if (!item) return;
    const auto letter = static_cast<std::size_t>(item->front());
    begun[letter] = 1;
    queue.task_done();
    done[letter] = 1;
  }
  // In the test: what is there, each in order.
  void take_all() {
    std::string last;
    while (const auto item = queue.try_get()) {
      CHECK(*item == std::string(item->size(), item->front()));
      CHECK(last < *item);
      last = *item;
      ++got[item->front()];
    }
    CHECK(queue.unfinished() == 0);
    CHECK(queue.join_for(std::chrono::nanoseconds(0)));
  }
  // What was finished is gone, what was not begun is there, nothing is there twice.
  void check(std::string_view letters) {
    for (const char letter : letters) {
      const auto at = static_cast<std::size_t>(letter);
      CHECK(got[letter] <= 1);
      if (done[at] != 0) CHECK(got[letter] == 0);
      if (begun[at] == 0) CHECK(got[letter] == 1);
    }
    CHECK(memory.used_bytes() == used);
  }
};

struct PlainWorld {
  Memory memory{kSmall};
  Semaphore slots{memory, 2};
  Barrier barrier{memory, 1};
  Value<std::array<std::uint64_t, 3>> value{memory, {1, 1, 1}};
  Counter counter{memory};
  Event event{memory};
  std::size_t used = memory.used_bytes();
};

}  // namespace

TEST_CASE("shared kill: a lock whose holder is killed at any point is free or says so") {
  sweep<LockWorld>("lock", {.operation =
                                [](LockWorld& world) {
                                  world.lock.lock();
                                  world.change();
                                  world.lock.unlock();
                                },
                            .verify =
                                [](LockWorld& world) {
                                  REQUIRE(world.lock.try_lock());
                                  // Who was not told of a death may trust what it guards.
                                  if (!world.lock.owner_died()) CHECK(world.left == world.right);
                                  world.lock.unlock();
                                }});
}

TEST_CASE("shared kill: who repairs after a dead owner may be killed too") {
  sweep<LockWorld>(
      "lock over a dead owner",
      {.before =
           [](LockWorld& world) {
             test::Forked holder([&] { return world.lock.lock() == Acquired::kAcquired ? 0 : 1; });
             CHECK(holder.wait() == 0);
             ++world.left;
           },
       .operation =
           [](LockWorld& world) {
             if (world.lock.lock() == Acquired::kOwnerDied) world.right = world.left;
             world.change();
             world.lock.unlock();
           },
       .verify =
           [](LockWorld& world) {
             REQUIRE(world.lock.try_lock());
             if (!world.lock.owner_died()) CHECK(world.left == world.right);
             world.lock.unlock();
           }});
}

TEST_CASE("shared kill: a semaphore loses no permit and has none too many") {
  sweep<PlainWorld>("semaphore", {.operation =
                                      [](PlainWorld& world) {
                                        world.slots.acquire();
                                        world.slots.acquire();
                                        world.slots.release();
                                      },
                                  .verify =
                                      [](PlainWorld& world) {
                                        CHECK(world.slots.free() == 2);
                                        REQUIRE(world.slots.try_acquire());
                                        REQUIRE(world.slots.try_acquire());
                                        CHECK(!world.slots.try_acquire());
                                      }});
}

TEST_CASE("shared kill: a barrier is passed or broken, and can be used again") {
  sweep<PlainWorld>("barrier", {.operation =
                                    [](PlainWorld& world) {
                                      static_cast<void>(world.barrier.wait());
                                      static_cast<void>(world.barrier.wait());
                                    },
                                .verify =
                                    [](PlainWorld& world) {
                                      if (world.barrier.broken()) world.barrier.reset();
                                      CHECK(world.barrier.waiting() == 0);
                                      CHECK(world.barrier.wait() == Met::kPassed);
                                    }});
}

TEST_CASE("shared kill: a value is the old one or the new one") {
  sweep<PlainWorld>("value", {.operation =
                                  [](PlainWorld& world) {
                                    world.value.update([](std::array<std::uint64_t, 3> old) {
                                      for (std::uint64_t& word : old) ++word;
                                      return old;
                                    });
                                  },
                              .verify =
                                  [](PlainWorld& world) {
                                    const auto seen = world.value.load();
                                    CHECK(seen[0] == seen[1]);
                                    CHECK(seen[0] == seen[2]);
                                    CHECK((seen[0] == 1 || seen[0] == 2));
                                    world.value.store({9, 9, 9});
                                    CHECK(world.value.load()[2] == 9);
                                  }});
}

TEST_CASE("shared kill: a counter has counted or not, an event is set or not") {
  sweep<PlainWorld>("counter and event", {.operation =
                                              [](PlainWorld& world) {
                                                world.counter.add(3);
                                                world.event.set();
                                                world.counter.add(3);
                                              },
                                          .verify =
                                              [](PlainWorld& world) {
                                                CHECK(world.counter.load() % 3 == 0);
                                                if (world.counter.load() == 6) {
                                                  CHECK(world.event.is_set());
                                                }
                                                world.event.set();
                                                world.event.wait();
                                              }});
}

TEST_CASE("shared kill: what is put is there wholly or not at all") {
  sweep<QueueWorld>("put", {.operation =
                                [](QueueWorld& world) {
                                  world.queue.put("b");
                                  world.queue.put(QueueWorld::large('c'));
                                },
                            .verify =
                                [](QueueWorld& world) {
                                  world.take_all();
                                  CHECK(world.got['b'] >= world.got['c']);
                                  CHECK(world.memory.used_bytes() == world.used);
                                  CHECK(world.queue.try_put("d"));
                                }});
}

TEST_CASE("shared kill: an item is finished once, or comes back") {
  sweep<QueueWorld>("get and task_done", {.before =
                                              [](QueueWorld& world) {
                                                world.queue.put("a");
                                                world.queue.put(QueueWorld::large('b'));
                                                world.queue.put("c");
                                              },
                                          .operation =
                                              [](QueueWorld& world) {
                                                world.take_one();
                                                world.take_one();
                                              },
                                          .verify =
                                              [](QueueWorld& world) {
                                                world.take_all();
                                                world.check("abc");
                                              }});
}

TEST_CASE("shared kill: who puts a dead taker's items back may be killed too") {
  sweep<QueueWorld>("repair of a queue",
                    {.before =
                         [](QueueWorld& world) {
                           world.queue.put("a");
                           world.queue.put(QueueWorld::large('b'));
                           for (int i = 0; i < 2; ++i) {
                             test::Forked taker([&] { return world.queue.try_get() ? 0 : 1; });
                             CHECK(taker.wait() == 0);
                           }
                         },
                     .operation = [](QueueWorld& world) { world.memory.look_for_dead(); },
                     .verify =
                         [](QueueWorld& world) {
                           world.take_all();
                           world.check("ab");
                         }});
}

TEST_CASE("shared kill: an object or a buffer that is being made is there or is not") {
  sweep<PlainWorld>("making", {.operation =
                                   [](PlainWorld& world) {
                                     Buffer first = world.memory.buffer(100);
                                     Lock lock(world.memory);
                                     world.memory.give_back(first);
                                     first = world.memory.buffer(30);
                                     world.memory.give_back(first);
                                   },
                               .verify =
                                   [](PlainWorld& world) {
                                     // Made and not named to anybody yet: a buffer and the lock.
                                     CHECK(world.memory.used_bytes() <= world.used + 192 + 128);
                                   }});
}

namespace {

// The standard output is a file of its own while somebody prints.
struct PrintWorld {
  static constexpr std::size_t kFits = 4096;
  Memory memory{kSmall};
  ipc::UniqueFd out{::memfd_create("enjoin-test", MFD_CLOEXEC)};

  void print_both(const char* first, const char* second) {
    const ipc::UniqueFd before(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    ::dup2(out.get(), STDOUT_FILENO);
    print(memory, first);
    print(memory, second);
    ::dup2(before.get(), STDOUT_FILENO);
  }
  std::string text() const {
    std::string all(kFits, '\0');
    const ssize_t got = ::pread(out.get(), all.data(), all.size(), 0);
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }
};

}  // namespace

TEST_CASE("shared kill: who dies while it prints leaves whole lines, and others print on") {
  sweep<PrintWorld>("print",
                    {.operation = [](PrintWorld& world) { world.print_both("abc", "def"); },
                     .verify =
                         [](PrintWorld& world) {
                           world.print_both("ghi", "jkl");
                           const std::string all = world.text();
                           INFO(all);
                           std::string lines;  // without the empty line that a death may cost
                           for (const char letter : all) {
                             if (letter != '\n' || !lines.ends_with('\n')) lines += letter;
                           }
                           if (lines.starts_with('\n')) lines.erase(0, 1);
                           const bool known = lines == "ghi\njkl\n" || lines == "abc\nghi\njkl\n" ||
                                              lines == "abc\ndef\nghi\njkl\n";
                           CHECK(known);
                           CHECK(all.size() <= lines.size() + 1);
                         }});
}

TEST_CASE("shared kill: a line that is half written at a death is ended by who prints next") {
  PrintWorld world;
  // What a child leaves that dies inside write(2): part of a line, its mark and its lock.
  test::Forked child([&world] {
    shared::detail::Mapped& mapped = MemoryAccess::mapped(world.memory);
    take_lock(mapped, mapped.header().print_lock, {});
    mapped.header().print_open.store(1);
    const bool half = ::write(world.out.get(), "ab", 2) == 2;
    if (half) ::raise(SIGKILL);
    return 1;
  });
  CHECK(child.wait() != 1);
  world.print_both("ghi", "jkl");
  CHECK(world.text() == "ab\nghi\njkl\n");
}
