#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace enjoin {

/// A line of text that a LineStore keeps. 16 bytes.
struct KeptLine {
  const char* text = nullptr;
  std::uint32_t size = 0;
  std::uint32_t number = 0;  ///< from 1
  std::string_view view() const { return {text, size}; }
};

/// Keeps lines until its own end, one behind the other: no bytes of their own for each.
class LineStore {
 public:
  KeptLine keep(std::string_view text, std::uint64_t number) {
    if (left_ < text.size()) add_block(text.size());
    char* const at = next_;
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    next_ += text.size();
    left_ -= text.size();
    return {at, static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(number)};
  }

 private:
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

  void add_block(std::size_t least) {
    left_ = least > kBlockBytes / 4 ? least : kBlockBytes;
    blocks_.emplace_back(new char[left_]);
    next_ = blocks_.back().get();
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace enjoin
