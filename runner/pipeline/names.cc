#include "runner/pipeline/names.h"

#include <algorithm>

namespace enjoin {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

bool is_stage_name(std::string_view text) {
  return !text.empty() && text[0] != '-' && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '-';
  });
}

bool is_name(std::string_view text) {
  return is_stage_name(text) && !is_digit(text[0]);
}

std::string_view why_no_name(std::string_view text) {
  if (!is_name(text)) return "a name is made of letters, digits, _ and -, a letter first";
  if (std::find(kOwnNames.begin(), kOwnNames.end(), text) != kOwnNames.end())
    return "it is a replacement string of its own";
  return {};
}

}  // namespace enjoin
