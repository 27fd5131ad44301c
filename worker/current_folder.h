#pragma once

#include <string>

namespace enjoin {

/// Where we are, by the name that our caller's shell has for it if that is still true.
std::string current_folder();

}  // namespace enjoin
