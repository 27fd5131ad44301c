#include "worker/shell_quote.h"

#include <algorithm>
#include <array>

namespace enjoin {
namespace {

// Inside quotes a single quote ends them, stands in double quotes, and opens them again.
constexpr std::string_view kQuoteInside = R"('"'"')";

constexpr std::array<bool, 256> make_bare_table() {
  std::array<bool, 256> bare{};
  constexpr std::string_view chars =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+/-";
  for (const char c : chars) bare[static_cast<unsigned char>(c)] = true;
  return bare;
}
constexpr std::array<bool, 256> kBare = make_bare_table();

bool is_bare(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(),
                                       [](char c) { return kBare[static_cast<unsigned char>(c)]; });
}

}  // namespace

void append_shell_quoted(std::string_view value, std::string* out) {
  if (is_bare(value)) {
    out->append(value);
    return;
  }
  if (value.empty()) {
    out->append("''");
    return;
  }
  // Quotes around nothing are left out at both ends: 'a becomes "'"'a'.
  const bool starts_with_quote = value.front() == '\'';
  if (!starts_with_quote) out->push_back('\'');
  std::size_t at = 0;
  for (std::size_t quote; (quote = value.find('\'', at)) != value.npos; at = quote + 1) {
    out->append(value.substr(at, quote - at));
    out->append(quote == 0 ? kQuoteInside.substr(1) : kQuoteInside);
  }
  out->append(value.substr(at));
  if (value.back() == '\'') {
    out->pop_back();
  } else {
    out->push_back('\'');
  }
}

std::string shell_quoted(std::string_view value) {
  std::string quoted;
  append_shell_quoted(value, &quoted);
  return quoted;
}

std::size_t shell_quoted_length(std::string_view value) {
  std::size_t quotes = 0;
  bool bare = true;
  for (const char c : value) {
    bare &= kBare[static_cast<unsigned char>(c)];
    quotes += c == '\'';
  }
  if (value.empty()) return 2;
  if (bare) return value.size();
  const std::size_t quotes_at_ends =
      (value.front() == '\'' ? 1U : 0U) + (value.back() == '\'' ? 1U : 0U);
  return 2 + value.size() + quotes * (kQuoteInside.size() - 1) - 2 * quotes_at_ends;
}

}  // namespace enjoin
