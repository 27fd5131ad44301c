#pragma once

#include <sys/types.h>

namespace enjoin {

/// Whose rights a process has, as the kernel says.
struct Privilege {
  uid_t real_user = 0;
  uid_t effective_user = 0;
  gid_t real_group = 0;
  gid_t effective_group = 0;
  bool secure_start = false;  ///< AT_SECURE: by set-uid, set-gid, or the file's capabilities

  static Privilege of_process();
};

/// Why a process with these rights must not run anybody's jobs, or nullptr: a program that is
/// installed set-uid would give its owner's rights to whoever writes a command line. sudo is not
/// that: there, all rights are root's.
const char* reason_to_refuse(const Privilege& privilege);

}  // namespace enjoin
