// A blocking round trip between two processes, bare and by Boost's message_queue.
//
//   pingpong bare|mq one|two ROUNDS     one: both on one core; two: each on its own
//
// Prints wall and CPU nanoseconds a round trip (CPU of both processes together) as JSON.
//
// bare: there, a futex in shared memory; back, an eventfd. It is what a supervisor needs who sleeps
// on many things (so an eventfd) and wakes one worker (so a futex), with nothing added. The ringer
// skips the FUTEX_WAKE where nobody sleeps yet, which is faster on one core. Neither side spins.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <string>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "bench/pin.h"
#include "bench/spawn.h"

namespace {

namespace bip = boost::interprocess;

struct Bell {
  std::atomic<std::uint32_t> rings;
  std::atomic<std::uint32_t> sleeping;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

void futex(std::atomic<std::uint32_t>* word, int operation, std::uint32_t value) {
  syscall(SYS_futex, word, operation, value, nullptr, nullptr, 0);
}

void ring(Bell* bell, std::uint32_t number) {
  bell->rings.store(number);
  if (bell->sleeping.load() != 0) futex(&bell->rings, FUTEX_WAKE, 1);
}

void wait_for(Bell* bell, std::uint32_t number) {
  bell->sleeping.store(1);
  while (bell->rings.load() != number) futex(&bell->rings, FUTEX_WAIT, number - 1);
  bell->sleeping.store(0);
}

/// One way to go there and back; `number` counts from 1.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual void ask(std::uint32_t number) = 0;
  virtual void answer(std::uint32_t number) = 0;
};

class BareChannel : public Channel {
 public:
  BareChannel() : back_(eventfd(0, EFD_CLOEXEC)) {
    void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (back_ < 0 || page == MAP_FAILED) bench::die("eventfd, mmap");
    bell_ = new (page) Bell{};
  }
  void ask(std::uint32_t number) override {
    ring(bell_, number);
    std::uint64_t count = 0;
    if (read(back_, &count, sizeof count) != sizeof count) bench::die("read");
  }
  void answer(std::uint32_t number) override {
    wait_for(bell_, number);
    const std::uint64_t one = 1;
    if (write(back_, &one, sizeof one) != sizeof one) bench::die("write");
  }

 private:
  int back_;
  Bell* bell_;
};

class QueueChannel : public Channel {
 public:
  QueueChannel() : there_(open("there")), back_(open("back")) {
    bip::message_queue::remove(
        name("there").c_str());  // both ends are inherited: no name is needed
    bip::message_queue::remove(name("back").c_str());
  }
  void ask(std::uint32_t number) override {
    there_.send(&number, sizeof number, 0);
    receive(&back_);
  }
  void answer(std::uint32_t number) override {
    receive(&there_);
    back_.send(&number, sizeof number, 0);
  }

 private:
  static std::string name(const char* which) {
    return "enjoin-bench-" + std::to_string(getpid()) + "-" + which;
  }
  static bip::message_queue open(const char* which) {
    return {bip::create_only, name(which).c_str(), 1, sizeof(std::uint32_t)};
  }
  static void receive(bip::message_queue* queue) {
    std::uint32_t number = 0;
    bip::message_queue::size_type size = 0;
    unsigned priority = 0;
    queue->receive(&number, sizeof number, size, priority);
  }

  bip::message_queue there_;
  bip::message_queue back_;
};

void measure(Channel* channel, bool two_cores, std::uint32_t rounds) {
  const pid_t worker = fork();
  if (worker < 0) bench::die("fork");
  bench::pin_to(worker == 0 && two_cores ? 1 : 0);
  if (worker == 0) {
    for (std::uint32_t i = 1; i <= rounds; ++i) channel->answer(i);
    _exit(0);
  }
  const double cpu_before = bench::cpu_ns(RUSAGE_SELF);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint32_t i = 1; i <= rounds; ++i) channel->ask(i);
  const std::chrono::duration<double, std::nano> wall = std::chrono::steady_clock::now() - start;
  int status = 0;
  waitpid(worker, &status, 0);
  const double cpu = bench::cpu_ns(RUSAGE_SELF) - cpu_before + bench::cpu_ns(RUSAGE_CHILDREN);
  std::printf("{\"wall_ns\": %.1f, \"cpu_ns\": %.1f}\n", wall.count() / rounds, cpu / rounds);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string kind = argc == 4 ? argv[1] : "";
  if ((kind != "bare" && kind != "mq") || std::atoi(argv[3]) < 1) {
    std::fputs("usage: pingpong bare|mq one|two ROUNDS\n", stderr);
    return 2;
  }
  const bool two_cores = std::strcmp(argv[2], "two") == 0;
  const auto rounds = static_cast<std::uint32_t>(std::atoi(argv[3]));
  if (kind == "bare") {
    BareChannel channel;
    measure(&channel, two_cores, rounds);
  } else {
    QueueChannel channel;
    measure(&channel, two_cores, rounds);
  }
}
