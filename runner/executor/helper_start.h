#pragma once

#include "enjoin/executor.h"
#include "runner/executor/frame_socket.h"

namespace enjoin {

/// Starts the helper program `enjoin-executor` beside this process, waits until it has said hello,
/// and tells it of the host as it is now (kSetup). Throws Error.
FrameSocket start_helper(const ExecutorOptions& options);

}  // namespace enjoin
