// The folder that a job runs in: --workdir.

#include <climits>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/stat.h>

#include "worker/result_path.h"
#include "worker/worker.h"
#include "worker/worker_job.h"

namespace enjoin {
namespace {

// Where we are, by the name that our caller's shell has for it if that is still true.
std::string current_folder() {
  const char* const name = std::getenv("PWD");
  struct stat by_name {};
  struct stat here {};
  if (name != nullptr && *name == '/' && ::stat(name, &by_name) == 0 && ::stat(".", &here) == 0 &&
      by_name.st_ino == here.st_ino && by_name.st_dev == here.st_dev) {
    return name;
  }
  char path[PATH_MAX];
  return ::getcwd(path, sizeof path) != nullptr ? path : ".";
}

// Removes what lies in a folder, following no links.
void empty_folder(int folder) {
  const int listed = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const entries = listed >= 0 ? ::fdopendir(listed) : nullptr;
  if (entries == nullptr) {
    if (listed >= 0) ::close(listed);
    return;
  }
  while (const dirent* const entry = ::readdir(entries)) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || ::unlinkat(folder, name.c_str(), 0) == 0) continue;
    const ipc::UniqueFd inner(
        ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (inner) empty_folder(inner.get());
    ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
  }
  ::closedir(entries);
}

}  // namespace

// Makes it where it is not there. Returns 0 or errno.
int Worker::enter_work_folder(Job& job) {
  static const std::string here = current_folder();
  work_folder_template_->expand_line(job.inputs, job.numbers, &work_folder_);
  if (work_folder_.empty()) work_folder_ = ".";
  if (const int error = make_folders(work_folder_); error != 0) return error;
  environment_.set("OLDPWD", here);
  if (work_folder_ == ".") {
    environment_.set("PWD", here);
  } else {
    environment_.set("PWD", work_folder_.front() == '/' ? work_folder_ : here + '/' + work_folder_);
  }
  return 0;
}

void Worker::leave_work_folder() {
  if (work_folder_.empty()) return;
  const ipc::UniqueFd folder(
      ::open(work_folder_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder) empty_folder(folder.get());
  ::rmdir(work_folder_.c_str());
  work_folder_.clear();
}

}  // namespace enjoin
