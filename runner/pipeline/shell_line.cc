#include "runner/pipeline/shell_line.h"

#include <algorithm>

#include "worker/shell_quote.h"

namespace enjoin {
namespace {

bool is_in(char c, std::string_view set) {
  return set.find(c) != set.npos;
}

// Behind these a word begins.
bool ends_word(char c) {
  return is_in(c, " \t\n;|&()");
}

void append_escaped(std::string_view value, std::string_view special, std::string* out) {
  for (const char c : value) {
    if (is_in(c, special)) *out += '\\';
    *out += c;
  }
}

}  // namespace

void ShellLine::add_literal(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    switch (state_) {
      case State::kPlain:
        take_plain(text, &at);
        continue;
      case State::kDoubleQuotes:
        take_double_quoted(text, &at);
        continue;
      case State::kSingleQuotes:
        line_ += c;
        if (c == '\'') state_ = State::kPlain;
        break;
      case State::kDollarQuotes:
        line_ += c;
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == '\'') {
          state_ = State::kPlain;
        }
        break;
      case State::kComment:
        line_ += c;
        if (c == '\n') end_line();
        break;
      case State::kHereText:
        take_here_text(c);
        break;
    }
    ++at;
  }
}

void ShellLine::take_plain(std::string_view text, std::size_t* at) {
  const char c = text[(*at)++];
  const char last = before();
  const char next = *at < text.size() ? text[*at] : '\0';
  if (!escaped_ && c == '<' && next == '<' && arithmetic_ == 0) return read_here_word(text, at);
  line_ += c;
  if (escaped_) {
    escaped_ = false;
    return;
  }
  switch (c) {
    case '\\':
      escaped_ = true;
      break;
    case '\'':
      state_ = last == '$' ? State::kDollarQuotes : State::kSingleQuotes;
      break;
    case '"':
      state_ = State::kDoubleQuotes;
      break;
    case '#':
      if (ends_word(last)) state_ = State::kComment;
      break;
    case '\n':
      end_line();
      break;
    case '(':
      if (arithmetic_ > 0 || (next == '(' && (last == '$' || ends_word(last)))) {
        ++arithmetic_;
      } else if (!parentheses_.empty()) {
        ++parentheses_.back();
      }
      break;
    case ')':
      if (arithmetic_ > 0) {
        --arithmetic_;
      } else if (!parentheses_.empty() && --parentheses_.back() == 0) {
        parentheses_.pop_back();
        state_ = State::kDoubleQuotes;
      }
      break;
    default:
      break;
  }
}

void ShellLine::take_double_quoted(std::string_view text, std::size_t* at) {
  const char c = text[(*at)++];
  line_ += c;
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    state_ = State::kPlain;
  } else if (c == '$' && text.substr(*at).starts_with('(') && !text.substr(*at).starts_with("((")) {
    line_ += text[(*at)++];
    parentheses_.push_back(1);
    state_ = State::kPlain;
  }
}

// Behind the first `<`: `<<WORD`, `<<-'WORD'`, but not `<<<`.
void ShellLine::read_here_word(std::string_view text, std::size_t* at) {
  const std::size_t begin = *at - 1;
  std::size_t end = *at + 1;
  const auto rest = [&] { return end < text.size() ? text[end] : '\n'; };
  HereDocument document;
  if (rest() == '<') {
    ++end;
  } else {
    if (rest() == '-') document.strips_tabs = end++ < text.size();
    while (rest() == ' ' || rest() == '\t') ++end;
    for (char quote = '\0'; end < text.size(); ++end) {
      const char c = text[end];
      if (quote == '\0' && (ends_word(c) || c == '<' || c == '>')) break;
      if (c == quote) {
        quote = '\0';
      } else if (quote == '\0' && is_in(c, "'\"\\")) {
        document.is_literal = true;
        if (c != '\\') quote = c;
      } else {
        document.end += c;
      }
    }
    awaited_.push_back(std::move(document));
  }
  line_ += text.substr(begin, end - begin);
  *at = end;
}

void ShellLine::end_line() {
  state_ = awaited_.empty() ? State::kPlain : State::kHereText;
  text_line_ = line_.size();
}

void ShellLine::take_here_text(char c) {
  if (c == '\n') {
    std::string_view line = std::string_view(line_).substr(text_line_);
    if (awaited_.front().strips_tabs) {
      line.remove_prefix(std::min(line.find_first_not_of('\t'), line.size()));
    }
    if (line == awaited_.front().end) awaited_.erase(awaited_.begin());
  }
  line_ += c;
  if (c == '\n') end_line();
}

void ShellLine::add_values(const std::vector<std::string>& values) {
  bool is_first = true;
  for (const std::string& value : values) {
    if (!is_first) add_literal(" ");
    is_first = false;
    add_value(value);
  }
}

void ShellLine::add_value(std::string_view value) {
  // A backslash before a value: as a word it has nothing to do, in quotes it stands for itself.
  if (escaped_ && state_ == State::kPlain) {
    line_.pop_back();
  } else if (escaped_) {
    line_ += '\\';
  }
  escaped_ = false;
  switch (state_) {
    case State::kPlain:
      append_shell_quoted(value, &line_);
      break;
    case State::kSingleQuotes:
      for (const char c : value) {
        if (c == '\'') {
          line_ += "'\\''";
        } else {
          line_ += c;
        }
      }
      break;
    case State::kDollarQuotes:
      append_escaped(value, "\\'", &line_);
      break;
    case State::kDoubleQuotes:
      append_escaped(value, "\\\"$`", &line_);
      break;
    case State::kComment:
      for (const char c : value) line_ += c == '\n' ? ' ' : c;
      break;
    case State::kHereText:
      if (awaited_.front().is_literal) {
        line_ += value;
      } else {
        const std::size_t text = line_.find_last_not_of('\\') + 1;
        if ((line_.size() - text) % 2 == 1) line_ += '\\';
        append_escaped(value, "\\$`", &line_);
      }
      break;
  }
}

}  // namespace enjoin
