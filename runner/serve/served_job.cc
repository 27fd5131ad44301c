#include "runner/serve/served_job.h"

#include <algorithm>
#include <unistd.h>
#include <utility>

#include <linux/kcmp.h>
#include <sys/syscall.h>

#include "enjoin/error.h"
#include "worker/job_recipe.h"

namespace enjoin {
namespace {

bool is_one_file(int a, int b) {
  const pid_t self = ::getpid();
  return ::syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

Leftovers leftovers_of(AfterJob after) {
  switch (after) {
    case AfterJob::kKill:
      return Leftovers::kKill;
    case AfterJob::kFail:
      return Leftovers::kFail;
    case AfterJob::kKeep:
      return Leftovers::kKeep;
    case AfterJob::kReport:
      break;
  }
  return Leftovers::kReport;
}

bool has(const std::vector<std::int32_t>& targets, std::int32_t target) {
  return std::find(targets.begin(), targets.end(), target) != targets.end();
}

// Which of its streams go where, and what of it comes by descriptors besides those of the host.
void set_streams(const Command& command, JobRecipe* recipe, ServedJob* job) {
  const std::vector<std::int32_t> host_targets = recipe->descriptors;
  recipe->stdout_path = command.stdout_path;
  recipe->stderr_path = command.stderr_path;
  recipe->merges_output = command.output == Output::kMerge;
  if (command.output == Output::kDiscard) {
    if (recipe->stdout_path.empty()) recipe->stdout_path = "/dev/null";
    if (recipe->stderr_path.empty()) recipe->stderr_path = "/dev/null";
  }
  for (const std::int32_t target : {1, 2}) {
    const bool is_pipe = command.output == Output::kLines && !has(host_targets, target) &&
                         (target == 1 ? command.stdout_path : command.stderr_path).empty();
    job->lines[static_cast<std::size_t>(target - 1)] = is_pipe;
  }
  if (const auto* const file = std::get_if<InputFile>(&command.input)) {
    recipe->stdin_path = file->path;
  } else if (const auto* const bytes = std::get_if<InputBytes>(&command.input)) {
    if (!has(host_targets, 0)) job->input = bytes->bytes;
  }
  if (job->input) recipe->descriptors.push_back(0);
  if (job->lines[0]) recipe->descriptors.push_back(1);
  if (job->lines[1]) recipe->descriptors.push_back(2);
}

}  // namespace

std::shared_ptr<ipc::UniqueFd> DescriptorShare::share(std::int32_t target, ipc::UniqueFd fd) {
  if (target < 0 || target > 2) return std::make_shared<ipc::UniqueFd>(std::move(fd));
  std::weak_ptr<ipc::UniqueFd>& last = last_[static_cast<std::size_t>(target)];
  if (auto kept = last.lock(); kept && is_one_file(kept->get(), fd.get())) return kept;
  auto fresh = std::make_shared<ipc::UniqueFd>(std::move(fd));
  last = fresh;
  return fresh;
}

ServedJob served_job_of(AddJobMessage message, std::vector<ipc::UniqueFd> descriptors,
                        pid_t terminal_group, DescriptorShare* share) {
  Command& command = message.command;
  if (message.targets.size() != descriptors.size()) {
    throw Error("its descriptors and their numbers are not as many");
  }
  ServedJob job;
  JobRecipe recipe;
  recipe.label = command.name;
  if (!command.shell_line.empty()) recipe.shell = std::move(command.shell);
  recipe.line = std::move(command.shell_line);
  recipe.argv = std::move(command.argv);
  recipe.folder = std::move(command.folder);
  recipe.environment = std::move(command.environment);
  recipe.leftovers = leftovers_of(command.after);
  recipe.most_output = command.most_output;
  for (const CommandLimit& limit : command.limits) {
    recipe.limits.push_back({limit.resource, limit.value});
  }
  recipe.nice = command.nice;
  recipe.descriptors = message.targets;
  if (command.output == Output::kConsole) recipe.foreground_of = terminal_group;
  set_streams(command, &recipe, &job);
  for (std::size_t at = 0; at < descriptors.size(); ++at) {
    if (!descriptors[at]) {
      throw Error(
          "too many descriptors are open in the executor; a limit for jobs that have some"
          " of the host's, or a higher limit of open files, would help");
    }
    job.given.push_back(share->share(message.targets[at], std::move(descriptors[at])));
  }
  job.recipe = pack(recipe);
  job.timeout = command.timeout;
  job.attempts = message.options.attempts;
  return job;
}

}  // namespace enjoin
