#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runner/cli/options.h"

namespace enjoin {

/// What is measured of the machine. The real one is Machine::of_linux(); tests make their own.
class Machine {
 public:
  virtual ~Machine() = default;

  struct Swapped {
    std::uint64_t in = 0;  ///< pages, since the machine was started
    std::uint64_t out = 0;
  };
  /// Processes that run or wait for a disk, of those that we see, ourselves not counted.
  virtual double load() = 0;
  /// Bytes that could be used without swapping (MemAvailable).
  virtual std::uint64_t free_memory() = 0;
  virtual Swapped swapped() = 0;
  /// For each disk, how long it has been busy since the machine was started.
  virtual std::map<std::string, std::chrono::milliseconds> disks_busy() = 0;
  /// The text of a (small) file; nullopt: it cannot be read.
  virtual std::optional<std::string> read_file(const std::string& path) = 0;

  static Machine& of_linux();
};

/// The command of --limit, while it runs and after.
class LimitCommand {
 public:
  virtual ~LimitCommand() = default;
  /// Starts it. Throws Error.
  virtual void start() = 0;
  virtual bool is_running() const = 0;
  /// Its exit status, 128+n for signal n, once; nullopt: it has not ended, or was not started.
  virtual std::optional<int> take_status() = 0;
};

/// What --limit says: a rule of its own name, or a command.
struct LimitRule {
  enum class Kind : std::uint8_t { kNone, kCommand, kLoad, kMemory, kDisk } kind = Kind::kNone;
  std::string load;          ///< of kLoad, as of --load
  std::uint64_t memory = 0;  ///< of kMemory
  double disk_percent = 0;   ///< of kDisk
};
/// "io 10", "mem 3g", "load 5" or any other command. Throws Error.
LimitRule parse_limit(std::string_view text);

/// --load: "8", "1.5", "80%", "+2", "-1", "0" (0.01), or the name of a file that holds one of
/// these. `*is_file` says whether it is one. Throws Error where it is neither.
double parse_load(std::string_view text, std::uint32_t cpus, Machine& machine, bool* is_file);

/// --load, --memfree, --memsuspend, --noswap and --limit: whether a job may be started now, and
/// whether running ones must make room. It starts and stops nothing and reads no clock.
class Admission {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  /// What is to be done now.
  struct Advice {
    bool may_start = true;
    /// The job that was started last is to be ended, and put back.
    bool end_youngest = false;
    /// Of the running jobs, the oldest so many may go on; the others are to stand still.
    std::size_t most_awake = kAll;
    /// When to ask again at the latest, though nothing has happened; nullopt: no need.
    std::optional<TimePoint> ask_again;
  };

  /// `machine` and `command` must outlive it; `command` may be null where --limit names no command.
  /// Throws Error where a text of `spec` means nothing.
  Admission(const AdmissionSpec& spec, std::uint32_t cpus, Machine& machine, LimitCommand* command);

  /// False: there is nothing to ask, ever.
  bool is_on() const { return on_; }
  /// `running` jobs run now. `wants_start`: there is a job to start, and room for it. May start
  /// --limit's command; ask again when that has ended. Throws Error where the command says neither
  /// yes nor no.
  Advice consult(TimePoint now, std::size_t running, bool wants_start);
  /// A job was started, by the last advice.
  void note_start();
  /// A job has ended (also where that was advised).
  void note_end() { ending_ = false; }
  /// The advice to end a job was followed: none is given again before note_end().
  void note_ending() {
    ending_ = true;
    end_wanted_ = false;
  }

  /// For people: why no job may be started; empty: one may.
  const std::string& reason() const { return reason_; }

 private:
  void deny(const std::string& reason, TimePoint again, Advice* advice);
  void consider_load(TimePoint now, Advice* advice);
  void consider_memory(TimePoint now, std::size_t running, Advice* advice);
  void consider_suspending(TimePoint now, std::size_t running, Advice* advice);
  void consider_swapping(TimePoint now, Advice* advice);
  void consider_disks(TimePoint now, Advice* advice);
  void consider_command(TimePoint now, Advice* advice);
  void end_youngest(std::size_t running, Advice* advice) const;

  AdmissionSpec spec_;
  LimitRule limit_;
  std::uint32_t cpus_;
  Machine& machine_;
  LimitCommand* command_;
  bool on_ = false;
  bool ending_ = false;
  bool end_wanted_ = false;  // by --limit's command
  std::string load_text_;
  double most_load_ = 0;
  bool load_is_file_ = false;
  std::uint64_t memory_ = 0;  // --memfree or --limit mem
  std::size_t awake_ = kAll;
  std::optional<TimePoint> awake_since_;  // when that was last changed
  std::string reason_;
  double load_ = 0;  // as it was measured last
  std::optional<TimePoint> load_at_;
  std::uint32_t starts_since_ = 0;
  // Since when swapping and disks are watched.
  Machine::Swapped swapped_{};
  std::optional<TimePoint> swap_since_;
  bool swapping_ = false;
  std::map<std::string, std::chrono::milliseconds> disks_busy_;
  std::optional<TimePoint> disks_since_;
  std::optional<int> answer_;  // of the command, not yet used
  TimePoint ask_command_{};
};

}  // namespace enjoin
