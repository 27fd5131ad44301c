#pragma once

#include <cstddef>
#include <string_view>

namespace enjoin {

/// The least number of letters to insert, delete, replace or swap with a neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// What `word` may have been meant for, out of `known` (a range of strings); empty: none is near.
template <typename Range>
std::string_view near_word(std::string_view word, const Range& known) {
  if (word.size() > 40) return {};
  std::string_view nearest;
  std::size_t least = (word.size() < 6 ? 1 : word.size() < 9 ? 2 : 3) + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace enjoin
