#pragma once

#include <string>
#include <unordered_set>
#include <vector>

namespace enjoin {

/// The files that jobs declare to write, before and after they run.
class RunFiles {
 public:
  /// Makes the folders that the files will lie in. Throws Error: which one, why.
  void make_parents(const std::vector<std::string>& files);
  /// The first that is not there; nullptr: all are.
  static const std::string* find_missing(const std::vector<std::string>& files);
  /// Files, links and empty folders; what is not there is no error. A folder with something in it
  /// stays: a wrong word in a pipeline file must not cost a tree. So does what no job makes as a
  /// rule: devices (/dev/null), fifos.
  static void remove(const std::vector<std::string>& files);

 private:
  std::unordered_set<std::string> made_;  // folders that were there, or were made, in this run
};

}  // namespace enjoin
