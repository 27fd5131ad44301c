#include "runner/progress_printer.h"

#include <algorithm>
#include <poll.h>
#include <string>
#include <string_view>
#include <unistd.h>

#include "runner/display/terminal.h"

namespace enjoin {
namespace {

constexpr std::chrono::milliseconds kRedrawEvery{250};
constexpr std::chrono::seconds kLineEvery{5};
constexpr std::size_t kPlainColumns = 200;

}  // namespace

ProgressPrinter::ProgressPrinter(ProgressKind kind, int fd)
    : kind_(kind),
      fd_(fd),
      redraws_(can_redraw(fd)),
      colour_(may_colour(fd)),
      interval_(redraws_ ? std::chrono::nanoseconds(kRedrawEvery) : kLineEvery) {
  if (!redraws_) next_ = std::chrono::steady_clock::now() + interval_;
}

std::chrono::nanoseconds ProgressPrinter::until_due(TimePoint now) const {
  return std::max<std::chrono::nanoseconds>(next_ - now, std::chrono::nanoseconds(0));
}

void ProgressPrinter::update(ProgressSnapshot snapshot, TimePoint now) {
  if (!is_on() || now < next_) return;
  next_ = now + interval_;
  meter_.add(now, snapshot.done);
  snapshot.recent_rate = meter_.rate();
  const std::string line = progress_line(kind_, snapshot, style());
  if (redraws_) {
    // Jobs may have printed a line without an end just now: it stays.
    if (write(drawing({line}, size_of_terminal(fd_), true))) is_shown_ = true;
  } else {
    write(line + '\n');
  }
}

void ProgressPrinter::toggle() {
  clear();
  kind_ = is_on() ? ProgressKind::kNone : ProgressKind::kProgress;
  next_ = {};
}

void ProgressPrinter::clear() {
  if (is_shown_) write(kTakeOff);
  is_shown_ = false;
}

void ProgressPrinter::finish(ProgressSnapshot snapshot, TimePoint now) {
  if (!is_on()) return;
  next_ = now + interval_;
  snapshot.recent_rate = 0;  // at the end the average of the whole run says more
  snapshot.latest = {};
  const std::string line = progress_line(kind_, snapshot, style());
  write((redraws_ ? drawing({line}, size_of_terminal(fd_), true) : line) + '\n');
  is_shown_ = false;
}

ProgressStyle ProgressPrinter::style() const {
  if (!redraws_) return {kPlainColumns, false};
  // Not the last column: some terminals wrap as soon as it is written.
  return {size_of_terminal(fd_).columns - 1, colour_};
}

bool ProgressPrinter::write(const std::string& text) const {
  pollfd poll_fd{fd_, POLLOUT, 0};
  if (::poll(&poll_fd, 1, 0) != 1 || (poll_fd.revents & POLLOUT) == 0) return false;
  return ::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace enjoin
