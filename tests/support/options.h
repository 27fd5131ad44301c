#pragma once

#include <string>
#include <vector>

#include "runner/cli/options.h"

namespace enjoin::test {

using Words = std::vector<std::string>;

/// What a command line of enjoin's is read as.
inline Options options_of(const Words& args) {
  return parse_command_line("enjoin", args).options;
}

/// What `parse()` is refused with, or "no error".
template <typename Parse>
std::string refusal(Parse parse) {
  try {
    parse();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

inline std::string error_of(const Words& args, const std::string& program = "enjoin") {
  return refusal([&] { parse_command_line(program, args); });
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace enjoin::test
