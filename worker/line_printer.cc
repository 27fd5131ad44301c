#include "worker/line_printer.h"

#include <cerrno>
#include <unistd.h>

namespace enjoin {
namespace {

constexpr std::size_t kMemoryBound = 256 * 1024;

}  // namespace

LinePrinter::LinePrinter(Printer& printer, CaptureFiles& files, bool keep_order)
    : printer_(printer), files_(files), keep_order_(keep_order) {}

void LinePrinter::begin_job(const LineStyle& style, std::uint64_t order) {
  order_ = order;
  holding_ = false;
  for (Stream& stream : streams_) {
    stream = Stream{};
    if (!style.is_plain()) stream.tagger = std::make_unique<LineTagger>(style);
  }
}

void LinePrinter::take(int stream, std::string_view bytes) {
  Stream& to = streams_[stream];
  if (to.tagger) {
    to.tagger->append(bytes, &to.memory);
  } else {
    to.memory += bytes;
  }
  if (to.memory.size() > kMemoryBound) {
    flush();
    if (to.memory.size() > kMemoryBound) spill(stream);
  }
}

bool LinePrinter::has_whole_line(const Stream& stream) const {
  return stream.file_read != stream.file_end ||
         (stream.open_line ? !stream.memory.empty()
                           : stream.memory.find('\n') != std::string::npos) ||
         stream.memory.size() > kMemoryBound;
}

bool LinePrinter::flush() {
  if (!printer_.queue().usable()) return holding_ = false;  // all gathers in memory and files
  const bool wanted = has_whole_line(streams_[kStdout]) || has_whole_line(streams_[kStderr]);
  if (!wanted) return false;
  if (!holding_) holding_ = printer_.queue().try_take(keep_order_ ? order_ : ipc::kNoOrder);
  if (!holding_) return true;
  if (!streams_[kStdout].open_line && !streams_[kStderr].open_line) printer_.wipe_status();
  for (int stream : {kStdout, kStderr}) print(stream, false);
  const bool in_line = streams_[kStdout].open_line || streams_[kStderr].open_line;
  if (!keep_order_ && !in_line) {
    holding_ = false;
    if (printer_.queue().release()) printer_.drain();
  }
  return false;
}

void LinePrinter::print(int stream, bool all) {
  Stream& from = streams_[stream];
  if (from.file_read != from.file_end) {
    printer_.copy_out(stream, files_.fd(stream), &from.file_read, from.file_end);
    if (!printer_.queue().usable()) return;  // the rest is left in the file
    from.file_read = from.file_end;
    from.open_line = true;  // the file was cut wherever the bound fell
    empty_files();
  }
  std::size_t size =
      all || from.memory.size() > kMemoryBound ? from.memory.size() : from.memory.rfind('\n') + 1;
  if (size == 0) return;
  size = printer_.write_all(stream, std::string_view(from.memory).substr(0, size));
  if (size == 0) return;
  from.open_line = from.memory[size - 1] != '\n';
  from.memory.erase(0, size);
}

void LinePrinter::spill(int stream) {
  Stream& from = streams_[stream];
  std::size_t written = 0;
  while (written < from.memory.size()) {
    const ssize_t done =
        ::write(files_.fd(stream), from.memory.data() + written, from.memory.size() - written);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) {  // a full disk: the rest stays in memory
      spill_error_ = done < 0 ? errno : ENOSPC;
      break;
    }
    written += static_cast<std::size_t>(done);
    from.file_end += done;
  }
  from.memory.erase(0, written);
}

// Printed bytes are not kept: they would fill the disk, and a successor would print them again.
void LinePrinter::empty_files() {
  for (const Stream& stream : streams_) {
    if (stream.file_read != stream.file_end) return;
  }
  if (!files_.clear()) return;  // what was printed stays, and is passed over
  for (Stream& stream : streams_) stream.file_read = stream.file_end = 0;
}

void LinePrinter::end_job(ipc::Output* output) {
  for (Stream& stream : streams_) {
    if (stream.tagger) stream.tagger->finish(&stream.memory);
  }
  if (!holding_) holding_ = printer_.queue().try_take(keep_order_ ? order_ : ipc::kNoOrder);
  if (holding_) {
    for (int stream : {kStdout, kStderr}) print(stream, true);
    holding_ = false;
    if (printer_.queue().release()) printer_.drain();
  }
  for (int stream : {kStdout, kStderr}) {
    Stream& from = streams_[stream];
    if (!from.memory.empty()) spill(stream);
    if (!from.memory.empty()) lost_ = spill_error_;
    output->begin[stream] = from.file_read;
    output->length[stream] = from.file_end - from.file_read;
  }
}

}  // namespace enjoin
