#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "ipc/print_queue.h"
#include "worker/capture.h"

namespace enjoin {

/// Whether a printer waits for a destination that takes nothing now (a pager, a stopped terminal).
enum class Patience : std::uint8_t {
  kWaits,  ///< a worker
  kNever,  ///< the supervisor: it keeps the baton and goes on at go_on()
};

/// Copies job output to where it goes, under the baton. Workers use one each; the supervisor uses
/// one to finish what a dead worker had begun.
///
/// The first failed write (closed pipe, full disk) is stored for the supervisor to see, and from
/// then on all output is dropped: the run is being stopped.
class Printer {
 public:
  /// Destinations and spools by stream; the descriptors stay the caller's. `tick` is called while
  /// output is printed for long, and at every interrupted call; true stops printing: what cannot
  /// be written at once is dropped.
  Printer(const ipc::TeamMemory& memory, ipc::WorkerId self, const int destinations[2],
          const int spools[2], Patience patience, std::function<bool()> tick);

  ipc::PrintQueue& queue() { return queue_; }
  const ipc::PrintQueue& queue() const { return queue_; }

  /// Where a status is drawn on the terminal that output goes to, and the cursor left on its first
  /// column: takes it away before each piece of output. The supervisor draws it again.
  void share_terminal_with_status();
  void wipe_status();

  /// A job's finished output, which lies in `files`: prints it at once or spools it. With
  /// output.order kNoOrder and nothing to print it does nothing. False: memory is condemned, and
  /// the output was not taken, or is not printed to its end (interrupted() says how far).
  bool emit(ipc::Output output, const CaptureFiles& files);
  /// Output that the caller has written into the spools itself (see reserve). False as above.
  bool emit_spooled(const ipc::Output& output);
  /// Gives out room in the spools; write there with spool_at. False as above.
  bool reserve(const std::int64_t length[2], std::int64_t begin[2]) {
    return queue_.reserve_spool(length, begin);
  }
  /// The entry that was being printed, under the baton, when memory turned out to be condemned;
  /// ticket and order 0: none. What lies before `begin` has been written.
  const ipc::LeftOutput& interrupted() const { return interrupted_; }
  void spool_at(int stream, std::int64_t offset, std::string_view bytes);

  /// With the baton: prints all entries whose turn it is; gives the baton back.
  void drain();
  /// If entries are ready and nobody prints: drains them.
  void drain_if_ready();

  /// Supervisor: prints what a dead holder left of its own capture, then drains. Keeps copies of
  /// the descriptors as long as it needs them.
  void finish_for_dead(const int capture_fds[2]);
  /// With Patience::kNever: goes on with what could not be written at once.
  void go_on();
  /// The destination to wait for before go_on(), or -1.
  int stalled_fd() const { return stalled_ ? destinations_[stalled_stream_] : -1; }

  /// Writes bytes to a destination, under the baton, by write(2). Returns how many are done with:
  /// fewer than all only where memory turned out to be condemned.
  std::size_t write_all(int stream, std::string_view bytes);
  /// Copies [*offset, limit) of `source` to a destination; moves *offset as it goes. Stops where
  /// somebody else has changed *offset, if it is shared.
  void copy_out(int stream, int source, std::int64_t* offset, std::int64_t limit);

  bool failed() const;
  /// Output cannot be read or written: the run is to be stopped.
  void fail(int error) const;

 private:
  bool print_from(const int sources[2], const ipc::PrintEntry& entry);
  bool may_write(int stream);
  bool spool(ipc::Output* output, const CaptureFiles& files);
  void free_spool(const ipc::PrintEntry& entry);
  bool copy_by_hand(int stream, int source, std::int64_t* offset, std::int64_t limit);
  void stop_within(const ipc::PrintEntry& entry);

  const ipc::TeamMemory* memory_;
  ipc::PrintQueue queue_;
  int destinations_[2];
  bool is_file_[2];
  int spools_[2];
  Patience patience_;
  bool wipes_status_ = false;
  bool wipes_for_stdout_ = false;  // it goes to a terminal as well
  std::function<bool()> tick_;
  ipc::UniqueFd dead_captures_[2];  // of the holder that died while printing from them
  bool stopped_ = false;            // tick_ said so
  std::int64_t at_[2] = {0, 0};     // how far the entry is printed: our own word for it
  ipc::LeftOutput interrupted_{};
  bool stalled_ = false;
  int stalled_stream_ = 0;
  bool by_hand_[2] = {false, false};
};

}  // namespace enjoin
