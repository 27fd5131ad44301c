#pragma once

#include "ipc/unique_fd.h"

namespace enjoin {

/// The whole of the process beside a host: says hello, waits for the setup, runs what the host adds
/// until it is gone. Returns the exit status: 0, or 255 where we could not go on, which the host
/// was told.
int serve(ipc::UniqueFd socket);

}  // namespace enjoin
