#include "runner/pipe/header_finder.h"

#include <charconv>

#include "runner/cli/options.h"
#include "runner/pipe/byte_count.h"

namespace enjoin {

HeaderFinder::HeaderFinder(const std::string& spec) {
  if (spec.empty()) return;
  if (spec == ":") {
    lines_ = 1;
    return;
  }
  const char* const end = spec.data() + spec.size();
  const auto [stop, error] = std::from_chars(spec.data(), end, lines_);
  if (error == std::errc{} && stop == end) return;
  if (error == std::errc::result_out_of_range)
    throw UsageError("--header " + spec + ": that many lines are no header");
  lines_ = 0;
  try {
    regex_.emplace("\\A(?:" + spec + ")", "--header");
  } catch (const UsageError&) {
    throw;
  } catch (const Error& failure) {
    throw UsageError(failure.what());
  }
}

std::optional<std::size_t> HeaderFinder::find(std::string_view text) {
  if (regex_) {
    if (!regex_->search(text, 0)) return std::nullopt;
    return regex_->end();
  }
  std::size_t found = 0;
  const std::size_t at = find_nth(text, 0, '\n', lines_, &found);
  if (at == std::string_view::npos) return std::nullopt;
  return at + 1;
}

}  // namespace enjoin
