#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace enjoin {

/// A Perl regular expression (PCRE2, compiled to machine code where the CPU and the system allow).
/// Bytes are characters, as in perl without `use utf8`. Movable; one thread at a time.
class Regex {
 public:
  struct Options {
    bool ignore_case = false;      ///< /i
    bool multi_line = false;       ///< /m: ^ and $ match at each line
    bool dot_matches_all = false;  ///< /s: . matches newlines too
    bool extended = false;         ///< /x: blanks and comments in the pattern do not count
  };

  /// Throws Error where `pattern` is not valid: what is wrong, at which byte. `whose` says in the
  /// message where the pattern comes from: "--colsep".
  Regex(std::string_view pattern, std::string_view whose, Options options);
  Regex(std::string_view pattern, std::string_view whose) : Regex(pattern, whose, Options()) {}
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  /// The leftmost match in text[from, …); what lies before `from` is seen by look-behind and \b.
  /// False where there is none. Throws Error where matching takes too many steps.
  bool search(std::string_view text, std::size_t from);
  /// The same, and only a match that holds at least one byte.
  bool search_not_empty(std::string_view text, std::size_t from);
  /// The same, and no match that is empty at `from`: for going on from match to match.
  bool search_beyond(std::string_view text, std::size_t from);

  /// Of the last match, as offsets in its text.
  std::size_t begin() const { return begin(0); }
  std::size_t end() const { return end(0); }

  /// How many groups in parentheses the pattern has.
  std::size_t groups() const;
  /// Group `group` of the last match, from 1 (0 is all of it); kNone where it took no part.
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t begin(std::size_t group) const;
  std::size_t end(std::size_t group) const;

 private:
  struct State;
  bool match(std::string_view text, std::size_t from, unsigned flags);

  std::unique_ptr<State> state_;
};

}  // namespace enjoin
