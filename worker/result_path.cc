#include "worker/result_path.h"

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <vector>

#include <sys/stat.h>

namespace enjoin {
namespace {

constexpr std::size_t kLongestName = 255;

struct Escape {
  char from;
  char to;
};
constexpr Escape kEscapes[] = {{'\\', '\\'}, {'/', '_'}, {'\t', 't'}};

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

void append_folder_name(std::string_view value, std::string* path) {
  const std::size_t begin = path->size();
  if (value == "." || value == "..") *path += '\\';
  for (const char c : value) {
    const auto* const escape =
        std::find_if(std::begin(kEscapes), std::end(kEscapes),
                     [c](const Escape& candidate) { return candidate.from == c; });
    if (escape == std::end(kEscapes)) {
      *path += c;
    } else {
      *path += '\\';
      *path += escape->to;
    }
    if (path->size() - begin >= kLongestName) break;
  }
  path->resize(std::min(path->size(), begin + kLongestName));
}

void result_folder(std::string_view root, std::span<const std::string> names,
                   std::span<const std::string_view> values, std::uint32_t columns,
                   std::string* folder) {
  folder->assign(root);
  if (!folder->empty() && folder->back() != '/') *folder += '/';
  if (values.empty() && columns != 0) {  // -N0
    *folder += "1/\\0noarg/";
    return;
  }
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Records one after the other; within one by name, and behind those the inputs without one.
  const std::size_t width = std::max<std::size_t>(columns, 1);
  const auto has_name = [&](std::size_t i) {
    return i % width < names.size() && !names[i % width].empty();
  };
  if (!names.empty()) {
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (a / width != b / width) return a < b;
      if (has_name(a) != has_name(b)) return has_name(a);
      return has_name(a) && names[a % width] < names[b % width];
    });
  }
  for (const std::size_t i : order) {
    *folder += has_name(i) ? names[i % width] : std::to_string(i % width + 1);
    *folder += '/';
    if (values[i].empty()) continue;
    append_folder_name(values[i], folder);
    *folder += '/';
  }
}

int make_folders(const std::string& path) {
  if (path.empty() || ::mkdir(path.c_str(), 0777) == 0) return 0;
  if (errno == EEXIST) return is_folder(path) ? 0 : ENOTDIR;
  if (errno != ENOENT) return errno;
  const std::size_t end = path.find_last_not_of('/');
  const std::size_t slash = end == std::string::npos ? end : path.rfind('/', end);
  if (slash == std::string::npos || slash == 0) return ENOENT;
  const int error = make_folders(path.substr(0, slash));
  if (error != 0) return error;
  if (::mkdir(path.c_str(), 0777) == 0) return 0;
  return errno == EEXIST && is_folder(path) ? 0 : errno;
}

}  // namespace enjoin
