#pragma once

#include <string>

namespace enjoin {

/// Removes what lies in an open folder, following no links. Names that cannot be removed stay.
void empty_folder(int folder);

/// Removes a folder and what lies in it; not where the path is a link.
void remove_folder(const std::string& path);

/// Removes all files and folders whose paths begin with `prefix`: those of its folder whose names
/// begin with what follows the last `/`. Nothing where that is empty, or the folder cannot be read.
void remove_temp_names(const std::string& prefix);

}  // namespace enjoin
