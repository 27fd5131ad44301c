#pragma once

/// What processes have in common, whoever of them dies: all of enjoin::shared.
///
///     enjoin::shared::Memory memory;
///     enjoin::shared::Lock lock(memory);
///     enjoin::shared::Queue<std::string> names(memory, {.most = 100});
///     enjoin::Pool pool({.shared = &memory});
///     pool.submit(work, lock, names);
///
///   Memory, Buffer   where they lie; bytes to share without copying; print()
///   Lock             a lock that says that its owner died
///   Semaphore        permits of a dead holder come back
///   Event            happens for all
///   Barrier          breaks when a party dies
///   Counter, Value   a death leaves the old value, or the new one
///   Queue            an item that was not finished comes back
///
/// All are handles: copying one copies the reference, and as an argument or result of a pool's
/// function it arrives as the same object. They work between threads as well, and between
/// processes that were forked after the Memory was made.

#include "enjoin/shared_barrier.h"
#include "enjoin/shared_counter.h"
#include "enjoin/shared_event.h"
#include "enjoin/shared_lock.h"
#include "enjoin/shared_memory.h"
#include "enjoin/shared_queue.h"
#include "enjoin/shared_semaphore.h"
#include "enjoin/shared_value.h"
