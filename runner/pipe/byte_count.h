#pragma once

#include <cstddef>
#include <string_view>

namespace enjoin {

/// How often `byte` occurs in `text`: 16 bytes a step.
std::size_t count_byte(std::string_view text, char byte);

/// The offset of the `count`-th `byte` (from 1) in `text` at or behind `from`. Where there are
/// fewer: npos, and `*found` is how many there are.
std::size_t find_nth(std::string_view text, std::size_t from, char byte, std::size_t count,
                     std::size_t* found);

}  // namespace enjoin
