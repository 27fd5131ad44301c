#pragma once

#include <string>
#include <string_view>

#include "worker/live_output.h"
#include "worker/printer.h"

namespace enjoin {

/// --latest-line: each job has one line on the terminal, which shows the latest that it wrote to
/// either stream. A new job takes the line below the others; lines that have left the screen stay
/// as they were. Where stdout is no terminal, each job's last line is printed when it ends.
///
/// How many lines there are is in shared memory, under the baton: whoever draws moves up to its own
/// line and back, so that the cursor always stands below the last.
class LatestLine final : public LiveOutput {
 public:
  /// `rows`: ControlHeader::latest_rows.
  LatestLine(Printer& printer, CaptureFiles& files, std::uint64_t* rows);

  void begin_job(const LineStyle& style, std::uint64_t order) override;
  void add_plain(int stream, std::string_view bytes) override { take(stream, bytes); }
  void take(int stream, std::string_view bytes) override;
  bool flush() override;
  void end_job(ipc::Output* output) override;
  int take_lost() override { return 0; }

 private:
  void draw();
  std::string shown(std::size_t columns) const;

  Printer& printer_;
  CaptureFiles& files_;
  std::uint64_t* rows_;
  const bool on_terminal_;
  LineStyle style_;
  std::string lines_[2];  // of each stream: the line that it is in, or the last whole one
  bool ended_[2] = {};    // that line is whole: the next byte begins another
  int latest_ = kStdout;
  bool changed_ = false;
  bool has_row_ = false;
  std::uint64_t row_ = 0;
};

/// As much of a line as fits into so many columns of a terminal: blanks for TABs, no control
/// characters; a character of several bytes counts as one.
std::string fit_line(std::string_view line, std::size_t columns);

}  // namespace enjoin
