#pragma once

// Everything that lies in shared memory, and nothing else.
//
// One run has these segments, all unnamed (memfd), each mapped whole by whoever needs it:
//
//   table     the supervisor writes, workers can only read (sealed against their writing):
//             header | orders to each worker | job slots | payload arena
//   control   all write, each field by its own rule below:
//             header | worker blocks | slot states | print entries
//   results   one a worker; that worker writes, the supervisor reads:
//             header | result records
//   config    the supervisor writes once, then sealed: how to run commands (worker/config.h)
//
// Rules for every struct here: standard layout, fixed-width integers, no pointers (but for a lock's
// link, which the kernel reads), fields of different writers on different cache lines. Whoever
// reads a field that another process may write copies it once, checks the copy, then uses the copy:
// a job may have scribbled on it.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace enjoin::ipc {

inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::uint64_t kMagic = 0x316e696f6a6e65;  // "enjoin1", little endian
inline constexpr std::uint32_t kMaxWorkers = 4096;
inline constexpr std::uint32_t kInlinePayload = 64;
inline constexpr std::uint64_t kNoOrder = ~std::uint64_t{0};

using AtomicU32 = std::atomic<std::uint32_t>;
using AtomicU64 = std::atomic<std::uint64_t>;
static_assert(AtomicU32::is_always_lock_free && AtomicU64::is_always_lock_free);

/// What a segment holds.
/// kShared: the library's objects between processes (ipc/shared/layout.h).
enum class SegmentKind : std::uint32_t { kTable = 1, kControl, kResults, kConfig, kShared };

/// First in every segment; written by the creator before anyone else can see it.
struct SegmentHeader {
  std::uint64_t magic;
  std::uint64_t signature;  ///< kLayoutSignature of the creator's build
  SegmentKind kind;
  std::uint32_t creator_pid;
  std::uint64_t size_bytes;
  std::uint32_t count[4];  ///< by kind: slots, workers, …; see each segment's struct
};
static_assert(sizeof(SegmentHeader) == 48);

// ---- who holds what --------------------------------------------------------------------------

/// The state of a slot. Each says what must hold to enter it, and who moves it there.
enum class SlotState : std::uint8_t {
  kEmpty = 0,  ///< free for the supervisor to fill
  kReady,      ///< filled and published (supervisor), or handed back under the claim lock
  kClaimed,    ///< from kReady, under the claim lock, by the worker named in the word
  kStarted,    ///< from kClaimed by its owner (compare-and-swap): from now on a death means "lost"
  kReleased,   ///< from kStarted by its owner: slot and payload are no longer read
};

/// A slot's state and owner in one word, so that both change at once. The generation is a fence: a
/// worker's number is used again, its generation never.
struct SlotWord {
  static constexpr std::uint64_t pack(SlotState state, std::uint32_t worker,
                                      std::uint32_t generation) {
    return static_cast<std::uint64_t>(state) | (static_cast<std::uint64_t>(worker) << 8) |
           (static_cast<std::uint64_t>(generation) << 32);
  }
  static constexpr SlotState state(std::uint64_t word) {
    return static_cast<SlotState>(word & 0xff);
  }
  static constexpr std::uint32_t worker(std::uint64_t word) {
    return static_cast<std::uint32_t>((word >> 8) & 0xffffff);
  }
  static constexpr std::uint32_t generation(std::uint64_t word) {
    return static_cast<std::uint32_t>(word >> 32);
  }
};

/// A robust lock, in its own line. Use it through RobustMutex only. As far as the kernel sees it,
/// it has the shape of the C library's robust mutexes, so that both can be in one list.
struct alignas(kCacheLine) LockStorage {
  AtomicU32 word;   ///< 0, or the holder's thread number and two bits: FUTEX_WAITERS, _OWNER_DIED
  AtomicU32 taken;  ///< the holder: one more each time, so that a watcher sees that it moves
  std::uint32_t reserved[4];
  void* before;  ///< would be the C library's
  void* next;    ///< for the kernel: who holds it writes it, nobody else believes it
};
static_assert(sizeof(LockStorage) == kCacheLine && offsetof(LockStorage, next) == 32);

// ---- table (supervisor writes, workers read) -----------------------------------------------

/// Bits of TableHeader::flags.
inline constexpr std::uint32_t kFlagClosed = 1;      ///< no more jobs will come: drain and exit
inline constexpr std::uint32_t kFlagStopClaims = 2;  ///< start nothing more
inline constexpr std::uint32_t kFlagSuspend = 4;     ///< hold running jobs (terminal ^Z)
/// The control segment is damaged: touch it no more, let the running job end, record it, leave.
inline constexpr std::uint32_t kFlagCondemned = 8;
/// There are several workers: one that cannot start a process for want of any may leave.
inline constexpr std::uint32_t kFlagMayShrink = 16;

struct TableHeader {
  SegmentHeader header;                ///< count: slots, workers, print window, arena bytes
  alignas(kCacheLine) AtomicU64 tail;  ///< positions published so far
  alignas(kCacheLine) AtomicU32 flags;
  AtomicU32 low_mark;     ///< a worker that leaves fewer ready jobs than this rings
  AtomicU64 timeout_ns;   ///< for jobs that have none of their own; 0: none
  AtomicU64 prints_seen;  ///< print entries below this order may be used again
};

/// What the supervisor tells one worker.
struct alignas(kCacheLine) WorkerOrders {
  AtomicU64 results_taken;  ///< records of its result ring that may be used again
  AtomicU64 cancel_ticket;  ///< the job to stop, by ticket; 0: none
  AtomicU32 cancel_hard;    ///< 1: kill at once, no ladder
  AtomicU32 cancel_drops;   ///< 1: what the job to stop wrote is dropped, for it will run again
  AtomicU64 hold_ticket;    ///< the job that is to stand still, by ticket; 0: none
};

/// Bits of JobSlot::flags.
inline constexpr std::uint16_t kJobHoldOutputIfFailed = 1;  ///< another attempt follows a failure
inline constexpr std::uint16_t kJobPrompt = 2;              ///< its end is to be told at once

/// One job. Written by the supervisor while the state is kEmpty; read by workers in kReady,
/// kClaimed, kStarted.
struct alignas(kCacheLine) JobSlot {
  std::uint64_t ticket;          ///< names this publication; never 0, never used again
  std::uint64_t seq;             ///< the job's number for people, from 1
  std::uint64_t order;           ///< its place in ordered output; kNoOrder: none
  std::uint64_t queued_ns;       ///< CLOCK_MONOTONIC
  std::uint32_t payload_offset;  ///< in the arena, where payload_size > kInlinePayload
  std::uint32_t payload_size;
  std::uint32_t values;   ///< strings in the payload, each ended by NUL
  std::uint32_t columns;  ///< input sources
  std::uint32_t handle;   ///< the supervisor's own index, echoed in the result
  std::uint16_t attempt;  ///< from 1
  std::uint16_t flags;
  std::uint64_t timeout_ns;  ///< 0: TableHeader::timeout_ns counts
  unsigned char inline_payload[kInlinePayload];
};
static_assert(sizeof(JobSlot) == 128 && offsetof(JobSlot, inline_payload) == 64);

// ---- control (all write) -------------------------------------------------------------------

struct ControlHeader {
  SegmentHeader header;  ///< count: slots, workers, print window, arena bytes

  LockStorage claim_lock;
  /// Under claim_lock: no position below it is kReady. A hint that may lag, never lead.
  alignas(kCacheLine) AtomicU64 head;

  /// Bit w: worker w sleeps, or is about to, on its bell. Set by the worker before it looks at the
  /// queue for the last time; cleared by whoever rings it and by itself when it wakes.
  alignas(kCacheLine) AtomicU64 idle[kMaxWorkers / 64];

  /// 1: the supervisor sleeps, or is about to. Workers that swap it to 0 write its eventfd.
  alignas(kCacheLine) AtomicU32 supervisor_waits;
  /// Set by a worker whose write to our stdout or stderr failed: errno, sealed (ipc/seal.h).
  AtomicU32 output_error;

  LockStorage print_lock;
  // Under print_lock:
  alignas(kCacheLine) AtomicU64 print_next;  ///< the order to print next
  AtomicU64 print_end;                       ///< unordered output: the next order to give out
  AtomicU64 baton;                           ///< who prints: holder's word, 0: nobody
  AtomicU64 spool_end[2];                    ///< bytes given out of the spools, sealed, by stream
  // Under the baton, with the kernel storing `printed` as it copies:
  alignas(kCacheLine) std::uint64_t printing;  ///< order + 1 of the entry being printed; 0: none
  std::int64_t printed[2];                     ///< source offset reached, by stream
  std::int64_t print_limit[2];                 ///< source offset to reach, by stream
  std::uint64_t latest_rows;                   ///< --latest-line: lines on the terminal
};

/// One worker's own block; it alone writes, but for the bell, which anyone may raise.
struct alignas(kCacheLine) WorkerBlock {
  AtomicU32 bell;  ///< futex: raised, then woken
  AtomicU32 generation;
  AtomicU64 current;  ///< ticket of the running job; 0: none
};
static_assert(sizeof(WorkerBlock) == kCacheLine);

enum class PrintState : std::uint32_t {
  kFree = 0,  ///< being written, or never used
  kDirect,    ///< the owner holds the baton and prints from its own capture
  kSpooled,   ///< ready: bytes lie in the spools (none at all where both lengths are 0)
};

/// Output that waits for its turn. Under print_lock.
struct alignas(kCacheLine) PrintEntry {
  std::uint64_t order;
  std::uint64_t ticket;
  std::uint32_t sum;      ///< of all others but `printed` (sum_of in ipc/seal.h)
  std::uint32_t printed;  ///< by the baton's holder, when it is: sum ^ kPrintedMark; before: 0
  std::uint32_t handle;
  PrintState state;
  std::int64_t begin[2];  ///< offset in the spool, by stream
  std::int64_t length[2];
};
static_assert(sizeof(PrintEntry) == kCacheLine);

// ---- results (one worker writes) -----------------------------------------------------------

/// How a job ended, as the record says it.
enum class EndKind : std::uint8_t {
  kExited = 1,    ///< code: exit status
  kSignaled,      ///< code: signal
  kTimedOut,      ///< code: signal that ended it, or its exit status with kResultExitedOnStop
  kCanceled,      ///< the same
  kSpawnFailed,   ///< code: errno
  kOutputFailed,  ///< ended, but its output could not be captured. code: errno
  kNotBegun,      ///< given back before any process was started: memory was condemned, or (code:
                  ///< EAGAIN) the limit of processes is reached, and the worker leaves
};

/// Bits of ResultRecord::flags.
inline constexpr std::uint16_t kResultCoreDumped = 1;
inline constexpr std::uint16_t kResultOutputCut = 2;  ///< --max-output was reached
inline constexpr std::uint16_t kResultLeftovers = 4;  ///< processes outlived the job
inline constexpr std::uint16_t kResultPrinted = 8;    ///< an entry in the print queue follows
inline constexpr std::uint16_t kResultHeldBack = 16;  ///< output dropped: an attempt follows
inline constexpr std::uint16_t kResultExitedOnStop = 32;
inline constexpr std::uint16_t kResultInputShort = 64;  ///< a file of its stdin had become shorter
inline constexpr std::uint16_t kResultEscaped = 128;    ///< not all that it left could be killed

struct alignas(kCacheLine) ResultRecord {
  std::uint64_t ticket;
  std::uint32_t handle;
  std::uint16_t attempt;
  std::uint16_t flags;
  EndKind kind;
  std::uint8_t reserved[3];
  std::int32_t code;
  std::uint64_t start_ns;  ///< CLOCK_REALTIME
  std::uint64_t wall_ns;
  std::uint64_t queue_ns;  ///< from published to started
  std::uint32_t payload_size;
  std::uint32_t sum;  ///< of all others (ipc/seal.h)
  // Second line: resources, as getrusage(2) has them.
  alignas(kCacheLine) std::uint64_t user_us;
  std::uint64_t sys_us;
  std::uint64_t max_rss_kb;
  std::uint64_t bytes[2];  ///< written to stdout, stderr
  std::uint32_t minor_faults;
  std::uint32_t major_faults;
  std::uint32_t voluntary_switches;
  std::uint32_t involuntary_switches;
  std::uint32_t blocks_in;
  std::uint32_t blocks_out;
  unsigned char payload[kInlinePayload];  ///< a KeptSpan, where output is kept
};
static_assert(sizeof(ResultRecord) == 192 && offsetof(ResultRecord, payload) == 128);

/// Where a job's output lies in its worker's kept log, by stream.
struct KeptSpan {
  std::int64_t begin[2];
  std::int64_t end[2];
};
static_assert(sizeof(KeptSpan) <= kInlinePayload);

/// What a worker that leaves condemned memory had of its last job's output, or of the entry that it
/// was printing.
struct LeftOutput {
  std::uint64_t ticket;   ///< 0: nothing
  std::uint64_t order;    ///< of the entry
  std::int64_t begin[2];  ///< from here on it is not printed, by stream
  std::int64_t end[2];
};

struct ResultsHeader {
  SegmentHeader header;                ///< count: records, worker, generation
  alignas(kCacheLine) AtomicU64 tail;  ///< records written so far
  AtomicU64 current;                   ///< ticket of the job that was begun last; 0: it has ended
  AtomicU32 holds_baton;               ///< 1 while it does, about
  /// Written before it leaves condemned memory. In its own capture files, to be printed as it is:
  alignas(kCacheLine) LeftOutput left;
  /// In the middle of printing, from wherever it was:
  alignas(kCacheLine) LeftOutput printing;
};

static_assert(std::is_standard_layout_v<TableHeader> && std::is_standard_layout_v<ControlHeader> &&
              std::is_standard_layout_v<WorkerOrders> && std::is_standard_layout_v<JobSlot> &&
              std::is_standard_layout_v<WorkerBlock> && std::is_standard_layout_v<PrintEntry> &&
              std::is_standard_layout_v<ResultsHeader> && std::is_standard_layout_v<ResultRecord>);
static_assert(std::is_trivially_copyable_v<JobSlot> && std::is_trivially_copyable_v<PrintEntry> &&
              std::is_trivially_copyable_v<ResultRecord>);

/// Differs whenever a struct above changes its size: two builds that disagree never share memory.
/// Raise the last term when a meaning changes but no size does.
inline constexpr std::uint64_t kLayoutSignature =
    ((((((sizeof(TableHeader) * 31 + sizeof(JobSlot)) * 31 + sizeof(WorkerOrders)) * 31 +
        sizeof(ControlHeader)) *
           31 +
       sizeof(WorkerBlock)) *
          31 +
      sizeof(PrintEntry)) *
         31 +
     sizeof(ResultRecord)) *
        31 +
    sizeof(ResultsHeader) * 1000 + 5;

}  // namespace enjoin::ipc
