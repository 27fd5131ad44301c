#pragma once

// The bodies of frames (protocol.h): one writer and one reader. Numbers are little-endian (both
// sides are one machine), strings and lists begin with a u32 of their size.

#include <bit>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace enjoin {

/// Appends to the body of one frame.
class FrameWriter {
 public:
  explicit FrameWriter(std::string* body) : body_(body) {}

  /// Integers, enums, bools, ids, doubles: as they lie in memory.
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void put(T value) {
    body_->append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put(std::chrono::nanoseconds value) { put<std::int64_t>(value.count()); }
  void put(std::chrono::microseconds value) { put<std::int64_t>(value.count()); }
  void put(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    body_->append(text);
  }
  void put(const std::string& text) { put(std::string_view(text)); }
  void put(const char*) = delete;
  template <class T>
  void put(const std::vector<T>& list) {
    put(static_cast<std::uint32_t>(list.size()));
    for (const T& item : list) put(item);
  }

 private:
  std::string* body_;
};

/// Reads one body and trusts nothing: after the first value that is not there or not allowed, all
/// further ones are zero or empty, and good() is false.
class FrameReader {
 public:
  explicit FrameReader(std::string_view body) : rest_(body) {}

  template <class T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) void take(T* value) {
    if (rest_.size() < sizeof *value) fail();
    if (!good_) {
      *value = T{};
      return;
    }
    std::memcpy(value, rest_.data(), sizeof *value);
    rest_.remove_prefix(sizeof *value);
  }
  void take(bool* value);
  void take(std::chrono::nanoseconds* value);
  void take(std::chrono::microseconds* value);
  void take(std::string* text);
  /// Ids: any number.
  template <class T>
  requires std::is_enum_v<T>
  void take(T* id) {
    std::underlying_type_t<T> number{};
    take(&number);
    *id = static_cast<T>(number);
  }
  /// An enum whose enumerators go from 0 to `last`.
  template <class T>
  void take_choice(T* value, T last) {
    std::underlying_type_t<T> number{};
    take(&number);
    if (number > static_cast<std::underlying_type_t<T>>(last)) fail();
    *value = good_ ? static_cast<T>(number) : T{};
  }
  template <class T>
  void take(std::vector<T>* list) {
    list->clear();
    std::uint32_t size = 0;
    take(&size);
    if (size > rest_.size()) fail();  // each item has a byte at least
    for (std::uint32_t at = 0; at < size && good_; ++at) take(&list->emplace_back());
  }

  void fail() { good_ = false; }
  bool good() const { return good_; }
  /// And nothing is left over.
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace enjoin
