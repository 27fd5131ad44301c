#pragma once

// What the processes of a pool do for the memory that they share.

#include <sys/types.h>

#include "enjoin/shared_memory.h"
#include "ipc/unique_fd.h"

namespace enjoin::shared {

/// To be handed to a new worker program. The memory's own: it stays open as long as the memory.
int memory_fd(const Memory& memory);

/// In a worker program, before it runs functions: maps what the host gave it, for as long as the
/// process lives. A worker that is a fork of a process that has the memory needs no call. Throws
/// Error: it is no such memory.
void attach_memory(ipc::UniqueFd fd);

/// In the host, when it is certain that a worker is no more: what it held is put in order at once.
/// Without the call those who wait find out by themselves, in about a tenth of a second.
/// Memory that is damaged stays so: who uses it is told.
void worker_died(const Memory& memory, pid_t pid) noexcept;

/// In a worker that ends in order, after its last function: no barrier breaks for it.
void leave_memories() noexcept;

}  // namespace enjoin::shared
