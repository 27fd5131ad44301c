#pragma once

#include <cstdint>
#include <string_view>

#include "ipc/print_queue.h"
#include "worker/capture.h"
#include "worker/decorate.h"

namespace enjoin {

/// Shows what a job writes while it runs. One object a worker, for one job after another.
class LiveOutput : public OutputSink {
 public:
  /// A new job; `order` as in Output.
  virtual void begin_job(const LineStyle& style, std::uint64_t order) = 0;
  /// Adds what is printed as it is.
  virtual void add_plain(int stream, std::string_view bytes) = 0;
  /// Prints what can be printed now. Returns true while something still waits for the baton.
  virtual bool flush() = 0;
  /// The job has ended: prints the rest, if the baton can be had. What could not be printed lies in
  /// the capture files where `*output` then says: hand it to the printer.
  virtual void end_job(ipc::Output* output) = 0;
  /// errno, where end_job found no place for output, else 0.
  virtual int take_lost() = 0;
};

}  // namespace enjoin
