#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ipc/unique_fd.h"

namespace enjoin {

/// Appends what names `value` in a tree of results: `/`, TAB and backslash as `\_`, `\t` and `\\`,
/// cut to the longest name that file systems take. `.` and `..` become `\.` and `\..`, for as
/// folders they would lead out of the tree.
void append_folder_name(std::string_view value, std::string* path);

/// Replaces `*folder` by `root`/1/VALUE/2/VALUE…/ for one job: a number and a value for each input,
/// `columns` to a record. Where the sources have names, these stand for the numbers, and come
/// sorted. An empty value is no folder. `root` may end in `/` or not.
void result_folder(std::string_view root, std::span<const std::string> names,
                   std::span<const std::string_view> values, std::uint32_t columns,
                   std::string* folder);

/// Makes a folder and those above it. Returns 0 (also where it was there) or errno.
int make_folders(const std::string& path);

/// Opens the folder that the file `path` lies in, and makes what is missing of it. The first
/// `trusted` bytes of the name are the person's own words, and links among them are followed. What
/// comes behind them is named after inputs and made by us, so a link there is somebody's trap: that
/// is ELOOP. Returns 0 or errno.
int open_folder_of(const std::string& path, std::size_t trusted, ipc::UniqueFd* folder);

}  // namespace enjoin
