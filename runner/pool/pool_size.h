#pragma once

#include <cstdint>

#include "enjoin/error.h"

namespace enjoin {

/// PoolOptions::size, with 0 for as many as CPUs that we may use. Throws Error.
std::uint32_t pool_size(std::uint32_t asked);

}  // namespace enjoin
