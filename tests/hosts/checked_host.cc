// A small host for valgrind and for the thread sanitizer: `checked_host WHAT…`, each of "executor",
// "processes", "fork", "threads". Says what went wrong, and leaves with 1 then.

#include <atomic>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "enjoin/executor.h"
#include "enjoin/pool.h"

namespace {

bool check(bool holds, const char* what) {
  if (!holds) std::printf("not so: %s\n", what);
  return holds;
}

long measure(const std::string& text, long plus) {
  if (plus < 0) throw enjoin::Error("negative");
  return static_cast<long>(text.size()) + plus;
}
ENJOIN_FUNCTION(measure);

bool run_executor() {
  enjoin::Executor executor({.cpus = 2});
  std::string seen;
  enjoin::Command lines;
  lines.shell_line = "echo one; echo two";
  lines.output = enjoin::Output::kLines;
  enjoin::JobOptions options;
  options.handlers.on_line = [&seen](enjoin::JobId, int, std::string_view line) { seen += line; };
  const enjoin::JobId first = executor.add(lines, options);
  enjoin::Command captured;
  captured.argv = {"cat"};
  captured.input = enjoin::InputBytes{"from the host\n"};
  enjoin::JobOptions after;
  after.needs = {first};
  executor.add(captured, after);
  bool good = check(executor.wait_all(), "two jobs succeed");
  std::string out;
  while (const auto report = executor.try_take()) out += report->out;
  good &= check(seen == "onetwo", "each line is told");
  good &= check(out == "from the host\n", "what a job wrote is captured");
  enjoin::Command endless;
  endless.argv = {"sleep", "1000"};
  const enjoin::JobId job = executor.add(endless);
  while (executor.running() == 0) executor.wait();
  executor.cancel(job, enjoin::Stop::kNow);
  good &= check(!executor.wait_all(), "what is cancelled does not succeed");
  return good;
}

bool use_pool(enjoin::Workers workers, enjoin::Start start) {
  enjoin::Pool pool({.workers = workers, .size = 2, .start = start});
  std::vector<enjoin::Future<long>> futures;
  const std::string large(100'000, 'x');
  for (long i = 0; i < 20; ++i) futures.push_back(pool.submit(measure, large, i));
  long sum = 0;
  for (auto& future : futures) sum += future.get();
  bool good = check(sum == 20 * 100'000 + 190, "results come back");
  auto failing = pool.submit(measure, std::string("x"), -1L);
  try {
    failing.get();
    good = check(false, "what a function throws comes back");
  } catch (const enjoin::RemoteError&) {
  }
  return good;
}

/// One pool, used by several threads of the host.
bool share_pool(enjoin::Workers workers) {
  enjoin::Pool pool({.workers = workers, .size = 2});
  std::atomic<long> sum{0};
  std::vector<std::thread> users;
  for (int user = 0; user < 3; ++user) {
    users.emplace_back([&] {
      for (long i = 0; i < 50; ++i) sum += pool.submit(measure, std::string("ab"), i).get();
      for (const long one : pool.map([](long x) { return x + 1; }, std::vector<long>(100, 1))) {
        sum += one;
      }
    });
  }
  for (std::thread& user : users) user.join();
  return check(sum == 3 * (100 + 1225 + 200), "threads share a pool");
}

bool run(std::string_view what) {
  using enjoin::Start;
  using enjoin::Workers;
  if (what == "executor") return run_executor();
  if (what == "fork") return use_pool(Workers::kProcesses, Start::kFork);
  if (what == "processes") {
    return use_pool(Workers::kProcesses, Start::kExec) && share_pool(Workers::kProcesses);
  }
  if (what == "threads") {
    return use_pool(Workers::kThreads, Start::kExec) && share_pool(Workers::kThreads);
  }
  return check(false, "an argument is known");
}

}  // namespace

int main(int argc, char** argv) {
  enjoin::worker_main(argc, argv);
  bool good = true;
  for (int at = 1; at < argc; ++at) {
    try {
      good &= run(argv[at]);
    } catch (const std::exception& error) {
      std::printf("%s: %s\n", argv[at], error.what());
      good = false;
    }
  }
  return good ? 0 : 1;
}
