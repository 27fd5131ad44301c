#pragma once

// What lies in the memory of shared objects (include/enjoin/shared.h), and nothing else. The rules
// of ipc/layout.h hold here too.
//
//   SharedHeader | Participant[processes] | block | block | … to the end
//
// A block is a BlockHeader and its bytes; the next one begins behind it. One word says size and
// kind, so that to take, to split, to join and to give back a block is one store each, whatever
// comes before and after it: a process may be killed between any two of ours.

#include "ipc/layout.h"

namespace enjoin::shared::detail {

using ipc::AtomicU32;
using ipc::AtomicU64;
using ipc::kCacheLine;
using ipc::LockStorage;

/// What a block is. Its owner's file in ipc/shared/ says what its bytes mean.
enum class Kind : std::uint8_t {
  kFree = 1,
  kBuffer,
  kItem,  ///< of a queue, too large for its slot
  kLock,
  kSemaphore,
  kEvent,
  kBarrier,
  kCounter,
  kValue,
  kQueue,
};

/// A process that uses the memory. Its number (1 and up, its place here) stands in what it holds.
/// kFree -> kPresent under the memory's lock by the process itself; kPresent -> kGone or kLeft by
/// whoever finds it dead, or by itself; -> kFree when nothing names its number any more.
enum class Presence : std::uint32_t { kFree = 0, kPresent, kGone, kLeft };

struct alignas(kCacheLine) Participant {
  AtomicU32 presence;
  AtomicU32 pid;
  AtomicU64 start_time;  ///< as in /proc/PID/stat: a pid may be used again. 0: not known
};

/// A lock that is held while code of the user runs. Who dies with it is found by its number, not by
/// the kernel's list of robust locks: that one is for few locks and short times.
struct alignas(kCacheLine) LockData {
  AtomicU32 word;        ///< 0, or the holder's number and two bits (lock.cc)
  AtomicU32 thread;      ///< the holder: its thread
  AtomicU32 after_dead;  ///< the holder: it had it from one who died
  AtomicU32 deaths;
};

struct SharedHeader {
  ipc::SegmentHeader header;  ///< count: processes
  std::uint64_t id;           ///< random; tells memories apart in the names of objects
  std::uint64_t signature;
  std::uint64_t first_block;
  alignas(kCacheLine) LockStorage lock;  ///< guards blocks and participants
  alignas(kCacheLine) AtomicU64 looked;  ///< when somebody last looked for the dead; a clock's ns
  AtomicU32 highest;                     ///< participants above it were never used
  alignas(kCacheLine) LockData print_lock;
  AtomicU32 print_open;  ///< the holder of print_lock: a line is begun and not ended
};

/// In front of each block's bytes.
struct alignas(kCacheLine) BlockHeader {
  AtomicU64 word;  ///< size with this header | Kind << 56
  /// The process for which it is only a draft: it goes with it. 0: others know it.
  AtomicU32 draft_of;
  AtomicU64 asked;  ///< bytes that its user asked for

  static constexpr std::uint64_t pack(std::uint64_t size, Kind kind) {
    return size | static_cast<std::uint64_t>(kind) << 56;
  }
  static constexpr std::uint64_t size(std::uint64_t word) { return word & 0xffffffffffffff; }
  static constexpr Kind kind(std::uint64_t word) { return static_cast<Kind>(word >> 56); }
};
static_assert(sizeof(BlockHeader) == kCacheLine && sizeof(Participant) == kCacheLine);

// ---- objects ---------------------------------------------------------------------------------

struct SemaphoreData {
  LockStorage guard;
  AtomicU32 free;  ///< total less all that is held; counted anew where the guard's owner died
  AtomicU32 total;
  AtomicU32 waiters;  ///< about: who dies in waiting stays in it
  // AtomicU32 held[processes + 1], by number
};

struct EventData {
  AtomicU32 set;
  AtomicU32 waiters;
};

struct BarrierData {
  LockStorage guard;
  AtomicU32 round;    ///< goes up by one when all have come; who waits sleeps on it
  AtomicU32 parties;  ///< by the creator
  AtomicU64 broken;   ///< bit round % 64: that round will not be passed
  // BarrierParty[processes + 1], by number
};
struct BarrierParty {
  AtomicU32 member;  ///< 1: its death breaks the barrier
  AtomicU32 reserved;
  AtomicU64 arrived;  ///< round << 32 | how many of its threads have come in that round
};

struct CounterData {
  AtomicU64 value;
};

/// Two copies: `version` odd means that the second is the value.
struct ValueData {
  LockData lock;
  alignas(kCacheLine) AtomicU64 version;
  std::uint64_t words;  ///< of one copy; by the creator
  // AtomicU64 copies[2][words]
};

enum class ItemState : std::uint8_t {
  kFree = 0,  ///< to be filled
  kReady,     ///< filled; waits for a getter
  kTaken,     ///< by the thread of the process in its word
};

/// A queue's slot. `word` is what counts; the queue's lists and sums follow from it.
struct alignas(kCacheLine) ItemSlot {
  AtomicU64 word;   ///< ItemState | deaths << 8 | number << 16 | thread << 32
  AtomicU64 order;  ///< items are taken in this order
  AtomicU64 block;  ///< where it lies; 0: behind this
  AtomicU64 size;
  // unsigned char bytes[item_bytes]
};

struct QueueData {
  LockStorage guard;
  std::uint32_t most;  ///< slots; these four by the creator
  std::uint32_t item_bytes;
  std::uint32_t most_deaths;
  std::uint32_t by_task_done;
  AtomicU32 closed;
  // What follows from the slots:
  AtomicU32 ready;
  AtomicU32 taken;
  AtomicU32 first;  ///< in the ring of ready ones
  AtomicU64 next_order;
  AtomicU64 lost;
  // Go up when there is news, with who sleeps on them:
  alignas(kCacheLine) AtomicU32 put_news;
  AtomicU32 getters;
  alignas(kCacheLine) AtomicU32 done_news;
  AtomicU32 putters;
  alignas(kCacheLine) AtomicU32 end_news;
  AtomicU32 joiners;
  // AtomicU32 ring[most]; AtomicU32 spare[most]; then, aligned, the slots
};

static_assert(std::is_standard_layout_v<SharedHeader> && std::is_standard_layout_v<SemaphoreData> &&
              std::is_standard_layout_v<BarrierData> && std::is_standard_layout_v<ValueData> &&
              std::is_standard_layout_v<QueueData> && std::is_standard_layout_v<ItemSlot>);

inline constexpr std::uint64_t kSharedSignature =
    ((((sizeof(SharedHeader) * 31 + sizeof(SemaphoreData)) * 31 + sizeof(BarrierData)) * 31 +
      sizeof(ValueData)) *
         31 +
     sizeof(QueueData)) *
        1000 +
    1;

}  // namespace enjoin::shared::detail
