#pragma once

#include <string>

namespace enjoin {

/// The folder that the jobs' input files and fifos lie in (--cat, --fifo). Removed, with what is
/// left in it, at its end.
class InputFolder {
 public:
  /// A fresh one below `parent`, or none where that is empty. Throws Error.
  explicit InputFolder(const std::string& parent);
  ~InputFolder();
  InputFolder(const InputFolder&) = delete;
  InputFolder& operator=(const InputFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace enjoin
