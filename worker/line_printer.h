#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "worker/capture.h"
#include "worker/live_output.h"
#include "worker/printer.h"

namespace enjoin {

/// --line-buffer: passes on what a running job writes, whole lines at a time, never mixed with
/// another job's line.
///
/// Lines wait in memory while another worker holds the baton, and beyond a bound in the capture
/// files, so a blocked stdout costs disk, not memory. A line that is longer than the bound is
/// printed in parts with the baton kept to its end. With -k the job whose turn it is keeps the
/// baton while it runs, and the others gather in their files.
class LinePrinter final : public LiveOutput {
 public:
  LinePrinter(Printer& printer, CaptureFiles& files, bool keep_order);

  void begin_job(const LineStyle& style, std::uint64_t order) override;
  void add_plain(int stream, std::string_view bytes) override { streams_[stream].memory += bytes; }
  void take(int stream, std::string_view bytes) override;
  bool flush() override;
  void end_job(ipc::Output* output) override;
  int take_lost() override { return std::exchange(lost_, 0); }

 private:
  struct Stream {
    std::string memory;          // tagged, not yet printed
    std::int64_t file_read = 0;  // [file_read, file_end) of the capture file comes before memory
    std::int64_t file_end = 0;
    bool open_line = false;  // the last byte printed was no newline
    std::unique_ptr<LineTagger> tagger;
  };
  bool has_whole_line(const Stream& stream) const;
  void print(int stream, bool all);
  void spill(int stream);
  void empty_files();

  Printer& printer_;
  CaptureFiles& files_;
  bool keep_order_;
  std::uint64_t order_ = ipc::kNoOrder;
  bool holding_ = false;
  int spill_error_ = 0;
  int lost_ = 0;
  Stream streams_[2];
};

}  // namespace enjoin
