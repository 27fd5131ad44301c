#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "runner/cli/option_draft.h"
#include "runner/units.h"

// Options about how and when jobs run, and semaphores.

namespace enjoin {
namespace {

using Value = const std::string&;

constexpr std::uint32_t kMostRetries = 1'000'000'000;

void set_nice(Draft& draft, Value value) {
  int nice = 0;
  const char* const end = value.data() + value.size();
  const char* const begin = value.data() + (value.starts_with('+') ? 1 : 0);
  const auto [stopped, error] = std::from_chars(begin, end, nice);
  if (error != std::errc{} || stopped != end || nice < -20 || nice > 19)
    throw_malformed("--nice", value, "a whole number from -20 to 19");
  draft.options.nice = nice;
}

void set_worker_loss(Draft& draft, Value value) {
  if (value != "fail" && value != "requeue")
    throw_malformed("--worker-loss", value, "fail or requeue");
  draft.options.worker_loss = value == "fail" ? WorkerLoss::kFail : WorkerLoss::kRequeue;
}

void set_isolate(Draft& draft, Value value) {
  if (value != "none" && value != "pid") throw_malformed("--isolate", value, "none or pid");
  draft.options.isolate = value == "pid" ? Isolate::kPid : Isolate::kNone;
}

void set_leftovers(Draft& draft, Value value) {
  constexpr std::pair<std::string_view, Leftovers> kWords[] = {{"keep", Leftovers::kKeep},
                                                               {"report", Leftovers::kReport},
                                                               {"kill", Leftovers::kKill},
                                                               {"fail", Leftovers::kFail}};
  for (const auto& [word, policy] : kWords) {
    if (value != word) continue;
    draft.options.leftovers = policy;
    return;
  }
  throw_malformed("--leftovers", value, "keep, report, kill or fail");
}

void set_jobserver(Draft& draft, Value value) {
  constexpr std::pair<std::string_view, JobserverMode> kWords[] = {{"auto", JobserverMode::kAuto},
                                                                   {"off", JobserverMode::kOff},
                                                                   {"pipe", JobserverMode::kPipe},
                                                                   {"fifo", JobserverMode::kFifo}};
  for (const auto& [word, mode] : kWords) {
    if (value != word) continue;
    draft.options.jobserver = mode;
    return;
  }
  throw_malformed("--jobserver", value, "auto, off, pipe or fifo");
}

void set_jobs(Draft& draft, Value value) {
  check_given("-j", value, "N, N%, +N, -N, 0, auto or a file that holds one");
  parse_jobs(value, 1, 1);  // for its checks: the numbers are the program's to know
  draft.options.jobs_text = value;
}

/// "2s", or "2sauto", which adapts.
void set_delay(Draft& draft, Value value) {
  std::string_view text = value;
  draft.options.delay_adapts = text.ends_with("auto");
  if (draft.options.delay_adapts) text.remove_suffix(4);
  draft.options.delay = parse_duration(text, "--delay");
}

/// By its name, with or without SIG, in capitals or not; or by its number. 0 where it is none.
int signal_of(std::string text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, number).ptr == end)
    return number > 0 && number <= SIGRTMAX ? number : 0;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::toupper(byte)); });
  if (text.starts_with("SIG")) text.erase(0, 3);
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const char* const name = ::sigabbrev_np(signal);
    if (name != nullptr && text == name) return signal;
  }
  return 0;
}

void set_stop_ladder(Draft& draft, Value value) {
  constexpr std::string_view kForms = "signals and milliseconds in turn: TERM,200,KILL,25";
  std::vector<StopStep> ladder;
  bool is_time = false;
  for (std::string_view rest = value;;) {
    const std::string_view item = rest.substr(0, rest.find(','));
    if (is_time) {
      std::uint32_t wait_ms = 0;
      const auto [stopped, error] =
          std::from_chars(item.data(), item.data() + item.size(), wait_ms);
      if (error != std::errc{} || stopped != item.data() + item.size() || item.empty())
        throw_malformed("--termseq", value, kForms);
      ladder.back().wait_ms = wait_ms;
    } else {
      const int signal = signal_of(std::string(item));
      if (signal == 0) throw_malformed("--termseq", value, kForms);
      ladder.push_back({signal, 0});
    }
    is_time = !is_time;
    if (item.size() == rest.size()) break;
    rest.remove_prefix(item.size() + 1);
  }
  draft.options.stop_ladder = std::move(ladder);
}

void set_slot_variable(Draft& draft, Value value) {
  const auto is_right = [](unsigned char byte) { return std::isalnum(byte) != 0 || byte == '_'; };
  if (value.empty() || std::isdigit(static_cast<unsigned char>(value[0])) != 0 ||
      !std::all_of(value.begin(), value.end(), is_right))
    throw_malformed("--process-slot-var", value, "the name of a variable");
  draft.options.slot_variable = value;
}

void set_semaphore_timeout(Draft& draft, Value value) {
  draft.is_semaphore = true;
  draft.semaphore.give_up = value.starts_with('-');
  draft.semaphore.timeout = parse_duration(
      std::string_view(value).substr(draft.semaphore.give_up ? 1 : 0), "--semaphoretimeout");
}

void set_retries(Draft& draft, Value value) {
  draft.options.retries_text.clear();
  if (value.find('{') != std::string::npos) {
    draft.options.retries_text = value;
  } else {
    draft.options.retries = to_count(value, "--retries", 0, kMostRetries);
  }
}

constexpr Setter kSetters[] = {
    {"jobs", set_jobs},
    {"jobserver", set_jobserver},
    {"delay", set_delay},
    {"timeout", [](Draft& d, Value v) { d.options.timeout = parse_timeout(v); }},
    {"retries", set_retries},
    {"keep-going", [](Draft& d, Value) { d.options.keep_going = true; }},
    {"halt", [](Draft& d, Value v) { d.options.halt = parse_halt(v); }},
    {"term-seq", set_stop_ladder},
    {"nice", set_nice},
    {"rlimit", [](Draft& d, Value v) { d.options.limits = parse_limits(v); }},
    {"workdir",
     [](Draft& d, Value v) {
       check_given("--workdir", v, "a folder, or ... for fresh ones");
       d.options.work_folder = v;
     }},
    {"env",
     [](Draft& d, Value v) {
       check_given("--env", v, "the name of a variable, or _ for all");
       d.options.environment.push_back(v);
     },
     true},
    {"process-slot-var", set_slot_variable},
    {"tty", [](Draft& d, Value) { d.tty = d.options.terminal = true; }},
    {"open-tty", [](Draft& d, Value) { d.options.terminal = true; }},
    {"interactive", [](Draft& d, Value) { d.options.interactive = true; }},
    {"worker-loss", set_worker_loss},
    {"leftovers", set_leftovers},
    {"isolate", set_isolate},

    {"load",
     [](Draft& d, Value v) {
       check_given("--load", v, "N, N%, +N, -N or a file that holds one");
       d.options.admission.load = v;
     }},
    {"memfree",
     [](Draft& d, Value v) { d.options.admission.free_memory = parse_size(v, "--memfree"); }},
    {"memsuspend",
     [](Draft& d, Value v) { d.options.admission.suspend_memory = parse_size(v, "--memsuspend"); }},
    {"noswap", [](Draft& d, Value) { d.options.admission.no_swap = true; }},
    {"limit",
     [](Draft& d, Value v) {
       check_given("--limit", v, "a command, or io N, load N, mem SIZE");
       d.options.admission.limit_command = v;
     }},
    {"use-cores-instead-of-threads", [](Draft& d, Value) { d.options.cpu_unit = CpuUnit::kCores; }},
    {"use-sockets-instead-of-threads",
     [](Draft& d, Value) { d.options.cpu_unit = CpuUnit::kSockets; }},

    {"semaphore", [](Draft& d, Value) { d.is_semaphore = true; }},
    {"fg", [](Draft& d, Value) { d.is_semaphore = d.semaphore.foreground = true; }},
    {"bg", [](Draft& d, Value) { d.is_semaphore = d.background = true; }},
    {"wait", [](Draft& d, Value) { d.is_semaphore = d.semaphore.wait = true; }},
    {"semaphore-name",
     [](Draft& d, Value v) {
       check_given("--id", v, "a name");
       d.is_semaphore = true;
       d.semaphore.id = v;
     }},
    {"semaphore-timeout", set_semaphore_timeout},
};

}  // namespace

std::span<const Setter> running_setters() {
  return kSetters;
}

}  // namespace enjoin
