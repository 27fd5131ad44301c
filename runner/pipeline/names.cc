#include "runner/pipeline/names.h"

#include <algorithm>

namespace enjoin {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string_view why_no_name(std::string_view text) {
  if (!is_name(text)) return "a name is made of letters, digits, _ and -, a letter first";
  if (std::find(kOwnNames.begin(), kOwnNames.end(), text) != kOwnNames.end())
    return "it is a replacement string of its own";
  return {};
}

}  // namespace enjoin
