#pragma once

#include <stdexcept>
#include <string>

#include "enjoin/api.h"

namespace enjoin {

/// Thrown where set-up cannot go on: bad input, a missing file, a kernel that refuses.
/// The message says what failed, on which object, why, and what to try; it holds no program name
/// and no final newline. A job's fate is never an exception: see outcome.h.
class ENJOIN_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An Error made of `what` and the text of the errno value `error`: "cannot open x: No such file…".
ENJOIN_API Error system_error(const std::string& what, int error);

}  // namespace enjoin
