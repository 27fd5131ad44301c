#include "support/neighbours.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <doctest/doctest.h>

namespace enjoin::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kHang = 60s;
const std::string kPipedCommand = "bash";
constexpr auto kAskAgain = 200ms;  // for an instant, none may run

// ---- The jobs ----------------------------------------------------------------------------------

struct Neighbour {
  std::string command;
  std::string out;
  std::string err;
  int exit = 0;
};

std::string numbers(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += std::to_string(i) + '\n';
  return text;
}

// Each writes text that no other writes, framed, so that it can be found wherever it was printed.
Neighbour neighbour(unsigned index) {
  const std::string name = "n" + std::to_string(index);
  const std::string begin = '<' + name + ">\n";
  const std::string end = "</" + name + ">\n";
  switch (index % 5) {
    case 0:  // long
      return {"echo '<" + name + ">'; seq 1 3000; echo '</" + name + ">'",
              begin + numbers(1, 3000) + end, ""};
    case 1:  // both streams
      return {"echo '<" + name + ">'; { echo '<" + name + ">'; seq 50; echo '</" + name +
                  ">'; } >&2; echo '</" + name + ">'",
              begin + end, begin + numbers(1, 50) + end};
    case 2:  // bytes that are no text
      return {"printf '<" + name + ">\\n\\0\\377\\033[31m\\n</" + name + ">\\n'",
              begin + std::string("\0\377\033[31m\n", 8) + end, ""};
    case 3:  // fails
      return {"printf '<" + name + ">\\n</" + name + ">\\n'; exit 3", begin + end, "", 3};
    default:  // no shell needed
      return {"seq -f " + name + ":%g 2", name + ":1\n" + name + ":2\n", ""};
  }
}

std::string gate_command(const std::string& here, const std::string& go) {
  return "echo x >'" + here + "'; read x <'" + go + "'; :";
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

// A file in the sandbox, but not in the folder that jobs run in: they may delete that.
std::string beside(const Sandbox& box, const std::string& name) {
  return std::filesystem::path(box.path("")).parent_path().parent_path() / "home" / name;
}

// ---- What comes of them ------------------------------------------------------------------------

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // a process may vanish while it is read of: this does not throw then
  return text.str();
}

// Takes `part` out of `text`, where it must be exactly once.
bool take_out(const std::string& part, std::string* text) {
  const std::size_t at = text->find(part);
  if (at == std::string::npos || text->find(part, at + 1) != std::string::npos) return false;
  text->erase(at, part.size());
  return true;
}

// enjoin's own lines into `messages`; the others stay.
void take_messages(std::string* err, std::string* messages) {
  std::string rest;
  for (std::size_t begin = 0; begin < err->size();) {
    const std::size_t end = std::min(err->find('\n', begin), err->size() - 1) + 1;
    const std::string line = err->substr(begin, end - begin);
    begin = end;
    (line.starts_with("enjoin: ") ? *messages : rest) += line;
  }
  *err = rest;
}

JobRow row_of(const std::string& line) {
  std::istringstream text(line);
  std::array<std::string, 9> columns;
  for (std::string& column : columns) {
    if (!std::getline(text, column, &column == &columns.back() ? '\n' : '\t')) return {};
  }
  return {std::stoi(columns[6]), std::stoi(columns[7]), std::stod(columns[3]), columns[8]};
}

std::size_t count_fds(pid_t pid) {
  std::error_code error;
  std::filesystem::directory_iterator at("/proc/" + std::to_string(pid) + "/fd", error);
  if (error) return 0;
  return static_cast<std::size_t>(std::distance(at, std::filesystem::directory_iterator()));
}

[[noreturn]] void give_up(const std::string& what, const Running& running) {
  const std::string err = running.err_so_far();
  throw std::runtime_error(what + "\n" +
                           err.substr(err.size() - std::min<std::size_t>(err.size(), 2000)));
}

// ---- One run -----------------------------------------------------------------------------------

class Run {
 public:
  Run(const Sandbox& box, const Neighbourhood& plan)
      : box_(box),
        plan_(plan),
        here_(beside(box, "here")),
        go_(beside(box, "go")),
        log_(beside(box, "log")) {
    for (const std::string& path : {here_, go_, log_}) std::filesystem::remove(path);
    make_jobs();
  }

  NeighbourRun run();

 private:
  void make_jobs();
  Running start();
  void wait_gate(const Running& running, Fifo* here, bool asks);
  void ask(const Running& running);
  int times_named(const std::string& command) const;
  void check_rows();
  void check_outputs();
  void check_left();

  const Sandbox& box_;
  const Neighbourhood& plan_;
  std::string here_;
  std::string go_;
  std::string log_;
  std::string input_;
  std::vector<std::string> commands_;    // of all jobs
  std::map<int, Neighbour> neighbours_;  // by number
  std::vector<int> hostile_;             // numbers
  Traces traces_{box_};
  NeighbourRun result_;
};

void Run::make_jobs() {
  const std::string gate = gate_command(here_, go_);
  unsigned given = 0;
  const auto add_neighbours = [&](unsigned count) {
    for (; count > 0 && given < plan_.innocent; --count, ++given) {
      const Neighbour job = neighbour(given);
      commands_.push_back(job.command);
      neighbours_[static_cast<int>(commands_.size())] = job;
    }
  };
  for (unsigned i = 0; i < plan_.at_once; ++i) commands_.push_back(gate);
  add_neighbours(plan_.innocent / 3);
  const std::size_t beside =
      plan_.innocent / 3 / std::max<std::size_t>(plan_.hostile.size(), 1) + 1;
  for (const std::string& hostile : plan_.hostile) {
    commands_.push_back(hostile);
    hostile_.push_back(static_cast<int>(commands_.size()));
    add_neighbours(static_cast<unsigned>(beside));
  }
  add_neighbours(plan_.innocent);
  for (unsigned i = 0; i < plan_.at_once; ++i) commands_.push_back(gate);
  for (const std::string& command : commands_) input_ += command + '\n';
}

Running Run::start() {
  std::vector<std::string> words{"-j" + std::to_string(plan_.at_once), "--joblog", log_};
  words.insert(words.end(), plan_.options.begin(), plan_.options.end());
  if (plan_.street == Street::kOrdered) words.emplace_back("-k");
  if (plan_.street == Street::kPiped) words.insert(words.end(), {"--pipe", "-N1", "bash"});
  RunOptions options{.input = input_, .environment = plan_.environment};
  options.environment.push_back(traces_.mark());
  if (plan_.before.empty()) return box_.start(words, options);
  std::string line = plan_.before + "\nexec enjoin";
  for (const std::string& word : words) line += ' ' + quoted(word);
  return box_.start_shell(line, options);
}

// I0: the loop that starts jobs and takes their results is the one that answers.
void Run::ask(const Running& running) {
  const auto began = Clock::now();
  const std::size_t before = running.err_so_far().size();
  auto asked = Clock::now();
  running.signal(SIGUSR1);
  while (running.err_so_far(before).find("enjoin: ") == std::string::npos) {
    if (Clock::now() - began > kHang) give_up("I0: the supervisor does not answer", running);
    if (Clock::now() - asked > kAskAgain) {
      running.signal(SIGUSR1);
      asked = Clock::now();
    }
    ::poll(nullptr, 0, 2);
  }
  ++result_.answers;
  result_.slowest = std::max(
      result_.slowest, std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began));
}

// Waits until as many jobs as run at once are at the gate.
void Run::wait_gate(const Running& running, Fifo* here, bool asks) {
  const auto began = Clock::now();
  for (unsigned arrived = 0; arrived < plan_.at_once;) {
    if (here->try_line()) {
      ++arrived;
      continue;
    }
    if (running.has_ended()) give_up("the run ended early", running);
    if (Clock::now() - began > kHang) give_up("the run hangs", running);
    if (asks) ask(running);
    ::poll(nullptr, 0, asks ? 20 : 1);
  }
}

NeighbourRun Run::run() {
  Fifo here(here_);
  Fifo go(go_);
  const std::string all_go(plan_.at_once, '\n');
  Running running = start();
  wait_gate(running, &here, false);
  ask(running);
  result_.fds_before = count_fds(running.pid());
  if (plan_.meanwhile) plan_.meanwhile(running.pid());
  go.write(all_go);
  wait_gate(running, &here, true);
  ask(running);
  result_.fds_after = count_fds(running.pid());
  go.write(all_go);
  result_.ran = running.wait();
  check_left();
  check_outputs();
  check_rows();
  return std::move(result_);
}

// In an error or a warning, by its command line as far as that needs no escapes. That a job timed
// out or left processes is said of jobs that have a row.
int Run::times_named(const std::string& command) const {
  const std::vector<std::string> lines = lines_of(result_.messages);
  int times = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const bool names = lines[i].starts_with("enjoin: Error: " + command.substr(0, 200)) ||
                       lines[i].starts_with("enjoin: Warning: " + command.substr(0, 200));
    const bool fate = lines[i - 1].find("This job failed: ") != std::string::npos ||
                      lines[i - 1].find("This job was stopped") != std::string::npos;
    if (names && fate) ++times;
  }
  return times;
}

void Run::check_rows() {
  std::vector<std::string> lines = lines_of(file_text(log_));
  if (!lines.empty()) lines.erase(lines.begin());
  for (const std::string& line : lines) {
    const int seq = std::atoi(line.c_str());
    const JobRow row = row_of(line);
    if (!row.exit) result_.broken.insert("I1: a row of the joblog is damaged: " + line);
    if (!result_.rows.emplace(seq, row).second) {
      result_.broken.insert("I1: job " + std::to_string(seq) + " has two rows");
    }
  }
  std::map<std::string, int> unlogged;
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    const int seq = static_cast<int>(i + 1);
    const std::string& command = plan_.street == Street::kPiped ? kPipedCommand : commands_[i];
    const std::string job = "job " + std::to_string(seq);
    const auto row = result_.rows.find(seq);
    const auto innocent = neighbours_.find(seq);
    if (row == result_.rows.end()) {
      ++unlogged[command];
      if (innocent != neighbours_.end()) result_.broken.insert("I3: " + job + " has no row");
    } else if (innocent != neighbours_.end() && row->second.exit != innocent->second.exit) {
      result_.broken.insert("I3: " + job + " has another status");
    } else if (row->second.command != command) {
      result_.broken.insert("I1: " + job + " has another command: " + row->second.command);
    }
  }
  for (const auto& [command, count] : unlogged) {
    if (times_named(command) == count) continue;
    result_.broken.insert("I1: without a row: " + std::to_string(count) +
                          ", named: " + std::to_string(times_named(command)) + ": " + command);
  }
  for (const int seq : hostile_) {
    const auto row = result_.rows.find(seq);
    result_.hostile.push_back(row != result_.rows.end() ? row->second : JobRow{});
  }
}

void Run::check_outputs() {
  result_.hostile_out = result_.ran.out;
  result_.hostile_err = result_.ran.err;
  take_messages(&result_.hostile_err, &result_.messages);
  std::size_t at = 0;
  for (const auto& [seq, job] : neighbours_) {
    const std::string name = "job " + std::to_string(seq);
    const std::size_t found = result_.ran.out.find(job.out);
    if (plan_.street == Street::kOrdered && !job.out.empty() && found != std::string::npos) {
      if (found < at) result_.broken.insert("I3: " + name + " is not in its place");
      at = found;
    }
    if (!job.out.empty() && !take_out(job.out, &result_.hostile_out)) {
      result_.broken.insert("I3: the stdout of " + name + " is not there once and whole");
    }
    if (!job.err.empty() && !take_out(job.err, &result_.hostile_err)) {
      result_.broken.insert("I3: the stderr of " + name + " is not there once and whole");
    }
  }
}

void Run::check_left() {
  const bool with_processes = !plan_.may_leave;
  for (const std::string& what : traces_.wait_none(with_processes, &result_.gone_after)) {
    result_.broken.insert("I2: left: " + what);
  }
  result_.left = traces_.processes();
  traces_.kill_left();
  if (plan_.counts_fds && result_.fds_after > result_.fds_before) {
    result_.broken.insert("I2: the supervisor had " + std::to_string(result_.fds_before) +
                          " descriptors, then " + std::to_string(result_.fds_after));
  }
}

}  // namespace

std::string NeighbourRun::report() const {
  std::string text;
  for (const std::string& what : broken) text += what + '\n';
  text += "exit status " + std::to_string(ran.status) + "\nstderr:\n" + ran.err.substr(0, 3000);
  text += "\nstdout that is no neighbour's:\n" + hostile_out.substr(0, 2000);
  return text;
}

NeighbourRun run_between_neighbours(const Sandbox& box, const Neighbourhood& neighbourhood) {
  NeighbourRun result = Run(box, neighbourhood).run();
  const doctest::String name = doctest::getContextOptions()->currentTest->m_name;
  std::printf("[%s] answers: %u, slowest %lld ms; gone after %lld ms; descriptors %zu, then %zu\n",
              name.c_str(), result.answers, static_cast<long long>(result.slowest.count()),
              static_cast<long long>(result.gone_after.count()), result.fds_before,
              result.fds_after);
  return result;
}

std::vector<std::string> Policies::options() const {
  return {"--leftovers", leftovers, "--worker-loss", worker_loss};
}

std::vector<Policies> leftover_policies() {
  return {{"kill", "requeue"}, {"report", "fail"}};
}

std::vector<Policies> loss_policies() {
  return {{"keep", "fail"}, {"fail", "requeue"}};
}

std::string job_program(std::string_view name) {
  return quoted(ENJOIN_TEST_JOBS "/" + std::string(name));
}

}  // namespace enjoin::test
