#pragma once

#include <string>
#include <vector>

namespace enjoin {

/// Where the values of a {…@file} lie, from our own folder: .enjoin/lists/STAGE/ITEM/WHAT. It stays
/// after the run, so that the command can be given again by hand.
std::string list_path(const std::string& stage, const std::string& item, const std::string& what);

/// Writes the values, one a line; the file is whole, or as it was. Throws Error.
void write_list(const std::string& path, const std::vector<std::string>& values);

}  // namespace enjoin
