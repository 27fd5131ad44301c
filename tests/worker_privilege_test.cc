#include <string>
#include <unistd.h>

#include <doctest/doctest.h>

#include "worker/privilege.h"

using namespace enjoin;

namespace {

std::string why(const Privilege& privilege) {
  const char* const reason = reason_to_refuse(privilege);
  return reason != nullptr ? reason : "";
}

}  // namespace

TEST_CASE("privilege: who has their own rights, whosever they are, may run jobs") {
  CHECK(why({1000, 1000, 1000, 1000, false}).empty());
  CHECK(why({0, 0, 0, 0, false}).empty());
  CHECK(why({1000, 1000, 50, 50, false}).empty());
}

TEST_CASE("privilege: set-uid, set-gid and capabilities of the file are refused") {
  CHECK(why({1000, 0, 1000, 1000, true}).find("set-uid") != std::string::npos);
  CHECK(why({0, 1000, 0, 0, false}).find("set-uid") != std::string::npos);
  CHECK(why({1000, 1000, 1000, 0, true}).find("set-gid") != std::string::npos);
  CHECK(why({1000, 1000, 1000, 1000, true}).find("capabilities") != std::string::npos);
}

TEST_CASE("privilege: this process has its own") {
  CHECK(Privilege::of_process().real_user == ::getuid());
  CHECK(why(Privilege::of_process()).empty());
}
