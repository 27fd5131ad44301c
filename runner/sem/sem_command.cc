#include "runner/sem/sem_command.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/prctl.h>

#include "enjoin/error.h"
#include "runner/batch.h"
#include "runner/batch_setup.h"
#include "runner/dry_run.h"
#include "runner/sem/sem_job.h"
#include "runner/sem/semaphore.h"
#include "runner/units.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr int kGaveUpStatus = 1;

// GNU parallel's default too: what tty(1) would say.
std::string default_id() {
  const char* terminal = ::isatty(STDIN_FILENO) == 1 ? ::ttyname(STDIN_FILENO) : nullptr;
  return terminal != nullptr ? terminal : "not a tty";
}

std::uint32_t permits_of(const Options& options) {
  if (options.jobs_text.empty()) return 1;
  OpenFiles open_files{};
  ::getrlimit(RLIMIT_NOFILE, &open_files);
  // Counting the CPUs takes longer than all the rest, and a plain number does not need it.
  const bool is_number = options.jobs_text.find_first_not_of("0123456789") == std::string::npos;
  const std::uint32_t cpus = is_number ? 1 : usable_cpus(options.cpu_unit);
  return parse_jobs(options.jobs_text, cpus, most_workers(open_files));
}

void say(const std::string& message) {
  const std::string text = term_safe_lines(message);
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, text.data(), text.size());
}

// -a: the job's stdin is this file.
void take_stdin(const Options& options) {
  if (options.pipe.mode != PipeSpec::Mode::kNone || options.input.sources.empty()) return;
  const SourceSpec& source = options.input.sources.front();
  if (options.input.sources.size() > 1 || source.kind != SourceSpec::Kind::kFile) {
    throw UsageError("sem runs one command and takes no inputs: one -a at most, for its stdin");
  }
  if (source.path == "-") return;
  const ipc::UniqueFd file(::open(source.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw system_error("cannot open " + source.path, errno);
  ::dup2(file.get(), STDIN_FILENO);
}

// One job without inputs.
Options for_one_job(Options options) {
  options.jobs_text = "1";
  if (options.pipe.mode != PipeSpec::Mode::kNone) return options;
  options.is_one_job = true;
  options.input = InputSpec{};
  options.input.sources.resize(1);
  options.input.sources.front().arguments = {""};
  options.batch = BatchSpec{};
  options.batch.count_only = true;
  options.spread_batches = false;
  return options;
}

int run_job(const Options& options, const std::string& program) {
  if (options.dry_run) return print_commands({for_one_job(options)});
  if (is_simple_job(options)) return run_simple_job(options);
  ::prctl(PR_SET_DUMPABLE, 0);  // as every run
  return run_batch({for_one_job(options)}, program);
}

// In a child that nobody waits for: what goes wrong is only said.
[[noreturn]] void run_in_background(const Options& options, const std::string& program,
                                    Semaphore& semaphore) {
  try {
    run_job(options, program);
  } catch (const std::exception& error) {
    say(fmt::format("{}: Error: {}\n", program, error.what()));
  }
  semaphore.release();
  ::_exit(0);
}

}  // namespace

int run_semaphore(const Options& options, const SemaphoreSpec& spec, const std::string& program) {
  Semaphore semaphore(semaphore_folder(), spec.id.empty() ? default_id() : spec.id);
  Semaphore::Deadline deadline;
  if (spec.timeout.count() > 0) deadline = Semaphore::Clock::now() + spec.timeout;
  const auto seconds = std::chrono::duration<double>(spec.timeout).count();
  if (spec.wait) {
    if (semaphore.wait_idle(deadline)) return 0;
    if (!options.quiet) {
      say(fmt::format("{}: Warning: jobs still run after {} s; waiting no longer\n", program,
                      seconds));
    }
    return spec.give_up ? kGaveUpStatus : 0;
  }
  take_stdin(options);
  if (!semaphore.wait_acquire(permits_of(options), deadline)) {
    const char* next = spec.give_up ? "giving up" : "running without one";
    if (!options.quiet) {
      say(fmt::format("{}: Warning: no permit within {} s; {}\n", program, seconds, next));
    }
    if (spec.give_up) return kGaveUpStatus;
    semaphore.take_anyway();
  }
  if (!spec.foreground) {
    const pid_t child = ::fork();
    if (child < 0) throw system_error("cannot go to the background", errno);
    if (child > 0) return 0;
    run_in_background(options, program, semaphore);
  }
  const int status = run_job(options, program);
  semaphore.release();
  return status;
}

}  // namespace enjoin
