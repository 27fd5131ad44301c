#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace enjoin {

/// Reads the simplest lines as every shell of kind ShellKind (but kOther) reads them: words of
/// literal text, with blanks between and quotes around. All else is refused, also where only one
/// shell gives it a meaning (zsh's `=cmd`) or where only some place of it has one (`a=~`).
///
/// A line may hold marks (NUL bytes) for text that is not known yet but will stand there, quoted as
/// append_shell_quoted does it, and not nothing. A mark inside quotes or after a backslash is
/// refused, for the quotes would meet.
///
/// `Sink` has put(char), mark() and end_word(). A word of quotes around nothing ends without a put.
template <typename Sink>
class SimpleLexer {
 public:
  SimpleLexer(std::string_view line, Sink& sink)
      : at_(line.data()), end_(at_ + line.size()), sink_(sink) {}

  /// False where a shell must read the line; the sink has then got a part of it.
  bool run();

 private:
  bool take_special(char c);
  bool take_blank();
  bool take_backslash();
  bool take_single_quotes();
  bool take_double_quotes();
  bool take_braces();
  bool ends_here() const;  // the word, with the character in hand

  void put(char c) {
    in_word_ = true;
    at_word_start_ = false;
    previous_ = c;
    sink_.put(c);
  }

  const char* at_;  // after the character in hand
  const char* end_;
  Sink& sink_;
  bool in_word_ = false;
  bool first_word_ = true;
  bool at_word_start_ = true;  // but for empty quotes, which zsh passes over, and for marks
  char previous_ = ' ';
};

enum class CharClass : std::uint8_t {
  kShell,     // means something to a shell, or not the same to all
  kOrdinary,  // stands for itself
  kSpecial,   // depends on where it stands
};

constexpr std::array<CharClass, 256> make_char_classes() {
  std::array<CharClass, 256> classes{};
  constexpr std::string_view ordinary =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+/-,:@]";
  constexpr std::string_view special = " \t'\"\\=~#!%^{[";
  for (const char c : ordinary) classes[static_cast<unsigned char>(c)] = CharClass::kOrdinary;
  for (const char c : special) classes[static_cast<unsigned char>(c)] = CharClass::kSpecial;
  for (std::size_t c = 0x80; c < 0x100; ++c) classes[c] = CharClass::kOrdinary;
  classes[0] = CharClass::kSpecial;
  return classes;
}
inline constexpr std::array<CharClass, 256> kCharClasses = make_char_classes();

template <typename Sink>
bool SimpleLexer<Sink>::run() {
  while (at_ != end_) {
    const char c = *at_++;
    const CharClass kind = kCharClasses[static_cast<unsigned char>(c)];
    if (kind == CharClass::kOrdinary) {
      put(c);
    } else if (kind == CharClass::kShell || !take_special(c)) {
      return false;
    }
  }
  if (in_word_) sink_.end_word();
  return true;
}

template <typename Sink>
bool SimpleLexer<Sink>::take_special(char c) {
  switch (c) {
    case ' ':
    case '\t':
      return take_blank();
    case '\0':
      in_word_ = true;
      previous_ = c;
      sink_.mark();
      return true;
    case '\'':
      return take_single_quotes();
    case '"':
      return take_double_quotes();
    case '\\':
      return take_backslash();
    case '{':
      return take_braces();
    // An assignment in the first word; zsh's path of a command at any word's begin.
    case '=':
      if (first_word_ || at_word_start_) return false;
      break;
    // A home directory, also after what looks like an assignment (a=~, a=b:~).
    case '~':
      if (at_word_start_ || previous_ == '=' || previous_ == ':') return false;
      break;
    // A comment, a keyword, a job.
    case '#':
    case '!':
    case '%':
      if (at_word_start_) return false;
      break;
    // A pipe in the oldest shells: as a word of its own only.
    case '^':
      if (at_word_start_ && ends_here()) return false;
      break;
    // A pattern, but for the command `[`.
    case '[':
      if (!first_word_ || in_word_ || !ends_here()) return false;
      break;
    default:
      return false;
  }
  put(c);
  return true;
}

template <typename Sink>
bool SimpleLexer<Sink>::take_blank() {
  if (!in_word_) return true;
  sink_.end_word();
  in_word_ = false;
  first_word_ = false;
  at_word_start_ = true;
  previous_ = ' ';
  return true;
}

template <typename Sink>
bool SimpleLexer<Sink>::take_backslash() {
  // A newline is taken away with its backslash, and a last backslash has nothing to act on.
  if (at_ == end_ || *at_ == '\n' || *at_ == '\0') return false;
  put(*at_++);
  return true;
}

template <typename Sink>
bool SimpleLexer<Sink>::take_single_quotes() {
  in_word_ = true;
  previous_ = '\'';
  while (at_ != end_) {
    const char c = *at_++;
    if (c == '\'') return true;
    if (c == '\0') return false;
    put(c);
  }
  return false;
}

template <typename Sink>
bool SimpleLexer<Sink>::take_double_quotes() {
  in_word_ = true;
  previous_ = '"';
  while (at_ != end_) {
    const char c = *at_++;
    if (c == '"') return true;
    if (c == '$' || c == '`' || c == '\0') return false;
    if (c != '\\') {
      put(c);
      continue;
    }
    if (at_ == end_ || *at_ == '\n' || *at_ == '\0') return false;
    const char next = *at_;
    if (next == '$' || next == '`' || next == '"' || next == '\\') {
      put(*at_++);
    } else {
      put('\\');
    }
  }
  return false;
}

// `{}` stands for itself, but not as a command. All other braces may be a list or a group.
template <typename Sink>
bool SimpleLexer<Sink>::take_braces() {
  if (at_ == end_ || *at_ != '}' || first_word_) return false;
  ++at_;
  put('{');
  put('}');
  return true;
}

template <typename Sink>
bool SimpleLexer<Sink>::ends_here() const {
  return at_ == end_ || *at_ == ' ' || *at_ == '\t';
}

}  // namespace enjoin
