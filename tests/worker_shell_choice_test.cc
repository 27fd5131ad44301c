#include <cstdlib>
#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

#include "enjoin/error.h"
#include "worker/shell_choice.h"

namespace enjoin {
namespace {

/// Sets a variable of our environment, and puts it back at its end.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    const char* old = std::getenv(name);
    was_set_ = old != nullptr;
    if (was_set_) old_ = old;
    ::setenv(name, value, 1);
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() {
    if (was_set_) {
      ::setenv(name_, old_.c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  bool was_set_ = false;
  std::string old_;
};

}  // namespace

TEST_CASE("shell choice: PARALLEL_SHELL comes first") {
  const ScopedVariable wanted("PARALLEL_SHELL", "/bin/sh");
  CHECK(choose_shell() == "/bin/sh");
}

TEST_CASE("shell choice: a name without a folder is looked up") {
  const ScopedVariable wanted("PARALLEL_SHELL", "sh");
  const ScopedVariable path("PATH", "/nowhere:/bin");
  CHECK(choose_shell() == "/bin/sh");
}

TEST_CASE("shell choice: a PARALLEL_SHELL that is not there is an error") {
  const ScopedVariable wanted("PARALLEL_SHELL", "/nowhere/zsh");
  CHECK_THROWS_AS(choose_shell(), Error);
}

TEST_CASE("shell choice: there is always one, and it can be run") {
  const ScopedVariable wanted("PARALLEL_SHELL", "");
  const ScopedVariable shell("SHELL", "/bin/sh");
  CHECK(::access(choose_shell().c_str(), X_OK) == 0);
}

}  // namespace enjoin
