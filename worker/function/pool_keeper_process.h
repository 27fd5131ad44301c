#pragma once

#include <csignal>
#include <cstdint>

namespace enjoin {

/// How the process of a pool's keeper came to be.
enum class KeeperOrigin : std::uint8_t {
  kProgram,  ///< the host's program, executed again
  kCopy,     ///< a fork of the host
};

/// The whole of a pool's keeper, and of each worker that is forked from it. `socket` leads to the
/// host, `host` is a pidfd of it (-1: none); both are taken. `mask` is what workers block.
[[noreturn]] void pool_keeper_process(int socket, int host, KeeperOrigin origin,
                                      const sigset_t& mask);

/// Whether this process was executed as a pool's keeper and main() has not called worker_main()
/// (yet): the host is told so, and does not return.
void leave_without_worker_main();

}  // namespace enjoin
