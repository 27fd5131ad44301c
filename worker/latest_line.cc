#include "worker/latest_line.h"

#include <algorithm>
#include <unistd.h>

#include <sys/ioctl.h>

#include "worker/term_safe.h"

namespace enjoin {
namespace {

constexpr std::size_t kMostKept = 4096;  // of a line; no terminal is wider
constexpr std::size_t kTabStop = 8;

struct Screen {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

Screen screen() {
  winsize size{};
  Screen screen;
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 && size.ws_row > 1) {
    screen = {size.ws_col, size.ws_row};
  }
  return screen;
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

}  // namespace

std::string fit_line(std::string_view line, std::size_t columns) {
  std::string fitted;
  std::size_t used = 0;
  std::string shown;
  while (!line.empty()) {  // tabs are controls too, and wanted
    const std::size_t tab = std::min(line.find('\t'), line.size());
    shown += without_controls(line.substr(0, tab));
    if (tab < line.size()) shown += '\t';
    line.remove_prefix(std::min(tab + 1, line.size()));
  }
  for (const char c : shown) {
    if (c == '\t') {
      const std::size_t stop = std::min(columns, (used / kTabStop + 1) * kTabStop);
      fitted.append(stop - used, ' ');
      used = stop;
    } else if (continues_character(c)) {
      if (used > 0) fitted += c;
    } else {
      if (used == columns) break;
      fitted += c;
      ++used;
    }
  }
  return fitted;
}

LatestLine::LatestLine(Printer& printer, CaptureFiles& files, std::uint64_t* rows)
    : printer_(printer), files_(files), rows_(rows), on_terminal_(::isatty(STDOUT_FILENO) == 1) {}

void LatestLine::begin_job(const LineStyle& style, std::uint64_t /*order*/) {
  style_ = style;
  for (int stream : {kStdout, kStderr}) {
    lines_[stream].clear();
    ended_[stream] = false;
  }
  changed_ = has_row_ = false;
}

void LatestLine::take(int stream, std::string_view bytes) {
  if (bytes.empty()) return;
  latest_ = stream;
  changed_ = true;
  std::string& line = lines_[stream];
  const bool whole = bytes.back() == '\n';
  if (whole) bytes.remove_suffix(1);
  const std::size_t last = bytes.rfind('\n');
  if (ended_[stream] || last != std::string_view::npos) line.clear();
  if (last != std::string_view::npos) bytes.remove_prefix(last + 1);
  line += bytes.substr(0, kMostKept - std::min(kMostKept, line.size()));
  ended_[stream] = whole;
}

std::string LatestLine::shown(std::size_t columns) const {
  // A colour takes no columns, so only the tag and the text are measured.
  const std::size_t split = style_.color_bytes;
  return style_.before.substr(0, split) +
         fit_line(style_.before.substr(split) + lines_[latest_], columns) + style_.after;
}

bool LatestLine::flush() {
  if (!changed_ || !on_terminal_) return false;
  if (!printer_.queue().try_take()) return true;
  draw();
  if (printer_.queue().release()) printer_.drain();
  return false;
}

void LatestLine::draw() {
  const Screen size = screen();
  const std::string text = '\r' + shown(size.columns - 1) + "\033[K";
  changed_ = false;
  if (!has_row_) {
    printer_.wipe_status();
    printer_.write_all(kStdout, text + '\n');
    row_ = (*rows_)++;
    has_row_ = true;
    return;
  }
  const std::uint64_t up = *rows_ - row_;
  if (up >= size.rows) return;  // it has left the screen
  const std::string count = std::to_string(up);
  printer_.wipe_status();
  printer_.write_all(kStdout, "\033[" + count + 'A' + text + "\033[" + count + "B\r");
}

void LatestLine::end_job(ipc::Output* output) {
  if (on_terminal_) {
    flush();
    return;
  }
  if (!changed_) return;
  std::string text;
  LineTagger tagger(style_);
  tagger.append(lines_[latest_] + '\n', &text);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t done = ::write(files_.fd(kStdout), rest.data(), rest.size());
    if (done <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  output->length[kStdout] = files_.size(kStdout);
}

}  // namespace enjoin
