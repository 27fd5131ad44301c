#pragma once

// SKETCH (its owner completes it, in files of one object each: shared_memory.h, shared_lock.h, …,
// with this one including them all). namespace enjoin::shared.
//
//   Memory memory({.size = …});           // unnamed, mapped by the workers of pools that name it
//   Lock lock(memory);                    // lock() -> kAcquired | kOwnerDied; std::scoped_lock
//   works Semaphore slots(memory, 3);           // permits of a dead holder come back Event
//   ready(memory);                  // set, clear, wait Barrier meet(memory, 4);              //
//   wait() -> kPassed | kBroken: a party died Counter count(memory); count.add(1);  // atomic,
//   never torn Value<T> value(memory, T{});          // load, store, update(f): a death in it
//   leaves the old one Queue<T> queue(memory, {.most = 100}); // put, get, try_*, task_done, join,
//   close; an item whose
//                                         //   getter died before task_done comes back
//   Buffer buffer = memory.buffer(bytes); // big arguments, not copied; std::span<std::byte>
//   print(memory, "line\n");              // a line at a time, never jumbled
//
// All are handles: copying one copies the reference; as an argument of a pool's function it arrives
// as the same object. In a thread pool they work as well.
