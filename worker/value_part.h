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
  // Those of --plus.
  kNo2Extensions,      ///< {..}   a/b.c.d -> a/b; as it is where there are less than two
  kNo3Extensions,      ///< {...}
  kBaseNo2Extensions,  ///< {/..}
  kBaseNo3Extensions,  ///< {/...}
  kFolder,             ///< {+/}   a/b.c -> a; nothing where there is no slash
  kExtension,          ///< {+.}   a/b.c -> c; what follows the last dot of all, or nothing
  k2Extensions,        ///< {+..}  a/b.c.d -> c.d; nothing where there are less
  k3Extensions,        ///< {+...}
};

/// The part of `value`: a piece of it, or a constant ("." for a name without directory).
/// kWhole and kBase always end where `value` ends.
std::string_view value_part(std::string_view value, ValuePart part);

}  // namespace enjoin
