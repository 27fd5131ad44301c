#pragma once

// Whether shared memory still says what it may say.
//
// A worker shares its memory with nobody but us, yet a wild one may write anything anywhere in the
// control segment. Once a second, while jobs are unfinished, the supervisor takes a copy of it and
// compares it with its private record. What is wrong in two looks running, in the same place with
// the same value, is damage; then memory is condemned and made anew (local_team_recovery.cc).
//
// A false alarm would be worse than late news. Each rule therefore holds at every instruction of
// healthy workers, wherever they are stopped or killed, but for those that name a suspect: these
// compare what a worker says of itself with what it wrote elsewhere a few instructions before, and
// count only while that worker sleeps in the kernel, where it is not between the two.

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/claim_queue.h"
#include "ipc/layout.h"
#include "ipc/team_memory.h"

namespace enjoin {

/// What the supervisor knows by itself.
struct TeamRecord {
  struct Worker {
    ipc::WorkerId id{};
    bool alive = false;
    std::uint32_t pid = 0;      ///< 0: not known yet
    std::uint64_t current = 0;  ///< from its own results: the ticket that it works on
    bool holds_baton = false;   ///< from its own results
  };
  /// A job that workers have been told of, and whose result is not complete.
  struct Job {
    std::uint64_t ticket = 0;
    std::uint64_t order = ipc::kNoOrder;
    ipc::WorkerId worker{};  ///< who started it, where that is known (generation not 0)
    bool ended = false;      ///< its record is here, and says that output is to be printed
  };

  bool ordered = false;
  std::uint32_t last_generation = 0;
  ipc::SegmentHeader header{};
  std::uint64_t freed = 0;  ///< positions [freed, tail) hold jobs
  std::uint64_t tail = 0;
  std::vector<std::uint64_t> tickets;  ///< of those positions
  std::uint64_t prints_seen = 0;
  std::uint64_t least_spool_end[2] = {0, 0};  ///< as seen before: it never shrinks
  std::uint32_t print_window = 0;
  std::vector<Worker> workers;
  std::vector<Job> jobs;
};

/// The control segment as it was at one time, word by word: workers go on meanwhile.
struct ControlCopy {
  ipc::SegmentHeader header{};
  std::uint32_t lock[2] = {0, 0};  ///< words of claim_lock, print_lock
  std::uint32_t taken[2] = {0, 0};
  std::vector<std::uint64_t> states;  ///< of all slots, from record.freed on
  std::uint64_t head = 0;
  std::uint32_t output_error = 0;
  std::uint64_t print_next = 0;
  std::uint64_t print_end = 0;
  std::uint64_t baton = 0;
  std::uint64_t spool_end[2] = {0, 0};
  std::uint64_t printing = 0;
  std::int64_t printed[2] = {0, 0};
  std::int64_t print_limit[2] = {0, 0};
  std::uint64_t first_entry = 0;         ///< the order of entries[0]
  std::vector<ipc::PrintEntry> entries;  ///< unordered: all that may be in use
  std::vector<ipc::PrintEntry> of_jobs;  ///< ordered: one for each of record.jobs
  ipc::PrintEntry next_entry{};
};

enum class Damage : std::uint8_t {
  kHeader,
  kClaimLock,  ///< its owner is nobody that there is
  kPrintLock,
  kSlot,   ///< a slot's word
  kHead,   ///< beyond the tail, or above a job that is ready
  kEntry,  ///< a print entry
  kPrintNext,
  kPrintEnd,
  kBaton,
  kPrinting,
  kPrinted,
  kSpoolEnd,
  kOutputError,
  kLostJob,  ///< a job that is in no slot, with no worker, and has no record
};

inline constexpr std::uint32_t kNoSuspect = ~std::uint32_t{0};

struct Finding {
  Damage what = Damage::kHeader;
  std::uint64_t place = 0;
  std::uint64_t value = 0;
  std::uint32_t suspect = kNoSuspect;  ///< a worker's number: counts only while that one sleeps
  friend bool operator==(const Finding&, const Finding&) = default;
};

std::string to_string(const Finding& finding);

/// States first, head and printing words behind them: the order in which they may differ.
ControlCopy copy_control(const ipc::TeamMemory& memory, const TeamRecord& record);

/// Everything that is wrong.
std::vector<Finding> audit(const ControlCopy& copy, const TeamRecord& record);

/// Where printing stands, as the entries themselves say: for when the words may be damaged. Looks
/// at [prints_seen, prints_seen + window).
struct PrintPosition {
  std::uint64_t next = 0;  ///< everything below is printed
  bool begun = false;      ///< `next` was being printed, and begin[] says how far it is
  std::int64_t begin[2] = {0, 0};
};
PrintPosition find_position(const ipc::TeamMemory& memory, std::uint64_t prints_seen);

}  // namespace enjoin
