#include "runner/values/definition.h"

#include <algorithm>

#include "enjoin/error.h"
#include "worker/template_spelling.h"

namespace enjoin {
namespace {

std::string quoted(char c) {
  const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                        (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
  return is_plain ? std::string(1, c) : std::string{'\\', c};
}

// The end of the group that begins at `begin`, behind its parenthesis.
std::size_t group_end(std::string_view tag, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < tag.size(); ++i) {
    if (tag[i] == '\\') {
      ++i;
    } else if (tag[i] == '(') {
      ++depth;
    } else if (tag[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  throw Error("--rpl '" + std::string(tag) + "': a parenthesis of the tag is not closed");
}

/// A pattern for the tag at the place where the search begins; its first group is the position.
std::string pattern_of(std::string_view tag) {
  std::string pattern = "\\G";
  std::size_t at = 0;
  if (tag.starts_with('{')) {
    pattern += "\\{(?:(-?\\d+)\\s*)?";
    at = 1;
  } else {
    pattern += "()";
  }
  while (at < tag.size()) {
    if (tag[at] == '(') {
      const std::size_t end = group_end(tag, at);
      pattern += tag.substr(at, end - at);
      at = end;
    } else {
      pattern += quoted(tag[at++]);
    }
  }
  return pattern;
}

std::string tag_of(const std::string& text) {
  std::string tag = text.substr(0, text.find(' '));
  if (tag.empty()) {
    throw Error("--rpl '" + text + "': the replacement string is missing: --rpl '{x} $_ = ...'");
  }
  return tag;
}

// $$1 becomes the variable that holds the first group: perl_program.h sets it.
std::string with_groups(std::string_view code) {
  std::string result;
  while (!code.empty()) {
    std::size_t digits = 0;
    if (code.starts_with("$$"))
      digits = std::min(code.find_first_not_of("0123456789", 2), code.size()) - 2;
    if (digits > 0) {
      result += "${enjoin_group_@_" + std::string(code.substr(2, digits)) + "}";
      code.remove_prefix(2 + digits);
    } else {
      result += code.front();
      code.remove_prefix(1);
    }
  }
  return result;
}

}  // namespace

Definition::Definition(const std::string& text)
    : text_(text), tag_(tag_of(text)), pattern_(pattern_of(tag_), "--rpl '" + text + "'") {
  std::string_view code = text;
  code.remove_prefix(std::min(tag_.size() + 1, code.size()));
  std::size_t digits = 0;
  const std::size_t begin = code.find_first_not_of(' ');
  if (begin != code.npos) {
    const std::int32_t position = read_position(code.substr(begin), &digits);
    if (digits > 0 && code.substr(begin + digits - 1).starts_with(' ')) {
      position_ = position;
      code.remove_prefix(begin + digits);
    }
  }
  code_ = with_groups(code);
}

std::optional<Definition::Match> Definition::match(std::string_view text) {
  if (!pattern_.search(text, 0)) return std::nullopt;
  Match match{.size = pattern_.end()};
  if (match.size == 0) return std::nullopt;
  const auto group = [&](std::size_t number) {
    const std::size_t begin = pattern_.begin(number);
    if (begin == Regex::kNone) return std::string_view();
    return text.substr(begin, pattern_.end(number) - begin);
  };
  if (!group(1).empty()) {
    std::size_t digits = 0;
    match.position = read_position(group(1), &digits);
  }
  for (std::size_t i = 2; i <= pattern_.groups(); ++i) match.groups.emplace_back(group(i));
  return match;
}

}  // namespace enjoin
