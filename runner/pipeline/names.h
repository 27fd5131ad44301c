#pragma once

#include <array>
#include <string_view>

namespace enjoin {

/// Replacement strings of ours.
inline constexpr std::array<std::string_view, 6> kOwnNames = {"item", "out",    "outputs",
                                                              "cpus", "memory", "attempt"};

/// Letters, digits, `_` and `-`; a letter or `_` first.
bool is_name(std::string_view text);

/// The same, but a digit may be first.
bool is_stage_name(std::string_view text);

/// Why a variable, a column or a pool cannot be called so; empty: it can.
std::string_view why_no_name(std::string_view text);

}  // namespace enjoin
