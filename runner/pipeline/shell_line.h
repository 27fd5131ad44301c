#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace enjoin {

/// Puts a line for the shell together, of its text and of values, so that each value comes out of
/// it as it is, wherever it stands: as a word or a part of one, in quotes of any kind, in a
/// comment, or in a here-document. It follows the text as a POSIX shell or bash would read it.
/// Backquotes and the words of ${…} are read like the text around them.
class ShellLine {
 public:
  void add_literal(std::string_view text);
  /// As words of their own; in quotes and here-documents, joined by blanks.
  void add_values(const std::vector<std::string>& values);
  void add_value(std::string_view value);
  std::string take() { return std::move(line_); }

 private:
  enum class State : std::uint8_t {
    kPlain,         // also in $( ) within double quotes
    kSingleQuotes,  // '…'
    kDollarQuotes,  // $'…'
    kDoubleQuotes,
    kComment,
    kHereText,  // of a here-document
  };
  struct HereDocument {
    std::string end;
    bool is_literal = false;   // its word was quoted: nothing is expanded
    bool strips_tabs = false;  // <<-
  };
  void take_plain(std::string_view text, std::size_t* at);
  void take_double_quoted(std::string_view text, std::size_t* at);
  void take_here_text(char c);
  void read_here_word(std::string_view text, std::size_t* at);
  void end_line();
  char before() const { return line_.empty() ? '\n' : line_.back(); }

  std::string line_;
  State state_ = State::kPlain;
  std::vector<std::size_t> parentheses_;  // open ones in each $( ) within double quotes
  std::size_t arithmetic_ = 0;            // open parentheses of $(( )) or (( ))
  std::vector<HereDocument> awaited_;     // their texts begin behind the line's end
  std::size_t text_line_ = 0;             // where the line of the here-document began
  bool escaped_ = false;                  // a backslash was last
};

}  // namespace enjoin
