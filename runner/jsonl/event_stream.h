#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/unique_fd.h"

namespace enjoin {

/// Where events go: a file, or a reader who may be slower than the run, or gone.
///
/// What a reader does not take waits in memory, up to a bound. When that is reached, the run waits
/// for the reader, for as long as he takes anything at all. Once he has taken nothing for
/// `patience`, further lines are left out, which a line tells him when he goes on. So a reader can
/// slow a run down, but not hold it up for ever.
class EventStream {
 public:
  struct Bounds {
    std::size_t most_waiting = std::size_t{16} << 20;  ///< bytes
    std::chrono::milliseconds patience{10'000};
  };

  /// `path`: a file, which is emptied, or a fifo, or "-": our stdout, which is stderr from then on.
  /// Throws Error where it cannot be opened; a fifo that nobody opens for reading is such a case.
  EventStream(const std::string& path, Bounds bounds);
  explicit EventStream(const std::string& path) : EventStream(path, Bounds()) {}
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  /// Takes whole lines. Throws Error where they cannot be written (a full disk, a reader that has
  /// gone); what comes after that goes nowhere.
  void put(std::string_view lines);
  /// Writes what is taken without waiting. Throws as put().
  void flush();
  /// Writes all, as long as the reader takes something. Throws as put(), also where lines were left
  /// out.
  void finish();
  bool is_waiting() const { return !waiting_.empty(); }

 private:
  void open_file(const std::string& path);
  void open_fifo(const std::string& path);
  void take_stdout();
  void know_kind();
  bool write_some();
  bool wait_for_room();
  void tell_of_gap();
  [[noreturn]] void fail(const std::string& why);

  Bounds bounds_;
  std::string name_;
  ipc::UniqueFd fd_;
  enum class Kind : std::uint8_t {
    kFile,  // takes everything at once
    kOurs,  // our own open file, which does not block
    kSocket,
    kShared  // may block, for it is not ours alone: written to in small pieces
  } kind_ = Kind::kFile;
  std::string waiting_;
  std::size_t written_ = 0;  // of `waiting_`
  std::uint64_t left_out_ = 0, left_out_ever_ = 0;
  bool is_dead_ = false;
};

}  // namespace enjoin
