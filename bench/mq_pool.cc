// A pool of two worker processes on Boost's message_queue: 64-byte jobs out, 64-byte results back.
//
//   mq_pool JOBS [DEPTH]
//
// Prints jobs a second as JSON. Two queues of DEPTH messages. The parent fills the job queue, then
// takes results while there are any, and blocks only when it can do neither: measured faster than
// a parent of two threads, one to send and one to receive. Not crash-safe: a worker killed inside a
// queue operation stops everyone.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>

#include <boost/interprocess/ipc/message_queue.hpp>

#include "bench/spawn.h"

namespace {

namespace bip = boost::interprocess;

struct Message {
  std::uint64_t id;
  unsigned char bytes[56];
};
static_assert(sizeof(Message) == 64);

constexpr int kWorkers = 2;
constexpr std::uint64_t kStop = ~std::uint64_t{0};

/// What a job does: enough to read every byte of it.
Message answer(const Message& job) {
  Message result = job;
  for (unsigned char& byte : result.bytes) byte = static_cast<unsigned char>(byte + 1);
  return result;
}

bool try_take(bip::message_queue* queue, Message* message) {
  bip::message_queue::size_type size = 0;
  unsigned priority = 0;
  return queue->try_receive(message, sizeof *message, size, priority);
}

void take(bip::message_queue* queue, Message* message) {
  bip::message_queue::size_type size = 0;
  unsigned priority = 0;
  queue->receive(message, sizeof *message, size, priority);
}

void work(bip::message_queue* jobs, bip::message_queue* results) {
  for (Message job;;) {
    take(jobs, &job);
    if (job.id == kStop) return;
    const Message result = answer(job);
    results->send(&result, sizeof result, 0);
  }
}

/// The sum of all results' ids, so that a lost or doubled one shows.
std::uint64_t run_jobs(bip::message_queue* jobs, bip::message_queue* results, std::uint64_t count,
                       std::uint64_t depth) {
  std::uint64_t sent = 0;
  std::uint64_t done = 0;
  std::uint64_t sum = 0;
  Message job{};
  Message result;
  const auto note = [&] {
    sum += result.id;
    ++done;
  };
  while (done < count) {
    // At most 2 * DEPTH under way: the workers can then always send, and this loop never deadlocks.
    while (sent < count && sent - done < 2 * depth) {
      job.id = sent;
      if (!jobs->try_send(&job, sizeof job, 0)) break;
      ++sent;
    }
    take(results, &result);
    note();
    while (try_take(results, &result)) note();
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  const std::uint64_t depth = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1024;
  if (count == 0 || depth == 0) {
    std::fputs("usage: mq_pool JOBS [DEPTH]\n", stderr);
    return 2;
  }
  const std::string base = "enjoin-bench-" + std::to_string(getpid());
  bip::message_queue jobs(bip::create_only, (base + "-jobs").c_str(), depth, sizeof(Message));
  bip::message_queue results(bip::create_only, (base + "-results").c_str(), depth, sizeof(Message));
  bip::message_queue::remove((base + "-jobs").c_str());  // inherited: no name is needed any more
  bip::message_queue::remove((base + "-results").c_str());
  for (int i = 0; i < kWorkers; ++i) {
    const pid_t pid = fork();
    if (pid < 0) bench::die("fork");
    if (pid == 0) {
      work(&jobs, &results);
      _exit(0);
    }
  }
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t sum = run_jobs(&jobs, &results, count, depth);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  Message stop{};
  stop.id = kStop;
  for (int i = 0; i < kWorkers; ++i) jobs.send(&stop, sizeof stop, 0);
  while (wait(nullptr) > 0) {
  }
  if (sum != count * (count - 1) / 2) {
    std::fputs("mq_pool: a result was lost or came twice\n", stderr);
    return 1;
  }
  std::printf("{\"jobs_per_second\": %.0f}\n", static_cast<double>(count) / wall.count());
}
