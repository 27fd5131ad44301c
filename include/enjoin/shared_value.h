#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "enjoin/shared_memory.h"

namespace enjoin::shared {

namespace detail {

/// Bytes that change as a whole.
class ENJOIN_API RawValue : public Object {
 public:
  static constexpr std::uint8_t kKind = 9;

  RawValue() = default;
  RawValue(Memory& memory, std::size_t size_bytes);
  void read(void* to, std::size_t size_bytes) const;
  /// Between lock() and unlock().
  void publish(const void* from, std::size_t size_bytes);
  void lock();
  void unlock();
};

}  // namespace detail

/// A value of a trivially copyable type. A reader never sees half of a change, and never waits.
///
/// *When who changes it dies*, the old value stays.
template <typename T>
class Value : public detail::RawValue {
  static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>,
                "a shared value is trivially copyable; for others take a Queue, or a Buffer");

 public:
  Value() = default;
  explicit Value(Memory& memory, const T& value = T{}) : RawValue(memory, sizeof(T)) {
    publish(&value, sizeof(T));
  }

  T load() const {
    alignas(T) unsigned char bytes[sizeof(T)];
    read(bytes, sizeof(T));
    return std::bit_cast<T>(*reinterpret_cast<const Bytes*>(bytes));
  }
  void store(const T& value) {
    const Hold hold(*this);
    publish(&value, sizeof(T));
  }
  /// Stores change(load()) with no other change in between, and gives it. Where `change` throws,
  /// nothing is changed. It runs under a lock: it must not use this value otherwise.
  template <typename Change>
  T update(Change&& change) {
    const Hold hold(*this);
    const T changed = std::forward<Change>(change)(load());
    publish(&changed, sizeof(T));
    return changed;
  }

 private:
  struct Bytes {
    unsigned char bytes[sizeof(T)];
  };
  class Hold {
   public:
    explicit Hold(Value& value) : value_(value) { value_.lock(); }
    ~Hold() { value_.unlock(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Value& value_;
  };
};

}  // namespace enjoin::shared
