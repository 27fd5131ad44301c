#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "enjoin/shared_memory.h"

namespace enjoin::shared {

/// When an item that was taken is finished.
enum class Finish : std::uint8_t {
  /// At task_done(), or when the thread that took it takes its next one: for those who take one at
  /// a time. `while (auto item = queue.get()) work(*item);` needs nothing else.
  kByNextGet,
  kByTaskDone,  ///< only at task_done(): a thread may take several first
};

struct QueueOptions {
  std::uint32_t most = 256;  ///< items in it, those that are taken and not finished counted
  /// Bytes (archived) that an item has room for in the queue itself; larger ones take memory each.
  std::uint32_t item_bytes = 64;
  Finish finish = Finish::kByNextGet;
  /// An item whose takers have died so often is given up and counted in lost(). 0: never.
  std::uint32_t most_deaths = 3;
};

namespace detail {

enum class Put : std::uint8_t { kPut, kClosed, kFull };

/// A queue of bytes.
class ENJOIN_API RawQueue : public Object {
 public:
  static constexpr std::uint8_t kKind = 10;
  using Limit = std::optional<std::chrono::nanoseconds>;

  RawQueue() = default;
  RawQueue(Memory& memory, const QueueOptions& options);
  Put put_bytes(std::string_view bytes, Limit limit);
  std::optional<std::string> get_bytes(Limit limit);
  bool join_within(Limit limit);

  /// The item that this thread took first and has not finished is finished. Throws Error: there is
  /// none.
  void task_done();
  /// No more items come: get() gives what is left, then nothing. Threads that wait wake up.
  void close();
  bool closed() const;
  std::uint32_t size() const;  ///< items that wait to be taken
  /// Items that wait, or are taken and not finished.
  std::uint32_t unfinished() const;
  /// Items given up (QueueOptions::most_deaths).
  std::uint64_t lost() const;
};

}  // namespace detail

/// Items in the order in which they were put, to be taken by any process. T is what can be an
/// argument (enjoin/archive.h).
///
/// *When a process dies* that has taken an item and not finished it, the item comes back, first in
/// the queue. Each item is finished once, or counted in lost(); one may have been begun twice. What
/// a process puts is there wholly or not at all.
///
/// At the end: close(), and get() gives nothing once all are finished, for while one is not it may
/// come back (a thread that has unfinished items itself does not wait for those of others).
template <typename T>
class Queue : public detail::RawQueue {
 public:
  Queue() = default;
  explicit Queue(Memory& memory, const QueueOptions& options = {}) : RawQueue(memory, options) {}

  /// Waits while it is full. False: it is closed. Throws Error: no memory for a large item.
  bool put(const T& item) { return put_archived(item, {}) == detail::Put::kPut; }
  /// False: it is full, or closed.
  bool try_put(const T& item) {
    return put_archived(item, std::chrono::nanoseconds(0)) == detail::Put::kPut;
  }
  bool try_put_for(const T& item, std::chrono::nanoseconds limit) {
    return put_archived(item, limit) == detail::Put::kPut;
  }

  /// Waits while it is empty. Nothing: it is closed, and all is done.
  std::optional<T> get() { return unarchived(get_bytes({})); }
  /// Nothing: it is empty now.
  std::optional<T> try_get() { return unarchived(get_bytes(std::chrono::nanoseconds(0))); }
  std::optional<T> try_get_for(std::chrono::nanoseconds limit) {
    return unarchived(get_bytes(limit));
  }

  /// Waits until every item is finished.
  void join() { join_within({}); }
  /// False: some are not after `limit`.
  bool join_for(std::chrono::nanoseconds limit) { return join_within(limit); }

 private:
  detail::Put put_archived(const T& item, Limit limit) {
    ArchiveWriter to;
    to(item);
    return put_bytes(to.view(), limit);
  }
  static std::optional<T> unarchived(const std::optional<std::string>& bytes) {
    if (!bytes) return std::nullopt;
    ArchiveReader from(*bytes);
    return from.template read<T>();
  }
};

}  // namespace enjoin::shared
