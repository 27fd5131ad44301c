#pragma once

// For tests of jobs in namespaces.

#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "support/cli.h"
#include "worker/isolation.h"

namespace enjoin::test {

/// Tells whether --isolate=pid works here. Where it does not, says so loudly.
inline bool can_isolate() {
  try {
    try_isolation();
    return true;
  } catch (const Error& error) {
    MESSAGE("SKIPPED: ", error.what());
    return false;
  }
}

/// The same for what only root can do, or set up.
inline bool is_root(const char* what) {
  if (::geteuid() == 0) return true;
  MESSAGE("SKIPPED: only root can ", std::string(what));
  return false;
}

/// Sandboxes that are made while it lives lie outside /tmp, which isolated jobs do not see.
class OutsideTmp {
 public:
  OutsideTmp() {
    const char* const before = std::getenv("TMPDIR");
    if (before != nullptr) before_ = before;
    had_ = before != nullptr;
    ::setenv("TMPDIR", "/var/tmp", 1);
  }
  ~OutsideTmp() { had_ ? ::setenv("TMPDIR", before_.c_str(), 1) : ::unsetenv("TMPDIR"); }
  OutsideTmp(const OutsideTmp&) = delete;
  OutsideTmp& operator=(const OutsideTmp&) = delete;

 private:
  std::string before_;
  bool had_ = false;
};

/// Copies a program of tests/jobs into the folder that jobs run in, where they see it in any case.
/// Returns the word for a command line.
inline std::string bring_job(const Sandbox& box, const std::string& name) {
  std::filesystem::copy_file(ENJOIN_TEST_JOBS "/" + name, box.path(name));
  return "./" + name;
}

}  // namespace enjoin::test
