#include "support/killed_team.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "support/team_run.h"

namespace enjoin::test {
namespace {

ipc::UniqueFd memory_file() {
  ipc::UniqueFd made(::memfd_create("play", MFD_CLOEXEC));
  if (!made) throw std::runtime_error("memfd_create failed");
  return made;
}

void make_pipe(ipc::UniqueFd (&ends)[2]) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
  ends[0].reset(pipe[0]);
  ends[1].reset(pipe[1]);
}

std::string text_of(int fd) {
  std::string text;
  char chunk[4096];
  for (ssize_t got; (got = ::pread(fd, chunk, sizeof chunk, static_cast<off_t>(text.size()))) > 0;)
    text.append(chunk, static_cast<std::size_t>(got));
  return text;
}

// The lines of a text, each with its newline, sorted.
std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string shown(const std::string& text) {
  std::string line = text.substr(0, 400);
  std::replace(line.begin(), line.end(), '\n', '|');
  return line;
}

}  // namespace

TeamSpec play_spec(std::uint32_t workers) {
  TeamSpec spec = line_spec(workers);
  if (const char* other = std::getenv("ENJOIN_KILL_WORKER"); other != nullptr) {
    ::setenv("ENJOIN_WORKER", other, 1);
  }
  spec.worker_loss = WorkerLoss::kRequeue;
  return spec;
}

Stage::Stage(const Play& play)
    : play_(&play),
      told_(static_cast<Told*>(::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0))),
      effects_(memory_file()),
      streams_{memory_file(), memory_file()},
      command_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      test_(::getpid()) {
  if (told_ == MAP_FAILED) throw std::runtime_error("mmap failed");
  effects_path_ = "/proc/" + std::to_string(test_) + "/fd/" + std::to_string(effects_.get());
  make_pipe(announce_);
  make_pipe(gate_);
}

Stage::~Stage() {
  ::munmap(told_, sizeof(Told));
}

// ---- in the team's process ---------------------------------------------------------------------

void Stage::perform() {
  for (int stream : {0, 1}) ::dup2(streams_[stream].get(), 1 + stream);
  LocalTeam team(play_->spec);
  team_ = &team;
  play_->act(*this);
  open_gate();  // for what was left behind
  told_->woken = static_cast<std::uint32_t>(team.counters().woken);
}

void Stage::start(std::uint64_t seq, const std::string& line, std::chrono::nanoseconds timeout) {
  while (team_->room() == 0) {
    team_->wait({}, std::chrono::nanoseconds(-1));
    take_results();
  }
  Job job = line_job(seq, line);
  job.timeout = timeout;
  team_->start(std::move(job));
}

void Stage::start_effect(std::uint64_t seq, const std::string& words,
                         std::chrono::nanoseconds timeout) {
  const std::string line = std::string(ENJOIN_TEST_JOBS) + "/effect " + effects_path_ + ' ' +
                           std::to_string(seq) + words;
  start(seq, line, timeout);
}

std::string Stage::gate_words() const {
  const std::string folder = "/proc/" + std::to_string(test_) + "/fd/";
  return " gate " + folder + std::to_string(announce_[1].get()) + ' ' + folder +
         std::to_string(gate_[0].get());
}

std::string Stage::leave_words() const {
  return " leave /proc/" + std::to_string(test_) + "/fd/" + std::to_string(gate_[0].get());
}

void Stage::take_results() {
  team_->collect([this](JobResult& result) {
    const std::uint64_t seq = result.job.id.seq;
    if (seq == 0 || seq > play_->jobs) {
      ++told_->strange;
      return;
    }
    ++told_->recorded[seq];
    const bool well =
        play_->ends_well ? play_->ends_well(seq, result.outcome) : succeeded(result.outcome);
    if (well) ++told_->well[seq];
    if (std::holds_alternative<Lost>(result.outcome)) ++told_->lost[seq];
    std::snprintf(told_->how[seq], sizeof told_->how[seq], "%s", to_string(result.outcome).c_str());
  });
}

void Stage::finish_but(std::size_t active) {
  take_results();
  while (active == 0 ? team_->unfinished() > 0 : team_->active() > active) {
    team_->wait({}, std::chrono::nanoseconds(-1));
    take_results();
  }
}

void Stage::wait_until_announced() {
  pollfd ready{announce_[0].get(), POLLIN, 0};
  while (::poll(&ready, 1, 0) == 0 && team_->unfinished() > 0) {
    const int readable[] = {announce_[0].get()};
    team_->wait(readable, std::chrono::nanoseconds(-1));
    take_results();
  }
}

void Stage::open_gate() {
  [[maybe_unused]] const ssize_t done = ::write(gate_[1].get(), "................", 16);
}

void Stage::finish_with_command(const std::function<void()>& act) {
  // A moment may come only because of what `act` does: then that does not wait for the command.
  constexpr int kPatienceMs = 300;
  for (bool acted = false; !acted || team_->unfinished() > 0;) {
    pollfd ready{command_.get(), POLLIN, 0};
    const bool idle = team_->unfinished() == 0;
    const bool commanded = ::poll(&ready, 1, idle ? kPatienceMs : 0) > 0;
    if (!acted && (commanded || idle)) {
      act();
      acted = true;
    }
    if (commanded) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = ::read(command_.get(), &count, sizeof count);
      ::raise(kLetGo);
    }
    const int readable[] = {command_.get()};
    if (team_->unfinished() > 0) team_->wait(readable, std::chrono::nanoseconds(-1));
    take_results();
  }
}

// ---- in the test -------------------------------------------------------------------------------

void Stage::command() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t done = ::write(command_.get(), &one, sizeof one);
}

std::vector<std::string> Stage::judge(const TracedRun& run) const {
  std::vector<std::string> wrong;
  if (run.end == TracedRun::End::kHang) wrong.emplace_back("HANG: the run does not end");
  if (run.left_processes) wrong.emplace_back("something outlived the run");
  if (run.end != TracedRun::End::kEnded) return wrong;
  if (run.kills == 0 && told_->woken > 0) {
    wrong.emplace_back("HANG: a worker slept while a job waited, until somebody looked after it");
  }
  if (!WIFEXITED(run.status) || WEXITSTATUS(run.status) != 0) {
    wrong.push_back("the run ended with wait status " + std::to_string(run.status) + ": " +
                    shown(text_of(streams_[1].get())));
  }
  for (std::string& what : judge_jobs(run.kills)) wrong.push_back(std::move(what));
  for (std::string& what : judge_output()) wrong.push_back(std::move(what));
  return wrong;
}

std::vector<std::string> Stage::judge_jobs(unsigned kills) const {
  std::vector<std::string> wrong;
  const auto check = [&wrong](bool good, std::uint64_t seq, const std::string& what) {
    if (!good) wrong.push_back("job " + std::to_string(seq) + ' ' + what);
  };
  std::vector<std::uint32_t> ran(play_->jobs + 1);
  for (const std::string& line : sorted_lines(text_of(effects_.get()))) {
    const std::size_t seq = static_cast<std::size_t>(std::atoi(line.c_str()));
    if (seq < ran.size()) ++ran[seq];
  }
  const bool requeue = play_->spec.worker_loss == WorkerLoss::kRequeue;
  std::uint32_t all_lost = 0;
  for (std::uint64_t seq = 1; seq <= play_->jobs; ++seq) {
    const std::uint32_t times = told_->recorded[seq];
    const std::uint32_t lost = told_->lost[seq];
    all_lost += lost;
    check(times == 1, seq, "was recorded " + std::to_string(times) + " times");
    check(told_->well[seq] + lost == times, seq,
          std::string("did not end as it should: ") + told_->how[seq]);
    check(lost == 0 || !requeue, seq, "is lost, though it was to run again");
    if (play_->is_no_op(seq)) continue;
    const std::uint32_t most = requeue ? 1 + kills : 1;
    check(ran[seq] <= most, seq, "ran " + std::to_string(ran[seq]) + " times");
    check(ran[seq] >= 1 || lost > 0, seq, "is recorded and did not run");
  }
  if (all_lost > kills) wrong.push_back(std::to_string(all_lost) + " jobs lost with one worker");
  if (told_->strange > 0) wrong.emplace_back("a result of no job");
  return wrong;
}

std::string Stage::expected(std::uint64_t seq, int stream) const {
  if (play_->is_no_op(seq)) return {};
  if (stream == 0 && play_->out) return play_->out(seq);
  return (stream == 0 ? "out " : "err ") + std::to_string(seq) + '\n';
}

std::vector<std::string> Stage::judge_output() const {
  std::vector<std::string> wrong;
  for (int stream : {0, 1}) {
    std::string found = text_of(streams_[stream].get());
    // What is printed for a dead worker is not decorated.
    for (std::size_t at; play_->spec.worker.tag && (at = found.find('\t')) != found.npos;) {
      found.erase(at - 2, 3);
    }
    for (std::string& what : judge_stream(stream, found)) wrong.push_back(std::move(what));
  }
  return wrong;
}

// What lost jobs wrote may be there whole, in part, or not at all.
std::vector<std::string> Stage::judge_stream(int stream, const std::string& found) const {
  std::string wanted;
  std::string rest = found;
  for (std::uint64_t seq = 1; seq <= play_->jobs; ++seq) {
    const std::string text = expected(seq, stream);
    if (told_->lost[seq] > 0) {
      if (const std::size_t at = text.empty() ? rest.npos : rest.find(text); at != rest.npos) {
        rest.erase(at, text.size());
      }
      continue;
    }
    wanted += text;
  }
  const bool same =
      play_->spec.ordered ? rest == wanted : sorted_lines(rest) == sorted_lines(wanted);
  if (same) return {};
  return {std::string(stream == 0 ? "stdout" : "stderr") + " is '" + shown(found) +
          "' and should be '" + shown(wanted) + '\''};
}

}  // namespace enjoin::test
