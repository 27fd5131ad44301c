#include "enjoin/error.h"

#include <system_error>

namespace enjoin {

Error system_error(const std::string& what, int error) {
  return Error(what + ": " + std::generic_category().message(error));
}

}  // namespace enjoin
