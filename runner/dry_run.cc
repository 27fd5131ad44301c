#include "runner/dry_run.h"

#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include "enjoin/error.h"
#include "ipc/layout.h"
#include "runner/batch_setup.h"
#include "runner/pipe/job_feed.h"
#include "runner/selection.h"
#include "runner/values/evaluator.h"
#include "worker/decorate.h"
#include "worker/job_strings.h"
#include "worker/shell_quote.h"
#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kBlockBytes = 60'000;
constexpr std::size_t kMostEvaluated = 64;
constexpr int kReaderGone = 255;

// False: the reader has had enough.
bool flush(std::string* out) {
  std::string_view rest = *out;
  while (!rest.empty()) {
    const ssize_t done = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EPIPE) return false;
    if (done < 0) throw system_error("cannot write the commands", errno);
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  out->clear();
  return true;
}

void wait_for_input(const Batcher& batcher, const JobFeed* feed) {
  if (feed == nullptr) {
    pollfd watched{batcher.wait_fd(), POLLIN, 0};
    ::poll(&watched, 1, -1);
    return;
  }
  constexpr int kDeadlineStepMs = 100;
  int fds[JobFeed::kMostWaits];
  pollfd watched[JobFeed::kMostWaits];
  const std::size_t count = feed->wait_fds(true, fds);
  for (std::size_t i = 0; i < count; ++i) watched[i] = {fds[i], POLLIN, 0};
  ::poll(watched, count, feed->deadline() ? kDeadlineStepMs : -1);
}

class CommandPrinter {
 public:
  CommandPrinter(Options options, std::uint64_t last_number);
  int run();
  std::uint64_t last_number() const { return selection_.last_number(); }

 private:
  Pull pull(Batch* batch);
  void show_all(std::uint64_t total);
  void show(const Batch& batch);
  bool flush_if_large() { return out_.size() <= kBlockBytes || flush(&out_); }

  Options options_;
  const std::uint32_t workers_;
  Selection selection_;
  const std::unique_ptr<InputSource> source_;
  Evaluator evaluator_;
  const Template command_;
  std::optional<Template> tag_;
  Batcher batcher_;
  std::unique_ptr<JobFeed> feed_;
  std::vector<Evaluator::Candidate> jobs_;  // pulled and not yet shown
  JobStrings strings_;
  std::string line_;
  std::string quoted_;
  std::string tag_text_;
  std::string out_;
  const bool on_terminal_ = ::isatty(STDOUT_FILENO) == 1;
};

CommandPrinter::CommandPrinter(Options options, std::uint64_t last_number)
    : options_(std::move(options)),
      workers_(parse_jobs(jobs_text(options_), usable_cpus(options_.cpu_unit), ipc::kMaxWorkers)),
      selection_(Selection::open(options_)),
      source_(open_source(options_, selection_, &options_.command.names)),
      evaluator_(workers_),
      command_(Template::parse(evaluator_.adopt(command_spec(options_)))),
      batcher_(*source_, batch_spec(options_, workers_), command_) {
  selection_.number_from(last_number);
  selection_.look_at_results(options_);
  WorkerConfig config;
  config.command = command_spec(options_);
  config.tag = tag_template(options_);
  adopt_templates(options_, &evaluator_, &config);
  evaluator_.correct_lengths(command_spec(options_), &batcher_);
  if (config.tag) tag_ = Template::parse(*config.tag);
  if (is_piped(options_)) {
    feed_ = open_job_feed(
        options_, {.workers = workers_, .arguments = &batcher_, .warn = [](const auto&) {}});
  }
}

int CommandPrinter::run() {
  const std::size_t most = evaluator_.needs_total() ? SIZE_MAX : kMostEvaluated;
  while (true) {
    Evaluator::Candidate job;
    const Pull pulled = pull(&job.batch);
    if (pulled == Pull::kRecord) {
      jobs_.push_back(std::move(job));
      if (jobs_.size() < most) continue;
    }
    if (pulled == Pull::kEnd || !evaluator_.needs_total()) show_all(selection_.numbered());
    if (evaluator_.exit_status()) break;
    if (!flush_if_large()) return kReaderGone;
    if (pulled == Pull::kEnd) break;
    if (pulled == Pull::kWouldBlock) {
      if (!flush(&out_)) return kReaderGone;
      wait_for_input(batcher_, feed_.get());
    }
  }
  return flush(&out_) ? evaluator_.exit_status().value_or(0) : kReaderGone;
}

// The next job that would run.
Pull CommandPrinter::pull(Batch* batch) {
  while (true) {
    const Pull pulled = feed_ ? feed_->pull(batch) : batcher_.pull(batch);
    if (pulled != Pull::kRecord) return pulled;
    batch->seq = selection_.next_number();
    if (selection_.wants(*batch)) return pulled;
  }
}

void CommandPrinter::show_all(std::uint64_t total) {
  evaluator_.evaluate(jobs_, total);
  for (const Evaluator::Candidate& job : jobs_) {
    if (!job.skip) show(job.batch);
  }
  jobs_.clear();
}

void CommandPrinter::show(const Batch& batch) {
  strings_.cut(batch.bytes, batch.values);
  const JobInputs inputs = strings_.inputs(batch.columns);
  const auto slot = static_cast<std::uint32_t>((batch.seq - 1) % workers_ + 1);
  const JobNumbers numbers{batch.seq, slot};
  command_.expand_line(inputs, numbers, &line_);
  for (std::uint32_t i = 0; i < options_.shell_quotes; ++i) {
    quoted_.clear();
    append_shell_quoted(line_, &quoted_);
    line_.swap(quoted_);
  }
  line_ += '\n';
  if (tag_) {
    tag_->expand_line(inputs, numbers, &tag_text_);
    quoted_.clear();
    LineTagger(tag_text_).append(line_, &quoted_);
    line_.swap(quoted_);
  }
  // A pipe or a file gets the command as it is.
  out_ += on_terminal_ ? term_safe_lines(line_) : line_;
}

}  // namespace

int print_commands(const std::vector<Options>& stages) {
  std::uint64_t last_number = 0;
  for (const Options& stage : stages) {
    CommandPrinter printer(selected_options(stage), last_number);
    if (const int status = printer.run(); status != 0) return status;
    last_number = printer.last_number();
  }
  return 0;
}

}  // namespace enjoin
