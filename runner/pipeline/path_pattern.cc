#include "runner/pipeline/path_pattern.h"

#include <algorithm>
#include <cstddef>
#include <dirent.h>
#include <fnmatch.h>
#include <memory>

#include <sys/stat.h>

namespace enjoin {
namespace {

// A name between slashes, or the slashes themselves.
std::vector<std::string> cut_names(std::string_view pattern) {
  std::vector<std::string> names;
  while (!pattern.empty()) {
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    names.emplace_back(pattern.substr(0, end));
    pattern.remove_prefix(end);
    const std::size_t next = std::min(pattern.find_first_not_of('/'), pattern.size());
    pattern.remove_prefix(next);
    if (next > 0 && pattern.empty()) names.emplace_back();  // it ends in a slash: folders only
  }
  return names;
}

std::string without_escapes(std::string_view pattern) {
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    text += pattern[i];
  }
  return text;
}

class Walk {
 public:
  Walk(std::vector<std::string> names, std::string root)
      : names_(std::move(names)), root_(std::move(root)) {}

  std::vector<std::string> run() {
    if (!names_.empty() && names_.front().empty()) {
      visit("/", 1);  // absolute
    } else {
      visit("", 0);
    }
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return std::move(found_);
  }

 private:
  // `path` is empty or ends in a slash; what it names is a folder, as far as we know.
  void visit(const std::string& path, std::size_t at) {
    const bool is_last = at + 1 == names_.size();
    const std::string& name = names_[at];
    if (name == "**") {
      if (!is_last) visit(path, at + 1);
      for (const std::string& entry : entries(path)) {
        if (entry.front() == '.') continue;
        if (is_last) found_.push_back(path + entry);
        if (is_true_folder(path + entry)) visit(path + entry + '/', at);
      }
      return;
    }
    if (!has_wildcard(name)) return take(path + without_escapes(name), at);
    for (const std::string& entry : entries(path)) {
      if (::fnmatch(name.c_str(), entry.c_str(), FNM_PERIOD) == 0) take(path + entry, at);
    }
  }

  void take(const std::string& path, std::size_t at) {
    struct stat status {};
    if (at + 1 < names_.size()) {
      if (names_[at + 1].empty()) {
        if (::stat(real(path).c_str(), &status) == 0 && S_ISDIR(status.st_mode))
          found_.push_back(path + '/');
      } else {
        visit(path + '/', at + 1);
      }
    } else if (::lstat(real(path).c_str(), &status) == 0) {
      found_.push_back(path);
    }
  }

  std::vector<std::string> entries(const std::string& path) const {
    std::vector<std::string> names;
    const std::string folder = real(path);
    const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.empty() ? "." : folder.c_str()),
                                                   ::closedir);
    if (!open) return names;
    while (const dirent* const entry = ::readdir(open.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    return names;
  }

  bool is_true_folder(const std::string& path) const {
    struct stat status {};
    return ::lstat(real(path).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  }

  std::string real(const std::string& path) const {
    return root_.empty() || path.starts_with('/') ? path : root_ + '/' + path;
  }

  const std::vector<std::string> names_;
  const std::string root_;
  std::vector<std::string> found_;
};

}  // namespace

bool has_wildcard(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
      return true;
    }
  }
  return false;
}

std::string escaped_pattern(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

std::vector<std::string> matching_paths(std::string_view pattern, const std::string& folder) {
  std::vector<std::string> names = cut_names(pattern);
  if (names.empty()) return {};
  if (names.size() == 1 && names.front().empty()) return {"/"};
  return Walk(std::move(names), folder).run();
}

}  // namespace enjoin
