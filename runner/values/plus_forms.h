#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace enjoin {

/// What an expression is evaluated for: one value of one job.
struct ValueContext {
  std::string_view value = {};
  std::span<const std::string_view> values = {};  ///< all of the job's
  std::uint64_t seq = 1;
  std::uint64_t total = 0;  ///< all jobs of the run; 0: not known
  bool skip = false;        ///< set: the job is not to be run
};

/// An expression in C++: replaces `*result`, empty before, by what the value becomes.
using NativeExpression = std::function<void(ValueContext& context, std::string* result)>;

/// A replacement string of --plus that must be computed, found in a command.
struct PlusForm {
  std::size_t size = 0;  ///< bytes of the text; 0: there is none
  std::int32_t position = 0;
  bool needs_total = false;  ///< it shows how many jobs there are
  bool once = false;         ///< it says something about the job, not about a value
  NativeExpression evaluate;
};

/// Reads {##} {0#} {choose_k} {uniq}, {:-text} {:2} {:2:3}, {#regex} {##regex} {%regex} {%%regex},
/// {/regex/text} {//regex/text}, {^regex} {^^regex} {,regex} {,,regex}, also with a position, at
/// the begin of `text`. Throws Error where the regular expression is not valid.
PlusForm read_plus_form(std::string_view text);

}  // namespace enjoin
