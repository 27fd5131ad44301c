#include "runner/auto_jobs.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace enjoin {
namespace {

// A CPU that idles for less of the time is busy: jobs begin and end.
constexpr double kIdle = 0.1;
// Of the time, something waited for a CPU: more than usual where all are busy with as many jobs.
constexpr double kCpuPressure = 0.6;
constexpr double kMemoryPressure = 0.1;
// So much of the memory must be left for there to be more jobs.
constexpr std::uint64_t kLeastMemory = 64ULL << 20;

/// The number behind `name`; 0 where there is none.
double number_after(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return 0;
  std::uint64_t number = 0;
  std::from_chars(text.data() + at + name.size(), text.data() + text.size(), number);
  return static_cast<double>(number);
}

}  // namespace

AutoJobs::AutoJobs(std::uint32_t cpus, std::uint32_t most, Machine& machine)
    : cpus_(std::clamp(cpus, 1U, std::max(most, 1U))),
      most_(std::max(most, 1U)),
      jobs_(cpus_),
      machine_(machine) {}

AutoJobs::Sample AutoJobs::look(TimePoint now) {
  Sample sample;
  sample.at = now;
  const std::string stat = machine_.read_file("/proc/stat").value_or("");
  // "cpu  user nice system idle iowait irq softirq steal ...": whoever waits for a disk needs no
  // CPU.
  std::string_view rest = stat;
  if (rest.starts_with("cpu ")) {
    rest = rest.substr(4, std::min(rest.find('\n'), rest.size()) - 4);
    constexpr std::size_t idle = 3, io_wait = 4, last = 7;
    for (std::size_t field = 0; field <= last; ++field) {
      rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
      std::uint64_t ticks = 0;
      const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), ticks).ptr;
      rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      sample.total += static_cast<double>(ticks);
      if (field == idle || field == io_wait) sample.idle += static_cast<double>(ticks);
    }
  }
  const auto pressure = [this](const char* path) {
    return number_after(machine_.read_file(path).value_or(""), "total=");  // the first is of "some"
  };
  sample.waited_cpu_us = pressure("/proc/pressure/cpu");
  sample.waited_memory_us = pressure("/proc/pressure/memory");
  return sample;
}

std::uint32_t AutoJobs::consult(TimePoint now, std::size_t running, bool waiting) {
  if (last_ && now < next_look_) return jobs_;
  next_look_ = now + kEvery;
  const Sample sample = look(now);
  // After a pause of our own (^Z) nothing is known.
  if (last_ && now - last_->at < 10 * kEvery) adjust(*last_, sample, running, waiting);
  last_ = sample;
  return jobs_;
}

void AutoJobs::adjust(const Sample& last, const Sample& now, std::size_t running, bool waiting) {
  const double elapsed = std::chrono::duration<double, std::micro>(now.at - last.at).count();
  const double ticks = now.total - last.total;
  if (elapsed <= 0) return;
  const double idle = ticks > 0 ? std::clamp((now.idle - last.idle) / ticks, 0.0, 1.0) : 0;
  const double cpu = (now.waited_cpu_us - last.waited_cpu_us) / elapsed;
  const double memory = (now.waited_memory_us - last.waited_memory_us) / elapsed;
  if (memory > kMemoryPressure) {
    jobs_ =
        std::max(std::min<std::uint32_t>(jobs_, static_cast<std::uint32_t>(running)) * 3 / 4, 1U);
  } else if (jobs_ < cpus_) {
    ++jobs_;
  } else if (idle < kIdle) {
    if (cpu > kCpuPressure) jobs_ = std::max(jobs_ - (jobs_ + 7) / 8, cpus_);
  } else if (waiting && running >= jobs_ && machine_.free_memory() >= kLeastMemory) {
    // All idle: twice as many.
    const double more = std::max(jobs_ * idle, 1.0);
    jobs_ = std::min(jobs_ + static_cast<std::uint32_t>(more), most_);
  }
}

}  // namespace enjoin
