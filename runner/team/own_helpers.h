#pragma once

#include <sys/types.h>

namespace enjoin {

/// Children of this process that belong to no job (perl, the command of --limit): noted when they
/// are started, so that a sweep of what dead workers left spares them.
void note_own_helper(pid_t pid);
bool is_own_helper(pid_t pid);

}  // namespace enjoin
