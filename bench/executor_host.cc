// A host of the library's executor that runs one command many times. Prints JSON.
//
//   executor_host [--heap MIB] [--by executor|fork] [--one-by-one] JOBS COMMAND WORD...
//
// --heap       first takes so much memory and writes to every page of it
// --by fork    instead of the executor: fork, exec and wait in the host itself, one after the other
// --one-by-one the next job is added when the one before has ended: what a single start costs
// The making of the executor counts, and is also told alone; its end does not.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>

#include "enjoin/error.h"
#include "enjoin/executor.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::size_t heap_mib = 0;
  bool by_fork = false;
  bool one_by_one = false;
  std::uint32_t jobs = 0;
  std::vector<std::string> argv;
};

[[noreturn]] void leave(const std::string& why) {
  std::fprintf(stderr, "executor_host: %s\n", why.c_str());
  std::exit(2);
}

Options read_options(int argc, char** argv) {
  Options options;
  int at = 1;
  for (; at < argc && std::strncmp(argv[at], "--", 2) == 0; ++at) {
    const std::string name = argv[at];
    if (name == "--one-by-one") {
      options.one_by_one = true;
    } else if (name == "--heap" && at + 1 < argc) {
      options.heap_mib = std::strtoul(argv[++at], nullptr, 10);
    } else if (name == "--by" && at + 1 < argc) {
      options.by_fork = std::strcmp(argv[++at], "fork") == 0;
    } else {
      leave("unknown option " + name);
    }
  }
  if (argc - at < 2) leave("JOBS and a command are missing");
  options.jobs = static_cast<std::uint32_t>(std::strtoul(argv[at], nullptr, 10));
  options.argv.assign(argv + at + 1, argv + argc);
  return options;
}

void dirty_memory(std::size_t mib) {
  if (mib == 0) return;
  const std::size_t bytes = mib << 20;
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) leave("no such heap can be had");
  // Small pages, as those of a heap that has grown and been freed for hours.
  ::madvise(memory, bytes, MADV_NOHUGEPAGE);
  for (std::size_t at = 0; at < bytes; at += 4096) static_cast<volatile char*>(memory)[at] = 1;
}

void run_by_fork(const Options& options) {
  std::vector<char*> words;
  for (const std::string& word : options.argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  for (std::uint32_t job = 0; job < options.jobs; ++job) {
    const pid_t pid = ::fork();
    if (pid < 0) leave("cannot fork");
    if (pid == 0) {
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid || status != 0) leave("the command fails");
  }
}

void run_by_executor(const Options& options, enjoin::Executor* executor) {
  enjoin::Command command;
  command.argv = options.argv;
  for (std::uint32_t job = 0; job < options.jobs; ++job) {
    enjoin::JobOptions how;
    how.handlers.on_end = [](const enjoin::JobReport& report) {
      if (!report.success) leave("the command fails: " + report.err);
    };
    executor->add(command, std::move(how));
    if (options.one_by_one) executor->wait_all();
  }
  executor->wait_all();
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = read_options(argc, argv);
  dirty_memory(options.heap_mib);
  const Clock::time_point start = Clock::now();
  double made = 0;
  double all = 0;
  if (options.by_fork) {
    run_by_fork(options);
    all = seconds_since(start);
  } else {
    enjoin::Executor executor;
    made = seconds_since(start);
    run_by_executor(options, &executor);
    all = seconds_since(start);
  }
  std::printf("{\"jobs\": %u, \"seconds\": %.6f, \"made\": %.6f, \"jobs_per_second\": %.1f}\n",
              options.jobs, all, made, options.jobs / all);
  return 0;
} catch (const enjoin::Error& error) {
  leave(error.what());
}
