#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "enjoin/error.h"

namespace enjoin {

class ArchiveWriter;
class ArchiveReader;

/// How values of T travel between processes of one build on one machine: a specialisation has
///
///     static void write(ArchiveWriter& to, const T& value);
///     static T read(ArchiveReader& from);
///
/// Built in: trivially copyable types that are no pointers, std::string, vector, array, pair,
/// tuple, optional, variant, map, unordered_map, set, unordered_set, unique_ptr, nested as one
/// likes, and the objects of enjoin/shared.h. For a class of one's own it is enough to write one
/// member, which is used both ways; the class is then default-constructible:
///
///     template <class A> void archive(A& a) { a(name, size, parts); }
///
/// A trivially copyable class travels as its bytes: give one that holds pointers an archive().
/// No versions, no byte order, no cycles: both ends are the same program.
template <typename T>
struct Archive;

/// What was read is no archive of what was asked for: it ends too early, mostly because write and
/// read of some class differ.
class ArchiveError : public Error {
 public:
  using Error::Error;
};

/// Bytes that grow. The first 64 need no allocation.
class ArchiveWriter {
 public:
  ArchiveWriter() = default;
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  void bytes(const void* from, std::size_t size) {
    if (size > capacity_ - size_) grow(size);
    if (size != 0) std::memcpy(data_ + size_, from, size);
    size_ += size;
  }
  void size(std::size_t count) {
    const std::uint64_t wide = count;
    bytes(&wide, sizeof wide);
  }
  /// Writes each.
  template <typename... T>
  void operator()(const T&... values) {
    (Archive<T>::write(*this, values), ...);
  }

  const char* data() const { return data_; }
  std::size_t size_bytes() const { return size_; }
  std::string_view view() const { return {data_, size_}; }
  /// Empty again; what was allocated is kept.
  void clear() { size_ = 0; }

 private:
  void grow(std::size_t more) {
    const std::size_t wanted = size_ + more;
    const std::size_t doubled = capacity_ * 2;
    const std::size_t capacity = wanted > doubled ? wanted : doubled;
    std::unique_ptr<char[]> bigger(new char[capacity]);
    std::memcpy(bigger.get(), data_, size_);
    heap_ = std::move(bigger);
    data_ = heap_.get();
    capacity_ = capacity;
  }

  char first_[64];
  std::unique_ptr<char[]> heap_;
  char* data_ = first_;
  std::size_t size_ = 0;
  std::size_t capacity_ = sizeof first_;
};

/// Reads what an ArchiveWriter wrote, in the same order. The bytes are the caller's.
class ArchiveReader {
 public:
  explicit ArchiveReader(std::string_view bytes) : rest_(bytes) {}

  /// The next `size` bytes, where they are. Throws ArchiveError.
  std::string_view bytes(std::size_t size) {
    if (size > rest_.size()) throw ArchiveError("an archive ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  void bytes(void* to, std::size_t size) {
    const std::string_view taken = bytes(size);
    if (size != 0) std::memcpy(to, taken.data(), size);
  }
  /// A count of things that take at least `least` bytes each: a damaged one throws here, and not
  /// by allocating too much.
  std::size_t size(std::size_t least = 0) {
    std::uint64_t wide = 0;
    bytes(&wide, sizeof wide);
    if (least != 0 && wide > rest_.size() / least) {
      throw ArchiveError("an archive ends too early");
    }
    return static_cast<std::size_t>(wide);
  }
  template <typename T>
  T read() {
    return Archive<T>::read(*this);
  }
  /// Reads each.
  template <typename... T>
  void operator()(T&... values) {
    ((values = Archive<T>::read(*this)), ...);
  }
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

namespace detail {

template <typename T, typename A>
concept HasArchiveMember = requires(T& value, A& archive) {
  value.archive(archive);
};

/// Travels as its bytes.
template <typename T>
inline constexpr bool kAsBytes =
    std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_member_pointer_v<T> &&
    !std::is_reference_v<T> && !std::is_array_v<T> && !HasArchiveMember<T, ArchiveReader>;

template <typename T>
struct IsBytesOnly : std::bool_constant<kAsBytes<T>> {};
template <typename A, typename B>
struct IsBytesOnly<std::pair<A, B>> : std::false_type {};
template <typename... T>
struct IsBytesOnly<std::tuple<T...>> : std::false_type {};
template <typename T, std::size_t N>
struct IsBytesOnly<std::array<T, N>> : IsBytesOnly<T> {};
template <typename T>
struct IsBytesOnly<std::optional<T>> : std::false_type {};
template <typename... T>
struct IsBytesOnly<std::variant<T...>> : std::false_type {};
template <>
struct IsBytesOnly<std::string_view> : std::false_type {};
template <typename T, std::size_t N>
struct IsBytesOnly<std::span<T, N>> : std::false_type {};

template <typename T>
void write_each(ArchiveWriter& to, const T& values) {
  to.size(values.size());
  for (const auto& value : values) to(value);
}

}  // namespace detail

/// There is a way for T.
template <typename T>
concept Archivable = requires(ArchiveWriter& to, ArchiveReader& from, const T& value) {
  Archive<T>::write(to, value);
  { Archive<T>::read(from) } -> std::convertible_to<T>;
};

// ---- what is built in ------------------------------------------------------------------------

template <typename T>
requires(detail::IsBytesOnly<T>::value) struct Archive<T> {
  static void write(ArchiveWriter& to, const T& value) { to.bytes(&value, sizeof value); }
  static T read(ArchiveReader& from) {
    std::array<unsigned char, sizeof(T)> raw;
    from.bytes(raw.data(), raw.size());
    return std::bit_cast<T>(raw);
  }
};

template <typename T>
requires(detail::HasArchiveMember<T, ArchiveReader>) struct Archive<T> {
  static void write(ArchiveWriter& to, const T& value) { const_cast<T&>(value).archive(to); }
  static T read(ArchiveReader& from) {
    T value{};
    value.archive(from);
    return value;
  }
};

template <>
struct Archive<std::string> {
  static void write(ArchiveWriter& to, const std::string& value) {
    to.size(value.size());
    to.bytes(value.data(), value.size());
  }
  static std::string read(ArchiveReader& from) {
    const std::size_t size = from.size(1);
    return std::string(from.bytes(size));
  }
};

template <typename T, typename Allocator>
struct Archive<std::vector<T, Allocator>> {
  using Values = std::vector<T, Allocator>;
  static constexpr bool kBytes = detail::IsBytesOnly<T>::value && !std::is_same_v<T, bool>;

  static void write(ArchiveWriter& to, const Values& values) {
    to.size(values.size());
    if constexpr (kBytes) {
      to.bytes(values.data(), values.size() * sizeof(T));
    } else {
      for (const T& value : values) to(value);
    }
  }
  static Values read(ArchiveReader& from) {
    Values values;
    if constexpr (kBytes && std::is_default_constructible_v<T>) {
      values.resize(from.size(sizeof(T)));
      from.bytes(values.data(), values.size() * sizeof(T));
    } else {
      // Something may take no byte at all, so not more than a little is reserved on its word.
      const std::size_t count = from.size();
      values.reserve(count < from.left() ? count : from.left());
      for (std::size_t i = 0; i < count; ++i) values.push_back(from.read<T>());
    }
    return values;
  }
};

template <typename T, std::size_t N>
requires(!detail::IsBytesOnly<T>::value) struct Archive<std::array<T, N>> {
  static void write(ArchiveWriter& to, const std::array<T, N>& values) {
    for (const T& value : values) to(value);
  }
  static std::array<T, N> read(ArchiveReader& from) {
    return read_each(from, std::make_index_sequence<N>());
  }

 private:
  template <std::size_t... I>
  static std::array<T, N> read_each(ArchiveReader& from, std::index_sequence<I...>) {
    return {((void)I, from.read<T>())...};
  }
};

template <typename A, typename B>
struct Archive<std::pair<A, B>> {
  static void write(ArchiveWriter& to, const std::pair<A, B>& value) {
    to(value.first, value.second);
  }
  static std::pair<A, B> read(ArchiveReader& from) {
    A first = from.read<A>();
    return {std::move(first), from.read<B>()};
  }
};

template <typename... T>
struct Archive<std::tuple<T...>> {
  static void write(ArchiveWriter& to, const std::tuple<T...>& value) {
    std::apply([&](const T&... each) { to(each...); }, value);
  }
  static std::tuple<T...> read(ArchiveReader& from) {
    return std::tuple<T...>{from.read<T>()...};  // braces: from left to right
  }
};

template <typename T>
struct Archive<std::optional<T>> {
  static void write(ArchiveWriter& to, const std::optional<T>& value) {
    to(value.has_value());
    if (value) to(*value);
  }
  static std::optional<T> read(ArchiveReader& from) {
    if (!from.read<bool>()) return std::nullopt;
    return from.read<T>();
  }
};

template <typename T>
struct Archive<std::unique_ptr<T>> {
  static void write(ArchiveWriter& to, const std::unique_ptr<T>& value) {
    to(value != nullptr);
    if (value) to(*value);
  }
  static std::unique_ptr<T> read(ArchiveReader& from) {
    if (!from.read<bool>()) return nullptr;
    return std::make_unique<T>(from.read<T>());
  }
};

template <>
struct Archive<std::monostate> {
  static void write(ArchiveWriter&, std::monostate) {}
  static std::monostate read(ArchiveReader&) { return {}; }
};

template <typename... T>
struct Archive<std::variant<T...>> {
  static void write(ArchiveWriter& to, const std::variant<T...>& value) {
    to.size(value.index());
    std::visit([&](const auto& held) { to(held); }, value);
  }
  static std::variant<T...> read(ArchiveReader& from) { return read_at<0>(from, from.size()); }

 private:
  template <std::size_t I>
  static std::variant<T...> read_at(ArchiveReader& from, std::size_t index) {
    if constexpr (I == sizeof...(T)) {
      throw ArchiveError("an archive names an alternative that its variant does not have");
    } else {
      using Held = std::variant_alternative_t<I, std::variant<T...>>;
      if (index == I) return std::variant<T...>(std::in_place_index<I>, from.read<Held>());
      return read_at<I + 1>(from, index);
    }
  }
};

namespace detail {

template <typename Map>
struct MapArchive {
  static void write(ArchiveWriter& to, const Map& values) { write_each(to, values); }
  static Map read(ArchiveReader& from) {
    Map values;
    for (std::size_t left = from.size(); left > 0; --left) {
      auto key = from.read<typename Map::key_type>();
      values.emplace(std::move(key), from.read<typename Map::mapped_type>());
    }
    return values;
  }
};

template <typename Set>
struct SetArchive {
  static void write(ArchiveWriter& to, const Set& values) { write_each(to, values); }
  static Set read(ArchiveReader& from) {
    Set values;
    for (std::size_t left = from.size(); left > 0; --left) {
      values.insert(from.read<typename Set::value_type>());
    }
    return values;
  }
};

}  // namespace detail

template <typename... T>
struct Archive<std::map<T...>> : detail::MapArchive<std::map<T...>> {};
template <typename... T>
struct Archive<std::unordered_map<T...>> : detail::MapArchive<std::unordered_map<T...>> {};
template <typename... T>
struct Archive<std::set<T...>> : detail::SetArchive<std::set<T...>> {};
template <typename... T>
struct Archive<std::unordered_set<T...>> : detail::SetArchive<std::unordered_set<T...>> {};

}  // namespace enjoin
