#pragma once

#include <string>

namespace enjoin {

/// --version=all: version, build, the least kernel, and which of the kernel's mechanisms are in
/// force here, one a line, each found out by trying it.
std::string describe_mechanisms();

}  // namespace enjoin
