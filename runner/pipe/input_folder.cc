#include "runner/pipe/input_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>

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
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace enjoin
