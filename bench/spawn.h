#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

#include <sys/wait.h>

/// What the yardstick programs share: the cheapest way there is to run a program and wait for it.
/// Nothing here does anything for its user: no capture, no limits, no record of how a job ended.
namespace bench {

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::_Exit(2);
}

/// Where exec would find `name`; looked up once, so that no job pays for a walk along PATH.
inline std::string program_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* variable = std::getenv("PATH");
  const std::string path = variable != nullptr ? variable : "/usr/bin:/bin";
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = path.find(':', begin);
    std::string found = path.substr(begin, end - begin);
    found.append("/").append(name);
    if (access(found.c_str(), X_OK) == 0) return found;
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  die(name.c_str());
}

inline void run_and_wait(const char* path, char* const* argv) {
  const pid_t pid = vfork();
  if (pid == 0) {
    execv(path, argv);
    _exit(127);
  }
  if (pid < 0) die("vfork");
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) die("waitpid");
}

}  // namespace bench
