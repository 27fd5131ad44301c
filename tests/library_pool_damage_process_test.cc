// Workers that write over shared memory and die: the host is told of the death, and lives.

#include <csignal>
#include <cstddef>
#include <cstring>

#include <doctest/doctest.h>

#include "enjoin/pool.h"
#include "enjoin/shared.h"
#include "ipc/shared/layout.h"

using namespace enjoin;
using namespace enjoin::shared;

namespace pool_damage {

int die_after_scribble(Buffer buffer, long from, unsigned size) {
  std::memset(buffer.as<char>().data() + from, 0xff, size);
  ::raise(SIGKILL);
  return 0;
}

int give_seven() {
  return 7;
}

}  // namespace pool_damage

using namespace pool_damage;

TEST_CASE("pool damage: a worker that writes over the blocks of shared memory fails only its job") {
  Memory memory;
  const Buffer buffer = memory.buffer(64);
  Pool pool({.size = 1, .shared = &memory});
  const auto before = -static_cast<long>(sizeof(shared::detail::BlockHeader));
  CHECK_THROWS_AS(pool.submit<die_after_scribble>(buffer, before, 8).get(), WorkerDied);
  CHECK(pool.submit<give_seven>().get() == 7);
  CHECK_THROWS_AS(memory.used_bytes(), Error);
}

TEST_CASE("pool damage: a worker that writes over a queue's size fails only its job") {
  Memory memory;
  const Buffer buffer = memory.buffer(64);
  Queue<int> items(memory, {.most = 8});
  Pool pool({.size = 1, .shared = &memory});
  constexpr long most =
      64 + sizeof(shared::detail::BlockHeader) + offsetof(shared::detail::QueueData, most);
  CHECK_THROWS_AS(pool.submit<die_after_scribble>(buffer, most, 4).get(), WorkerDied);
  CHECK(pool.submit<give_seven>().get() == 7);
  CHECK_THROWS_AS(items.try_put(1), Error);
}
