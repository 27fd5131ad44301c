#pragma once

#include <string>

namespace enjoin {

/// The shell that runs lines which need one, chosen as GNU parallel chooses: $PARALLEL_SHELL, else
/// the shell that started us (the nearest ancestor process that is a known shell), else $SHELL,
/// else /bin/sh. An absolute path.
std::string choose_shell();

}  // namespace enjoin
