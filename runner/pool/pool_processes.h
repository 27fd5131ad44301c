#pragma once

#include <memory>

#include "runner/pool/pool_workers.h"

namespace enjoin {

/// The processes of one pool. Throws Error.
std::unique_ptr<PoolWorkers> make_pool_processes(const PoolOptions& options, PoolMemory& memory,
                                                 WorkerEvents& events);

}  // namespace enjoin
