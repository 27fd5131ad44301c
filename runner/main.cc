#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <sys/prctl.h>

#include "enjoin/error.h"
#include "runner/batch.h"
#include "runner/cli/options.h"
#include "runner/cli/run_options.h"
#include "runner/dry_run.h"
#include "runner/mechanisms.h"
#include "runner/report/report_command.h"
#include "runner/run/run_command.h"
#include "runner/sem/sem_command.h"
#include "worker/privilege.h"
#include "worker/term_safe.h"
#include "worker/worker_main.h"

namespace {

constexpr int kOwnErrorStatus = 255;

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// Our own descriptors must never become 0, 1 or 2 of ours or of a job.
void open_missing_stdio() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      // Not O_CLOEXEC: jobs are to have it too.
      [[maybe_unused]] const int opened = ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
    }
  }
}

int print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    std::perror("enjoin: cannot write");
    return kOwnErrorStatus;
  }
  return 0;
}

// Jobs of the same user must not reach our memory and descriptors through /proc.
void hide_from_jobs() {
  ::prctl(PR_SET_DUMPABLE, 0);
}

int run_command(const std::string& command, const std::vector<std::string>& words) {
  using Action = enjoin::CommandRequest::Action;
  const enjoin::CommandRequest asked = enjoin::parse_command(command, words);
  hide_from_jobs();
  switch (asked.action) {
    case Action::kShow:
      return print(asked.text);
    case Action::kRun:
      return enjoin::run_graph(asked.run, "enjoin");
    case Action::kResume:
      return enjoin::resume_graph(asked.run, "enjoin");
    case Action::kReport:
      break;
  }
  return enjoin::report_command(asked.report);
}

int run(const std::string& program, const std::vector<std::string>& args) {
  if (program == "enjoin" && !args.empty() && enjoin::is_command(args[0]))
    return run_command(args[0], {args.begin() + 1, args.end()});
  using Action = enjoin::Invocation::Action;
  enjoin::Invocation asked =
      enjoin::parse_command_line(program, args, enjoin::Elsewhere::of_process(program));
  switch (asked.action) {
    case Action::kShow:
      return std::max(print(asked.text), asked.status);
    case Action::kShowVersionAll:
      return print(enjoin::describe_mechanisms());
    case Action::kSemaphore:
      return enjoin::run_semaphore(asked.options, asked.semaphore, program);
    case Action::kRun:
      if (!asked.text.empty() && print(asked.text) != 0) return kOwnErrorStatus;
      break;
  }
  hide_from_jobs();
  if (!asked.options.database.empty()) asked.options.words = args;
  const bool only_prints = asked.options.dry_run || asked.options.shell_quotes > 0;
  std::vector<enjoin::Options> stages{asked.options};
  stages.insert(stages.end(), asked.then.begin(), asked.then.end());
  return only_prints ? enjoin::print_commands(stages) : enjoin::run_batch(stages, program);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string called(argc > 0 ? base_name(argv[0]) : "enjoin");
  if (called == enjoin::kKeeperName || called == "enjoin-worker") {
    return enjoin::worker_program(argc, argv);
  }
  const std::string program = called == "parallel" || called == "sem" ? called : "enjoin";
  open_missing_stdio();
  std::string complaint;
  try {
    if (const char* const reason = enjoin::reason_to_refuse(enjoin::Privilege::of_process())) {
      throw enjoin::Error(reason);
    }
    return run(program, {argv + 1, argv + argc});
  } catch (const std::exception& error) {
    complaint = enjoin::term_safe_lines(program + ": Error: " + error.what()) + '\n';
  }
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, complaint.data(), complaint.size());
  return kOwnErrorStatus;
}
