#include <cstring>

#include "enjoin/shared_value.h"
#include "ipc/shared/mapped.h"

// The lower bit of the version says which of two copies is the value. A change is written to the
// other one and published with one store. A reader whose copy was the value before and after it
// read has read it whole: only then does the next change touch it.

namespace enjoin::shared::detail {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

AtomicU64* copy_of(ValueData& data, std::uint64_t version) {
  return reinterpret_cast<AtomicU64*>(&data + 1) + (version % 2) * data.words;
}

std::size_t size_of_word(std::size_t at, std::size_t size_bytes) {
  return size_bytes - at < kWord ? size_bytes - at : kWord;
}

}  // namespace

static_assert(RawValue::kKind == static_cast<std::uint8_t>(Kind::kValue));

RawValue::RawValue(Memory& memory, std::size_t size_bytes)
    : Object(make_object<ValueData>(
          memory, Kind::kValue, sizeof(ValueData) + (size_bytes + kWord - 1) / kWord * kWord * 2,
          [&](ValueData& data) { data.words = (size_bytes + kWord - 1) / kWord; })) {}

void RawValue::read(void* to, std::size_t size_bytes) const {
  auto& data = *static_cast<ValueData*>(bytes());
  if (size_bytes > data.words * kWord) throw Error("a shared value is of another type");
  for (;;) {
    const std::uint64_t version = data.version.load(std::memory_order_acquire);
    const AtomicU64* const copy = copy_of(data, version);
    for (std::size_t at = 0; at < size_bytes; at += kWord) {
      const std::uint64_t word = copy[at / kWord].load(std::memory_order_acquire);
      std::memcpy(static_cast<char*>(to) + at, &word, size_of_word(at, size_bytes));
    }
    if (data.version.load(std::memory_order_acquire) == version) return;
  }
}

void RawValue::publish(const void* from, std::size_t size_bytes) {
  auto& data = *static_cast<ValueData*>(bytes());
  if (size_bytes > data.words * kWord) throw Error("a shared value is of another type");
  const std::uint64_t version = data.version.load(std::memory_order_relaxed) + 1;
  AtomicU64* const copy = copy_of(data, version);
  for (std::size_t at = 0; at < size_bytes; at += kWord) {
    std::uint64_t word = 0;
    std::memcpy(&word, static_cast<const char*>(from) + at, size_of_word(at, size_bytes));
    copy[at / kWord].store(word, std::memory_order_release);
  }
  data.version.store(version, std::memory_order_release);
}

void RawValue::lock() {
  take_lock(mapped(), static_cast<ValueData*>(bytes())->lock, {});
}

void RawValue::unlock() {
  give_lock(mapped(), static_cast<ValueData*>(bytes())->lock);
}

}  // namespace enjoin::shared::detail
