#pragma once

#include "runner/display/frame.h"

namespace enjoin {

/// Whether what stands on it can be taken away again: a terminal, but not with TERM=dumb.
bool can_redraw(int fd);
/// The same, and $NO_COLOR is not set to anything.
bool may_colour(int fd);
/// The usual 80 x 24 where it is not known.
ScreenSize size_of_terminal(int fd);

}  // namespace enjoin
