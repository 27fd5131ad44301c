#pragma once

#include <string>

namespace enjoin {

/// The shell that runs lines which need one, chosen as GNU parallel chooses: $PARALLEL_SHELL, else
/// the shell that started us (the nearest ancestor process that is a known shell), else $SHELL,
/// else /bin/sh. A path. An ancestor is known by the name it was started with (`-bash` without the
/// dash), and that name is looked up in $PATH. Throws Error where $PARALLEL_SHELL names no program.
std::string choose_shell();

}  // namespace enjoin
