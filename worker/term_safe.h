#pragma once

#include <string>
#include <string_view>

namespace enjoin {

/// Appends `text` so that a terminal shows it and does nothing else: control characters (C0, DEL,
/// C1), bytes that are not UTF-8, bidirectional controls and line separators become visible
/// escapes: \n \r \t, \xHH, \u{HHHH}. All other text, backslashes included, stays as it is.
/// For text that comes from inputs, commands or file names and goes into a message or status line.
void append_term_safe(std::string_view text, std::string* out);

std::string term_safe(std::string_view text);

/// The same for a text of several lines: newlines stay. What is safe already stays as it is.
std::string term_safe_lines(std::string_view text);

/// Without what term_safe would show as escapes: for a line that is drawn again and again.
std::string without_controls(std::string_view text);

/// The columns that safe text takes on a terminal, counted too large where unsure (every character
/// from U+1100 on counts 2).
std::size_t term_columns(std::string_view safe_text);

/// The longest prefix of safe text that takes at most `columns`.
std::string_view term_prefix(std::string_view safe_text, std::size_t columns);

}  // namespace enjoin
