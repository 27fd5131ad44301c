// Jobs that are described whole (job_recipe.h).

#include <cerrno>
#include <cstring>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "enjoin/error.h"
#include "worker/term_safe.h"
#include "worker/worker.h"
#include "worker/worker_job.h"

namespace enjoin {

// True where it may turn out to need no process.
bool Worker::take_recipe(Job& job) {
  const std::span<const char> bytes = memory_.payload(job.slot);
  recipe_->take({bytes.data(), bytes.size()});
  job.inputs = recipe_->inputs();
  job.numbers = {job.slot.seq, start_.id.number + 1};
  job.leftovers = recipe_->recipe().leftovers;
  job.isolate = recipe_->recipe().isolate;
  if (config_.verbose != Verbose::kNo || is_table()) line_ = recipe_->shown_line();
  return recipe_->is_no_op();
}

// Returns 0 or errno; ECANCELED where the job is not to be started any more.
int Worker::take_descriptors(Job& job) {
  const auto stopped = [&] { return stop_wanted(job.slot.ticket) != Stop::kNo; };
  ipc::StdinAnswer answer;
  std::vector<ipc::UniqueFd> given(recipe_->descriptors_wanted());
  if (!link_.ask_stdin(job.slot.ticket, job.slot.handle, stopped, &answer, given)) return ECANCELED;
  int error = answer.kind == ipc::StdinKind::kFailed ? answer.error : 0;
  const bool whole =
      answer.kind == ipc::StdinKind::kDescriptors && answer.descriptors() == given.size();
  if (error == 0 && !whole) error = EBADF;
  if (error == 0) error = recipe_->take_descriptors(std::move(given));
  if (error != 0) {
    recipe_->complain(std::string("cannot be given its descriptors: ") + std::strerror(error));
  }
  return error;
}

// Returns 0 or errno; the recipe knows more about that.
int Worker::start_recipe(Job& job) {
  if (job.isolate == Isolate::kPid && !isolation_) {
    try {
      isolation_.emplace();
    } catch (const Error& error) {
      recipe_->complain(error.what());
      return EPERM;
    }
  }
  SpawnRequest request = request_for(job);
  recipe_->fill(job.slot.seq, &request);
  if (const std::int32_t owner = recipe_->recipe().foreground_of; owner != 0) {
    foreground_ = ForegroundLoan(owner);
    request.foreground = foreground_.terminal();
  }
  for (int tries = 0;; ++tries) {
    const RecipeStart::Way way = recipe_->choose(tries, &request);
    if (way == RecipeStart::Way::kNotToFind) return ENOENT;
    const int error = spawn_job(request, job);
    if (error == 0 || error == EAGAIN) return error;
    const bool lasts = way != RecipeStart::Way::kDirect || error == E2BIG || error == ENOMEM;
    if (!lasts) continue;
    recipe_->complain("cannot execute", request.path, error);
    return error;
  }
}

// In its stderr, as a shell would.
void Worker::explain_failure(Job& job) {
  if (recipe_->complaint().empty()) return;
  const std::string text =
      "enjoin: " + term_safe(recipe_->recipe().label) + ": " + recipe_->complaint() + '\n';
  const int fd = capture_->job_fd(recipe_->recipe().merges_output ? kStdout : kStderr);
  if (::write(fd >= 0 ? fd : STDERR_FILENO, text.data(), text.size()) < 0) return;
  job.wrote = true;
  capture_->finish();
}

}  // namespace enjoin
