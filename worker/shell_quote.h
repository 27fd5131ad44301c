#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace enjoin {

/// Appends `value` quoted as GNU parallel quotes it for bash, sh, dash, ksh and zsh: any of them
/// reads it back as the one word `value`. Letters, digits and `_ . + / -` stay bare; all else goes
/// into single quotes, with "'" for a single quote. The empty string becomes ''.
void append_shell_quoted(std::string_view value, std::string* out);

std::string shell_quoted(std::string_view value);

/// How many bytes append_shell_quoted would append.
std::size_t shell_quoted_length(std::string_view value);

}  // namespace enjoin
