#include "runner/pipe/header_finder.h"

#include <charconv>

#include "runner/cli/options.h"
#include "runner/pipe/byte_count.h"

namespace enjoin {

HeaderFinder::HeaderFinder(const std::string& spec, bool skip_first_line)
    : skips_line_(skip_first_line) {
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

std::optional<HeaderFinder::Header> HeaderFinder::find(std::string_view text, bool is_all) {
  Header header;
  if (skips_line_) {
    const std::size_t at = text.find('\n');
    if (at == std::string_view::npos && !is_all) return std::nullopt;
    header.begin = at == std::string_view::npos ? text.size() : at + 1;
  }
  const auto size = size_of(text.substr(header.begin));
  if (!size && !is_all) return std::nullopt;
  header.end = header.begin + size.value_or(0);
  return header;
}

/// None: the header is not there, or not whole.
std::optional<std::size_t> HeaderFinder::size_of(std::string_view text) {
  if (regex_) {
    if (!regex_->search(text, 0)) return std::nullopt;
    return regex_->end();
  }
  if (lines_ == 0) return 0;
  std::size_t found = 0;
  const std::size_t at = find_nth(text, 0, '\n', lines_, &found);
  if (at == std::string_view::npos) return std::nullopt;
  return at + 1;
}

}  // namespace enjoin
