#pragma once

#include <cstdint>
#include <string_view>

namespace enjoin {

/// Which part of a value a replacement string stands for.
enum class ValuePart : std::uint8_t {
  kWhole,            ///< {}
  kNoExtension,      ///< {.}   a/b.c -> a/b; only the last name's last dot counts
  kBase,             ///< {/}   a/b.c -> b.c; empty after a trailing slash
  kDirectory,        ///< {//}  a/b.c -> a; as dirname(1)
  kBaseNoExtension,  ///< {/.}  a/b.c -> b
};

/// The part of `value`: a piece of it, or a constant ("." for a name without directory).
/// kWhole and kBase always end where `value` ends.
std::string_view value_part(std::string_view value, ValuePart part);

}  // namespace enjoin
