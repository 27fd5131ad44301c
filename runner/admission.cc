#include "runner/admission.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

#include "enjoin/error.h"
#include "runner/units.h"

namespace enjoin {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kSoon{20};
constexpr milliseconds kLoadPause{100};
constexpr milliseconds kMemoryPause{200};
constexpr milliseconds kCommandPause{200};
constexpr seconds kWindow{1};
// How long a measured load counts, together with the jobs that were started since.
constexpr milliseconds kLoadHolds{20};
constexpr double kLeastLoad = 0.01;
constexpr const char* kLoadForms =
    "a number, a percentage of the CPUs (80%), +N or -N, or a file that holds one of these";

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char byte) { return byte == ' ' || byte == '\n' || byte == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

std::optional<double> load_in(std::string_view text, std::uint32_t cpus) {
  if (text.empty()) return {};
  const char sign = text.front();
  const bool is_sum = sign == '+' || sign == '-';
  const bool is_share = text.back() == '%' && !is_sum;
  if (is_sum) text.remove_prefix(1);
  if (is_share) text.remove_suffix(1);
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front())) == 0) return {};
  const std::optional<double> number = number_in(text);
  if (!number) return {};
  double load = *number;
  if (is_share) load = *number * cpus / 100;
  if (sign == '+') load = cpus + *number;
  if (sign == '-') load = cpus - *number;
  return std::max(load, kLeastLoad);
}

bool takes_name(std::string_view* text, std::string_view name) {
  if (!text->starts_with(name) || text->size() == name.size()) return false;
  const char next = (*text)[name.size()];
  if (next != ' ' && next != '\t') return false;
  *text = trimmed(text->substr(name.size()));
  return true;
}

}  // namespace

LimitRule parse_limit(std::string_view text) {
  LimitRule rule;
  std::string_view rest = trimmed(text);
  if (rest.empty()) throw Error("--limit '': expected a command, or `io N`, `mem SIZE`, `load N`");
  if (takes_name(&rest, "load")) {
    rule.kind = LimitRule::Kind::kLoad;
    rule.load = rest;
  } else if (takes_name(&rest, "mem")) {
    rule.kind = LimitRule::Kind::kMemory;
    rule.memory = parse_size(rest, "--limit mem");
  } else if (takes_name(&rest, "io")) {
    rule.kind = LimitRule::Kind::kDisk;
    if (rest.ends_with('%')) rest.remove_suffix(1);
    const std::optional<double> percent = number_in(rest);
    if (!percent || *percent < 0 || *percent > 100) {
      throw Error(fmt::format("--limit 'io {}': expected a percentage from 0 to 100", rest));
    }
    rule.disk_percent = *percent;
  } else {
    rule.kind = LimitRule::Kind::kCommand;
  }
  return rule;
}

double parse_load(std::string_view text, std::uint32_t cpus, Machine& machine, bool* is_file) {
  *is_file = false;
  if (const auto load = load_in(trimmed(text), cpus)) return *load;
  const std::optional<std::string> content = machine.read_file(std::string(text));
  if (!content) throw Error(fmt::format("--load '{}': expected {}", text, kLoadForms));
  *is_file = true;
  if (const auto load = load_in(trimmed(*content), cpus)) return *load;
  throw Error(fmt::format("--load '{}': the file holds '{}'; expected {}", text,
                          trimmed(*content).substr(0, 40), kLoadForms));
}

Admission::Admission(const AdmissionSpec& spec, std::uint32_t cpus, Machine& machine,
                     LimitCommand* command)
    : spec_(spec), cpus_(cpus), machine_(machine), command_(command) {
  if (!spec.limit_command.empty()) limit_ = parse_limit(spec.limit_command);
  load_text_ = limit_.kind == LimitRule::Kind::kLoad ? limit_.load : spec.load;
  if (limit_.kind == LimitRule::Kind::kLoad && !spec.load.empty()) {
    throw Error("--load and --limit load say the same thing twice: give one of them");
  }
  if (!load_text_.empty()) most_load_ = parse_load(load_text_, cpus_, machine_, &load_is_file_);
  memory_ = std::max(spec.free_memory, limit_.memory);
  on_ = !load_text_.empty() || memory_ != 0 || spec.suspend_memory != 0 || spec.no_swap ||
        limit_.kind != LimitRule::Kind::kNone;
}

Admission::Advice Admission::consult(TimePoint now, std::size_t running, bool wants_start) {
  Advice advice;
  reason_.clear();
  if (running == 0) end_wanted_ = false;
  if (end_wanted_) {
    end_youngest(running, &advice);
    advice.ask_again = now + kSoon;
  }
  if (memory_ != 0) consider_memory(now, running, &advice);
  if (spec_.suspend_memory != 0) consider_suspending(now, running, &advice);
  if (!wants_start) return advice;
  if (spec_.no_swap) consider_swapping(now, &advice);
  if (!load_text_.empty()) consider_load(now, &advice);
  if (limit_.kind == LimitRule::Kind::kDisk) consider_disks(now, &advice);
  // Last, and only where all else says yes: it costs a process.
  if (limit_.kind == LimitRule::Kind::kCommand && advice.may_start) {
    consider_command(now, &advice);
    if (end_wanted_) end_youngest(running, &advice);
  }
  return advice;
}

void Admission::note_start() {
  ++starts_since_;
  answer_.reset();
  if (limit_.kind == LimitRule::Kind::kDisk) disks_since_.reset();
}

void Admission::deny(const std::string& reason, TimePoint again, Advice* advice) {
  if (advice->may_start) reason_ = reason;
  advice->may_start = false;
  advice->ask_again = advice->ask_again ? std::min(*advice->ask_again, again) : again;
}

void Admission::end_youngest(std::size_t running, Advice* advice) const {
  advice->end_youngest = running > 0 && !ending_;
}

void Admission::consider_load(TimePoint now, Advice* advice) {
  if (load_is_file_) {
    // Read while somebody writes it, it may be empty: the last number counts then.
    const std::optional<std::string> content = machine_.read_file(load_text_);
    if (const auto load = content ? load_in(trimmed(*content), cpus_) : std::nullopt) {
      most_load_ = *load;
    }
  }
  if (!load_at_ || now - *load_at_ >= kLoadHolds) {
    load_ = machine_.load();
    load_at_ = now;
    starts_since_ = 0;
  }
  const double load = load_ + starts_since_;
  if (load < most_load_) return;
  deny(fmt::format("the load is {}", load), now + kLoadPause, advice);
}

void Admission::consider_memory(TimePoint now, std::size_t running, Advice* advice) {
  const std::uint64_t free = machine_.free_memory();
  if (running > 0) advice->ask_again = now + kMemoryPause;
  if (free >= memory_) return;
  deny(fmt::format("{} MB of memory are free", free >> 20), now + kMemoryPause, advice);
  if (free < memory_ / 2) end_youngest(running, advice);
}

void Admission::consider_suspending(TimePoint now, std::size_t running, Advice* advice) {
  const std::uint64_t free = machine_.free_memory();
  const bool is_short = free < 2 * spec_.suspend_memory;
  // One more or one fewer each time: what a job takes or gives back shows a little later.
  if (!awake_since_ || now - *awake_since_ >= kMemoryPause) {
    awake_ = std::min(awake_, running);
    if (free < spec_.suspend_memory) {
      awake_ = 1;
    } else if (is_short) {
      awake_ = std::max<std::size_t>(awake_, 2) - 1;
    } else {
      awake_ = awake_ < running ? awake_ + 1 : kAll;
    }
    awake_since_ = now;
  }
  advice->most_awake = awake_;
  if (running == 0) return;  // one job may always run
  const TimePoint again = now + kMemoryPause;
  advice->ask_again = advice->ask_again ? std::min(*advice->ask_again, again) : again;
  if (is_short) {
    deny(fmt::format("{} MB of memory are free", free >> 20), again, advice);
  } else if (awake_ < running) {
    deny("jobs are suspended", again, advice);
  }
}

void Admission::consider_swapping(TimePoint now, Advice* advice) {
  if (!swap_since_) {
    swapped_ = machine_.swapped();
    swap_since_ = now;
  }
  if (now - *swap_since_ >= kWindow) {
    const Machine::Swapped latest = machine_.swapped();
    swapping_ = latest.in > swapped_.in && latest.out > swapped_.out;
    swapped_ = latest;
    swap_since_ = now;
  }
  if (swapping_) deny("the machine is swapping", *swap_since_ + kWindow, advice);
}

// Each start needs a measurement of its own: before that a new job's share cannot show.
void Admission::consider_disks(TimePoint now, Advice* advice) {
  if (!disks_since_) {
    disks_busy_ = machine_.disks_busy();
    disks_since_ = now;
  }
  if (now - *disks_since_ < kWindow) {
    return deny("the disks are being measured", *disks_since_ + kWindow, advice);
  }
  auto latest = machine_.disks_busy();
  double percent = 0;
  for (const auto& [name, busy] : latest) {
    const auto before = disks_busy_.find(name);
    if (before == disks_busy_.end()) continue;
    const std::chrono::duration<double> share = busy - before->second;
    const std::chrono::duration<double> span = now - *disks_since_;
    percent = std::max(percent, 100 * share / span);
  }
  if (percent <= limit_.disk_percent) return;
  disks_busy_ = std::move(latest);
  disks_since_ = now;
  deny(fmt::format("a disk is busy by {:.0f} %", percent), now + kWindow, advice);
}

void Admission::consider_command(TimePoint now, Advice* advice) {
  if (const std::optional<int> status = command_->take_status()) {
    if (*status > 2) {
      throw Error(
          fmt::format("--limit: the command '{}' exited with {}; 0 is for yes, 1 for no, 2 "
                      "for one job less",
                      spec_.limit_command, *status));
    }
    answer_ = *status;
    ask_command_ = *status == 0 ? now : now + kCommandPause;
    end_wanted_ = *status == 2;
  }
  if (answer_ == 0) return;
  if (!command_->is_running() && now >= ask_command_) {
    command_->start();
    // Its end wakes us; should it go unnoticed, this does.
    return deny("--limit's command is asked", now + seconds(1), advice);
  }
  deny("--limit's command says no", command_->is_running() ? now + seconds(1) : ask_command_,
       advice);
}

}  // namespace enjoin
