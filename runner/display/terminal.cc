#include "runner/display/terminal.h"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

#include <sys/ioctl.h>

namespace enjoin {
namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

bool can_redraw(int fd) {
  return ::isatty(fd) == 1 && variable("TERM") != "dumb";
}

bool may_colour(int fd) {
  return can_redraw(fd) && variable("NO_COLOR").empty();
}

ScreenSize size_of_terminal(int fd) {
  winsize size{};
  ScreenSize screen;
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return screen;
  if (size.ws_col > 1) screen.columns = size.ws_col;
  if (size.ws_row > 1) screen.rows = size.ws_row;
  return screen;
}

}  // namespace enjoin
