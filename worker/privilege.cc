#include "worker/privilege.h"

#include <unistd.h>

#include <sys/auxv.h>

namespace enjoin {

Privilege Privilege::of_process() {
  return {.real_user = ::getuid(),
          .effective_user = ::geteuid(),
          .real_group = ::getgid(),
          .effective_group = ::getegid(),
          .secure_start = ::getauxval(AT_SECURE) != 0};
}

const char* reason_to_refuse(const Privilege& privilege) {
  if (privilege.real_user != privilege.effective_user) {
    return "refusing to run set-uid: jobs would get rights that are not yours";
  }
  if (privilege.real_group != privilege.effective_group) {
    return "refusing to run set-gid: jobs would get rights that are not yours";
  }
  if (privilege.secure_start) {
    return "refusing to run with rights from the program's file (capabilities): jobs would get "
           "rights that are not yours";
  }
  return nullptr;
}

}  // namespace enjoin
