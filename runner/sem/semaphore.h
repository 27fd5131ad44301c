#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/unique_fd.h"

namespace enjoin {

/// A counting semaphore between processes of one user, by name. The kernel holds the permits: each
/// is a lock on one byte of a file, tied to an open file that the holder and its children share. So
/// a permit is free the moment its last holder is gone, however it died, and nothing stale can be
/// left behind.
///
/// Who waits is woken by the kernel. One byte of the file is the queue: who has it locked is first
/// and waits for a permit (inotify tells it of each holder that goes), the others wait for the
/// queue. They are served about in the order in which they came.
///
/// The number of permits is not stored: who asks says how many there may be, and gets one while
/// fewer than that are held, by whomever and under whatever number.
class Semaphore {
 public:
  using Clock = std::chrono::steady_clock;
  /// When waiting ends; nullopt: never.
  using Deadline = std::optional<Clock::time_point>;

  /// Opens semaphore `id` (any bytes) in `folder`, which is made where it is missing. Throws Error:
  /// the folder cannot be made, or others than us may write in it.
  Semaphore(std::string folder, std::string_view id);

  /// Takes one of `permits`. False: the time was over first.
  bool wait_acquire(std::uint32_t permits, Deadline deadline);
  /// Takes a permit beyond the number, which counts like the others.
  void take_anyway();
  /// Waits until no permit is held, and who came before us has had one. False: the time was over.
  bool wait_idle(Deadline deadline);
  /// Gives the permit back, for all processes that share it. The file is removed where nobody else
  /// uses it. Destruction only closes our share: the permit is free when that was the last.
  void release();

  const std::string& file_name() const { return name_; }

 private:
  enum class Taken : std::uint8_t { kYes, kNo, kTimeOver, kFileGone };
  void open_folder();
  void open_file();
  bool is_current() const;
  bool wait_queue(Deadline deadline);
  void leave_queue();
  bool has_fewer_than(std::uint32_t permits) const;
  bool try_take(std::uint32_t permits);
  Taken wait_permit(std::uint32_t permits, Deadline deadline);
  Taken wait_for_news(std::uint32_t permits, Deadline deadline);

  std::string folder_;
  std::string name_;
  ipc::UniqueFd folder_fd_;
  ipc::UniqueFd file_;
};

/// Where this user's semaphores are: $XDG_CACHE_HOME/enjoin/sem, ~/.cache/enjoin/sem, or
/// /tmp/enjoin-sem-UID where there is no home that can be written. Not $XDG_RUNTIME_DIR: that is
/// not the same in a cron job, and it is emptied when the user logs out, jobs or not.
std::string semaphore_folder();

/// The file's name of an id: letters, digits and `._-` stand for themselves, other bytes are %XX;
/// what is too long for a file's name ends in a hash of the whole.
std::string semaphore_file_name(std::string_view id);

}  // namespace enjoin
