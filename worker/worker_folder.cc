// The folder that a job runs in: --workdir.

#include <string>

#include "worker/current_folder.h"
#include "worker/private_folder.h"
#include "worker/result_path.h"
#include "worker/temp_names.h"
#include "worker/worker.h"
#include "worker/worker_job.h"

namespace enjoin {
namespace {

// One that is removed afterwards must be ours to remove.
int make_work_folder(const std::string& path, bool own) {
  const std::size_t slash = path.rfind('/');
  if (!own || slash == std::string::npos) return make_folders(path);
  const int error = make_folders(path.substr(0, slash));
  return error != 0 ? error : make_own_folder(path);
}

}  // namespace

// Makes it where it is not there. Returns 0 or errno.
int Worker::enter_work_folder(Job& job) {
  static const std::string here = current_folder();
  work_folder_template_->expand_line(job.inputs, job.numbers, &work_folder_);
  if (work_folder_.empty()) work_folder_ = ".";
  if (const int error = make_work_folder(work_folder_, config_.removes_work_folder); error != 0) {
    return error;
  }
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
  remove_folder(work_folder_);
  work_folder_.clear();
}

}  // namespace enjoin
