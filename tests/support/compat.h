#pragma once

// Runs the same script with GNU parallel and with enjoin under the name `parallel`, and compares.

#include <string>

namespace enjoin::test {

struct CompatCase {
  const char* name;
  const char* script;  ///< bash; a file called `log` that it leaves is compared as a joblog
  enum class Order { kExact, kAnyOrder } order = Order::kExact;  ///< of the lines of stdout
};

/// Checks that stdout, exit status and joblog (times blanked) are equal.
void check_same(const CompatCase& compat);

/// A joblog with what may differ taken out: times are blanked, the row of a signalled job is
/// written as newer releases of GNU parallel do (128+n and n), rows are sorted by their number.
std::string comparable_joblog(const std::string& text);

}  // namespace enjoin::test
