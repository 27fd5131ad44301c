#pragma once

#include "ipc/claim_queue.h"
#include "ipc/unique_fd.h"

namespace enjoin {

/// In a worker of a pool that has shared objects (PoolOptions::shared): maps their memory, so that
/// handles that come as arguments find it. Throws Error.
void map_shared_place(ipc::UniqueFd memory, ipc::WorkerId self);

}  // namespace enjoin
