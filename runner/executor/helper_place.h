#pragma once

#include <string>

#include "ipc/unique_fd.h"

namespace enjoin {

struct Helper {
  ipc::UniqueFd program;  ///< O_PATH
  std::string folder;
};

/// Finds one of our helper programs: in `folder`, if one is given, else in $ENJOIN_LIBEXEC, if it
/// is set, else where it lies in an installed tree or a build tree, as seen from the file that this
/// code was loaded from, else where it was to be installed. Throws Error that names them.
Helper find_helper(const std::string& name, const std::string& folder);

}  // namespace enjoin
