#pragma once

#include <string>
#include <string_view>

namespace enjoin {

/// Resolves the escapes of printf(1): \a \b \e \f \n \r \t \v \\, octal \0 \12 \101 \0101 and
/// hexadecimal \x41. Throws Error, naming `option`, where an escape is none of these. A single
/// backslash at the end is itself.
std::string resolve_escapes(std::string_view text, std::string_view option);

}  // namespace enjoin
