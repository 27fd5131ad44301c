#pragma once

// What the fuzz targets read their input with, and say what must hold with.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace enjoin::test {

/// Ends the process, which libFuzzer reports, with a stack that shows where.
inline void require(bool holds) {
  if (!holds) std::abort();
}

/// Takes an input apart. Behind its end there are zeroes.
class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  template <typename T = std::uint8_t>
  requires std::is_integral_v<T> T number() {
    T value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) {
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(byte()) << (8 * i)));
    }
    return value;
  }
  std::uint32_t below(std::uint32_t limit) {
    return limit == 0 ? 0 : number<std::uint16_t>() % limit;
  }

  /// A number that is more often one at which something may go wrong.
  std::uint64_t odd_number() {
    constexpr std::uint64_t kOdd[] = {
        0,          1,          ~0ULL,      1ULL << 63,   (1ULL << 63) - 1,
        1ULL << 32, 1ULL << 31, 0xffffffff, ~0ULL - 4096, 1ULL << 40};
    const std::uint8_t which = number();
    return which < std::size(kOdd) ? kOdd[which] : which < 128 ? which : number<std::uint64_t>();
  }

  std::string text(std::size_t most) {
    const std::size_t size = std::min({std::size_t{number()}, most, rest_.size()});
    std::string taken(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view rest() const { return rest_; }
  /// The rest, cut at each `end`.
  std::vector<std::string> strings(char end) {
    std::vector<std::string> parts;
    while (!rest_.empty()) {
      const std::size_t size = std::min(rest_.find(end), rest_.size());
      parts.emplace_back(rest_.substr(0, size));
      rest_.remove_prefix(std::min(size + 1, rest_.size()));
    }
    return parts;
  }

 private:
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
};

}  // namespace enjoin::test
