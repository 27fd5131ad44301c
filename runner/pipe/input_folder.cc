#include "runner/pipe/input_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include "enjoin/error.h"

namespace enjoin {

InputFolder::InputFolder(const std::string& parent) {
  if (parent.empty()) return;
  std::string path = parent + "/parXXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    throw system_error("cannot make a folder for the jobs' input files in " + parent, errno);
  }
  path_ = std::move(path);
}

InputFolder::~InputFolder() {
  // Mostly it is empty, and to look into it needs a descriptor and memory.
  if (path_.empty() || ::rmdir(path_.c_str()) == 0) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace enjoin
