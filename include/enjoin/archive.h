#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace enjoin {

class ArchiveWriter;
class ArchiveReader;

/// How values of T travel between processes of one build on one machine: a specialisation has
///
///     static void write(ArchiveWriter& to, const T& value);
///     static T read(ArchiveReader& from);
///
/// Built in: trivially copyable types without pointers of their own, std::string, vector, array,
/// pair, tuple, optional, variant, map, unordered_map, set, unordered_set, unique_ptr, nested as
/// one likes, and the objects of enjoin/shared.h. For a class of one's own it is enough to write
/// one member, which is used both ways:
///
///     template <class A> void archive(A& a) { a(name, size, parts); }
///
/// No versions, no byte order, no cycles: both ends are the same program.
template <typename T>
struct Archive;

}  // namespace enjoin
