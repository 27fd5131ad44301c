#include "runner/values/plus_forms.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "runner/regex.h"
#include "worker/template_spelling.h"

namespace enjoin {
namespace {

constexpr std::size_t kNone = Regex::kNone;

std::shared_ptr<Regex> make_regex(std::string_view pattern, std::string_view form) {
  return std::make_shared<Regex>(pattern, form);
}

/// The match after the last one. Two empty ones do not come at one place.
bool search_next(Regex& regex, std::string_view value) {
  const std::size_t end = regex.end();
  const bool was_empty = regex.begin() == end;
  if (!regex.search(value, end)) return false;
  if (!was_empty || regex.begin() != end || regex.end() != end) return true;
  if (regex.search_not_empty(value, end) && regex.begin() == end) return true;
  return end < value.size() && regex.search(value, end + 1);
}

/// Replaces what matches (all of it, or the first) by `with`, which is given the match.
template <typename With>
NativeExpression substitute(std::shared_ptr<Regex> regex, bool all, With with) {
  return [regex = std::move(regex), all, with](ValueContext& context, std::string* result) {
    const std::string_view value = context.value;
    std::size_t done = 0;
    bool found = regex->search(value, 0);
    while (found) {
      result->append(value.substr(done, regex->begin() - done));
      with(value, *regex, result);
      done = regex->end();
      found = all && search_next(*regex, value);
    }
    result->append(value.substr(done));
  };
}

NativeExpression replace(std::string_view pattern, std::string_view form, bool all,
                         std::string text) {
  return substitute(make_regex(pattern, form), all,
                    [text](std::string_view, Regex&, std::string* out) { out->append(text); });
}

std::size_t quantifier_size(std::string_view text) {
  if (text.starts_with('*') || text.starts_with('+') || text.starts_with('?')) return 1;
  if (text.size() < 2 || text[0] != '{' || text[1] < '0' || text[1] > '9') return 0;
  const std::size_t end = text.find_first_not_of("0123456789,", 1);
  return end != text.npos && text[end] == '}' ? end + 1 : 0;
}

// What stands for itself or a set, and is to be copied: an escape, a set, a group's begin.
std::size_t unit_size(std::string_view text) {
  if (text.starts_with('\\')) return std::min<std::size_t>(2, text.size());
  if (text.starts_with("(?")) return 2;
  if (!text.starts_with('[')) return 1;
  std::size_t at = text.starts_with("[^") ? 2 : 1;
  if (text.substr(at).starts_with(']')) ++at;
  while (at < text.size() && text[at] != ']')
    at += text[at] == '\\' ? std::size_t{2} : std::size_t{1};
  return std::min(at + 1, text.size());
}

/// The regular expression that takes as little as possible wherever this one takes as much as
/// possible.
std::string ungreedy(std::string_view regex) {
  std::string result;
  while (!regex.empty()) {
    const std::size_t quantifier = quantifier_size(regex);
    const std::size_t size = quantifier != 0 ? quantifier : unit_size(regex);
    result += regex.substr(0, size);
    regex.remove_prefix(size);
    if (quantifier == 0) continue;
    const bool has_mode = regex.starts_with('?') || regex.starts_with('+');
    result += has_mode ? regex.front() : '?';
    if (has_mode) regex.remove_prefix(1);
  }
  return result;
}

// Puts the first group in place of the match. That may be one of the user's own: then the rest is
// lost, and so it is under GNU parallel.
NativeExpression keep_group(const std::string& pattern, std::string_view form) {
  return substitute(make_regex(pattern, form), false,
                    [](std::string_view value, Regex& regex, std::string* out) {
                      if (regex.begin(1) == kNone) return;
                      out->append(value.substr(regex.begin(1), regex.end(1) - regex.begin(1)));
                    });
}

char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

NativeExpression change_case(const std::string& pattern, std::string_view form, bool all,
                             char (*change)(char)) {
  return substitute(make_regex(pattern, form), all,
                    [change](std::string_view value, Regex& regex, std::string* out) {
                      const auto match = value.substr(regex.begin(), regex.end() - regex.begin());
                      std::transform(match.begin(), match.end(), std::back_inserter(*out), change);
                    });
}

NativeExpression default_text(std::string text) {
  return [text = std::move(text)](ValueContext& context, std::string* result) {
    *result =
        context.value.empty() || context.value == "0" ? std::string_view(text) : context.value;
  };
}

NativeExpression part(std::size_t from, std::size_t size) {
  return [from, size](ValueContext& context, std::string* result) {
    if (from < context.value.size()) *result = context.value.substr(from, size);
  };
}

bool read_number(std::string_view text, std::size_t* number) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), *number);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

NativeExpression read_colon(std::string_view text) {
  if (text.size() > 1 && text.front() == '-') return default_text(std::string(text.substr(1)));
  std::size_t from = 0;
  std::size_t size = kNone;
  const std::size_t colon = text.find(':');
  if (!read_number(text.substr(0, colon), &from)) return {};
  if (colon != text.npos && !read_number(text.substr(colon + 1), &size)) return {};
  return part(from, size);
}

// /regex/text and //regex/text.
NativeExpression read_slash(std::string_view text, std::string_view form) {
  for (const bool all : {true, false}) {
    if (all && !text.starts_with('/')) continue;
    const std::string_view rest = text.substr(all ? 1 : 0);
    const std::size_t slash = rest.find('/', 1);
    if (slash == rest.npos) continue;
    return replace(rest.substr(0, slash), form, all, std::string(rest.substr(slash + 1)));
  }
  return {};
}

/// The forms of one mark ("#", "##", …) and a regular expression.
NativeExpression read_regex(char mark, bool twice, const std::string& regex,
                            std::string_view form) {
  switch (mark) {
    case '#':
      if (regex.front() == '#') return {};
      return twice ? replace("^" + regex, form, false, {})
                   : keep_group("^" + ungreedy(regex) + "(.*)", form);
    case '%':
      return twice ? replace(regex + "$", form, false, {})
                   : keep_group("(.*)" + ungreedy(regex) + "$", form);
    case '^':
    case ',': {
      const auto change = mark == '^' ? to_upper : to_lower;
      return twice ? change_case("(" + regex + ")", form, true, change)
                   : change_case("^(" + regex + ")", form, false, change);
    }
    default:
      return {};
  }
}

NativeExpression read_dynamic(std::string_view text, std::string_view form) {
  if (text.size() < 2) return {};
  const char mark = text.front();
  if (mark == ':') return read_colon(text.substr(1));
  if (mark == '/') return read_slash(text.substr(1), form);
  if (text[1] == mark && text.size() > 2) {
    return read_regex(mark, true, std::string(text.substr(2)), form);
  }
  return read_regex(mark, false, std::string(text.substr(1)), form);
}

void skip_unless_ascending(ValueContext& context, std::string* result) {
  const auto out_of_order =
      std::adjacent_find(context.values.begin(), context.values.end(), std::greater_equal<>());
  context.skip |= out_of_order != context.values.end();
  *result = context.value;
}

void skip_unless_different(ValueContext& context, std::string* result) {
  for (std::size_t i = 1; i < context.values.size(); ++i) {
    const auto before = context.values.first(i);
    context.skip |= std::find(before.begin(), before.end(), context.values[i]) != before.end();
  }
  *result = context.value;
}

void show_total(ValueContext& context, std::string* result) {
  *result = std::to_string(context.total);
}

void show_padded_seq(ValueContext& context, std::string* result) {
  const std::size_t width = std::to_string(context.total).size();
  *result = std::to_string(context.seq);
  if (result->size() < width) result->insert(0, width - result->size(), '0');
}

PlusForm read_fixed(std::string_view inside) {
  if (inside == "##") return {.needs_total = true, .once = true, .evaluate = show_total};
  if (inside == "0#") return {.needs_total = true, .once = true, .evaluate = show_padded_seq};
  if (inside == "choose_k") return {.evaluate = skip_unless_ascending};
  if (inside == "uniq") return {.evaluate = skip_unless_different};
  return {};
}

}  // namespace

PlusForm read_plus_form(std::string_view text) {
  if (!text.starts_with('{')) return {};
  const std::size_t end = text.find('}');
  if (end == text.npos) return {};
  const std::string_view inside = text.substr(1, end - 1);
  PlusForm form = read_fixed(inside);
  if (!form.evaluate) {
    std::size_t digits = 0;
    const std::int32_t position = read_position(inside, &digits);
    if (digits > 0) {
      form = read_fixed(inside.substr(digits));
      form.position = position;
    }
    if (!form.evaluate) {
      form.evaluate = read_dynamic(inside.substr(digits), text.substr(0, end + 1));
    }
  }
  if (form.evaluate) form.size = end + 1;
  return form;
}

}  // namespace enjoin
