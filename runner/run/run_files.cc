#include "runner/run/run_files.h"

#include <cerrno>
#include <cstdio>

#include <sys/stat.h>

#include "enjoin/error.h"
#include "worker/result_path.h"
#include "worker/term_safe.h"

namespace enjoin {

void RunFiles::make_parents(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const std::size_t slash = file.rfind('/');
    if (slash == std::string::npos || slash == 0) continue;
    const std::string folder = file.substr(0, slash);
    if (made_.contains(folder)) continue;
    if (const int error = make_folders(folder); error != 0) {
      throw system_error(
          "cannot make the folder " + term_safe(folder) + " for the output " + term_safe(file),
          error);
    }
    made_.insert(folder);
  }
}

const std::string* RunFiles::find_missing(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return &file;
  }
  return nullptr;
}

void RunFiles::remove(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0) continue;
    const bool is_made =
        S_ISREG(status.st_mode) || S_ISLNK(status.st_mode) || S_ISDIR(status.st_mode);
    if (is_made) std::remove(file.c_str());
  }
}

}  // namespace enjoin
