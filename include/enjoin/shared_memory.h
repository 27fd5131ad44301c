#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "enjoin/api.h"
#include "enjoin/archive.h"
#include "enjoin/error.h"

/// Objects that processes have in common; see enjoin/shared.h.
namespace enjoin::shared {

class Buffer;
class Memory;

namespace detail {

class Mapped;

/// Where an object lies. What all handles have: copying one copies the reference.
class ENJOIN_API Object {
 public:
  /// It stands for an object. A default-constructed handle does not; its functions throw Error.
  explicit operator bool() const { return bytes_ != nullptr; }
  /// Both stand for the same object.
  friend bool operator==(const Object& a, const Object& b) { return a.bytes_ == b.bytes_; }

  Object() = default;
  Object(std::shared_ptr<Mapped> mapped, std::uint64_t offset);

 protected:
  Mapped& mapped() const;
  void* bytes() const;

  std::shared_ptr<Mapped> mapped_;
  void* bytes_ = nullptr;

 private:
  friend struct ObjectArchive;
};

/// As an argument or result an object travels as its memory's id and its place there.
struct ENJOIN_API ObjectArchive {
  static void write(ArchiveWriter& to, const Memory& memory);
  static Memory read_memory(ArchiveReader& from);
  static void write(ArchiveWriter& to, const Object& object);
  static void read(ArchiveReader& from, Object& object, std::uint8_t kind);
};

}  // namespace detail

struct MemoryOptions {
  /// Room for all objects. Memory is used as it is written to, so much costs little.
  std::size_t size_bytes = std::size_t{64} << 20;
  std::uint32_t processes = 256;  ///< that use it at once, at most; up to 8192
};

/// Memory in which shared objects are made. It has no name, cannot be left behind by a crash, and
/// lasts as long as a handle of it or of an object in it, in any process.
///
/// Processes get at it by being forked, or as workers of a Pool that names it
/// (PoolOptions::shared). It may lie at another address in each. Objects last as long as the
/// memory; only buffers can be given back. Any process and thread may make objects, and send
/// handles as arguments and results.
///
/// *Death.* A process is known to the memory from its first use of an object that needs to know
/// (a lock, a permit, a barrier, an item). When it is gone, all that it held is put in order: at
/// once where a Pool tells, else by whoever waits, within about a tenth of a second. What that
/// means stands with each object. A thread that ends without giving back what it holds is no death.
///
/// Copies are handles of the same memory, and may be arguments themselves. All functions of all
/// objects may be called by several threads at once; none may be called by a signal handler. They
/// throw Error where more processes than MemoryOptions::processes use it, and where its bytes were
/// overwritten.
class ENJOIN_API Memory {
 public:
  explicit Memory(const MemoryOptions& options = {});

  /// `size_bytes` that nobody else uses, not initialised, to be shared without copying: a large
  /// argument, say. Throws Error: no room.
  Buffer buffer(std::size_t size_bytes);
  /// Gives a buffer's bytes back, for any process: no handle of it may be used afterwards.
  void give_back(Buffer& buffer);

  std::size_t size_bytes() const;
  /// Bytes in use, with what they need around them.
  std::size_t used_bytes() const;
  /// Looks now whether a process that uses it has died, and puts in order what it held; says how
  /// many were found. Waiting functions do so by themselves.
  std::uint32_t look_for_dead();

 private:
  friend struct MemoryAccess;
  friend struct detail::ObjectArchive;
  explicit Memory(std::shared_ptr<detail::Mapped> mapped);
  std::shared_ptr<detail::Mapped> mapped_;
};

/// Bytes in a Memory. A handle: copies are the same bytes. Nothing keeps two from writing at once.
class ENJOIN_API Buffer : public detail::Object {
 public:
  static constexpr std::uint8_t kKind = 2;

  Buffer() = default;
  std::byte* data() const { return static_cast<std::byte*>(bytes_); }
  std::size_t size_bytes() const;
  std::span<std::byte> bytes() const { return {data(), size_bytes()}; }
  /// The same as as many T as fit. It begins at a multiple of 64 bytes.
  template <typename T>
  std::span<T> as() const {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 64);
    return {static_cast<T*>(bytes_), size_bytes() / sizeof(T)};
  }

 private:
  friend class Memory;
  Buffer(std::shared_ptr<detail::Mapped> mapped, std::uint64_t offset);
};

/// Writes `text` and, where it does not end in one, a newline to the standard output, as a whole:
/// what processes of one memory print so is never mixed. A line that a dead process has begun is
/// ended first. Throws Error: it cannot be written.
ENJOIN_API void print(const Memory& memory, std::string_view text);

}  // namespace enjoin::shared

namespace enjoin {

template <typename T>
requires(std::derived_from<T, shared::detail::Object>) struct Archive<T> {
  static void write(ArchiveWriter& to, const T& object) {
    shared::detail::ObjectArchive::write(to, object);
  }
  static T read(ArchiveReader& from) {
    T object;
    shared::detail::ObjectArchive::read(from, object, T::kKind);
    return object;
  }
};

template <>
struct Archive<shared::Memory> {
  static void write(ArchiveWriter& to, const shared::Memory& memory) {
    shared::detail::ObjectArchive::write(to, memory);
  }
  static shared::Memory read(ArchiveReader& from) {
    return shared::detail::ObjectArchive::read_memory(from);
  }
};

}  // namespace enjoin
