#pragma once

// A process's view of the memory of shared objects: blocks, and who uses them.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include <sys/types.h>

#include "enjoin/shared_memory.h"
#include "ipc/robust_mutex.h"
#include "ipc/segment.h"
#include "ipc/shared/layout.h"

namespace enjoin::shared::detail {

/// Of the monotonic clock; nothing: without an end.
using Until = std::optional<std::chrono::steady_clock::time_point>;
Until until_after(std::chrono::nanoseconds limit);
bool is_past(const Until& until);

/// How a process came to be gone.
enum class Gone : std::uint8_t {
  kDied,
  kLeft,  ///< in order: what it holds is given back as well, but nothing breaks
};

/// The lock of a critical section of ours, taken for a scope. Throws Error where its bytes are
/// damaged. Order: the memory's lock before an object's guard; nothing else within a guard.
class Guard {
 public:
  explicit Guard(ipc::LockStorage& storage);
  ~Guard() { mutex_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  /// The last one to hold it died with it: put in order what follows from other words.
  bool owner_died() const { return mutex_.owner_died(); }

 private:
  ipc::RobustMutex mutex_;
};

/// One a memory and process; found by its id while any handle holds it.
class Mapped : public std::enable_shared_from_this<Mapped> {
 public:
  static std::shared_ptr<Mapped> create(const MemoryOptions& options);
  /// Takes `fd`. Throws Error: it is no such memory.
  static std::shared_ptr<Mapped> attach(ipc::UniqueFd fd);
  /// Throws Error: this process does not have it.
  static std::shared_ptr<Mapped> find(std::uint64_t id);
  explicit Mapped(ipc::Segment segment);
  ~Mapped();
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  SharedHeader& header() const { return *segment_.at<SharedHeader>(0); }
  int fd() const { return segment_.fd(); }
  std::size_t size_bytes() const { return segment_.size_bytes(); }
  std::uint32_t processes() const { return processes_; }
  /// No number above it was ever given.
  std::uint32_t highest() const {
    return std::min(header().highest.load(std::memory_order_acquire), processes_);
  }

  // ---- blocks (blocks.cc) ----

  /// The offset of a block's bytes, aligned to 64; a draft of this process. Throws Error: no room.
  std::uint64_t allocate(std::size_t size_bytes, Kind kind);
  /// It is a draft no longer.
  void adopt(std::uint64_t offset) {
    block_of(offset).draft_of.store(0, std::memory_order_release);
  }
  void free(std::uint64_t offset);
  std::uint64_t used_bytes();
  /// Throws Error unless there is a block of this kind.
  void check_block(std::uint64_t offset, Kind kind) const;
  BlockHeader& block_of(std::uint64_t offset) const {
    return *segment_.at<BlockHeader>(offset - sizeof(BlockHeader));
  }
  std::uint64_t offset_of(const void* bytes) const {
    return static_cast<std::uint64_t>(static_cast<const std::byte*>(bytes) - segment_.base());
  }
  template <typename T>
  T& at(std::uint64_t offset) const {
    return *segment_.at<T>(offset);
  }

  // ---- processes (participants.cc) ----

  /// This process's number; the first call in a process makes it known. Throws Error: there are
  /// too many.
  std::uint32_t self();
  /// Sleeps while `word` is `seen`, but a tenth of a second at most, then looks for the dead.
  /// False: `until` is past.
  bool sleep(AtomicU32& word, std::uint32_t seen, const Until& until);
  /// How many processes were found dead; their things are in order. Not oftener than ten times a
  /// second, by all, unless `at_once`.
  std::uint32_t look_for_dead(bool at_once);
  /// Puts in order what this process held; nothing where it lives and has not left.
  void process_ended(pid_t pid, Gone how);
  /// Nothing of this process is in use any more.
  void leave();

 private:
  Participant& participant(std::uint32_t number) const;
  std::uint32_t enlist();
  std::uint32_t try_enlist(std::uint64_t start_time);
  // Under the memory's lock:
  void put_in_order(std::uint32_t number, Gone how);
  template <typename See>
  void each_block(See&& see);
  std::uint64_t find_room(std::uint64_t size);

  ipc::Segment segment_;
  std::uint32_t processes_;
  AtomicU64 self_{0};  // epoch of the process << 32 | number
};

/// Wakes so many that sleep on `word`.
void wake(AtomicU32& word, std::uint32_t most) noexcept;
inline constexpr std::uint32_t kAll = 0x7fffffff;
/// The calling thread's number at the kernel.
std::uint32_t thread_number() noexcept;

// What each kind of object does when process `number` is gone. Under the memory's lock; may be
// done twice, for who does it may be killed.
void lock_gone(LockData& lock, std::uint32_t number, Gone how);
void semaphore_gone(Mapped& mapped, std::uint64_t offset, std::uint32_t number);
void barrier_gone(Mapped& mapped, std::uint64_t offset, std::uint32_t number, Gone how);
void queue_gone(Mapped& mapped, std::uint64_t offset, std::uint32_t number, Gone how);
/// This process has been given the barrier.
void barrier_given(Mapped& mapped, std::uint64_t offset);

// The user's locks (lock.cc).
enum class Taken : std::uint8_t { kNo, kYes, kAfterDead };
Taken take_lock(Mapped& mapped, LockData& lock, const Until& until);
/// Throws Error: this thread does not hold it.
void give_lock(Mapped& mapped, LockData& lock);

}  // namespace enjoin::shared::detail

namespace enjoin::shared {

/// What the pool needs of a Memory.
struct MemoryAccess {
  static detail::Mapped& mapped(const Memory& memory) { return *memory.mapped_; }
  static std::shared_ptr<detail::Mapped> share(const Memory& memory) { return memory.mapped_; }
};

namespace detail {

/// Takes a block of `size_bytes` that are zero, has fill(Data&) write what is to be in it, and only
/// then shows it to others.
template <typename Data, typename Fill>
Object make_object(const Memory& memory, Kind kind, std::uint64_t size_bytes, Fill&& fill) {
  Mapped& mapped = MemoryAccess::mapped(memory);
  const std::uint64_t offset = mapped.allocate(size_bytes, kind);
  std::memset(static_cast<void*>(&mapped.at<Data>(offset)), 0, size_bytes);
  fill(mapped.at<Data>(offset));
  mapped.adopt(offset);
  return Object(MemoryAccess::share(memory), offset);
}

}  // namespace detail

}  // namespace enjoin::shared
