#pragma once

#include <string>

#include "runner/pool/call_cells.h"

namespace enjoin {

/// A call for people: "call 17 of square(int)".
std::string call_label(const CallCell& cell);

}  // namespace enjoin
